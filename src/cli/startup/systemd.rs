//! The systemd unit.
//!
//! - `Type=notify`: it is up when the daemon serves, not when the keeper was forked.
//! - `KillMode=process`: a stop asks the keeper alone, which stops the services gracefully; and a
//!   keeper that dies takes nobody along.
//! - `Delegate=yes`: the cgroups below are ours, one for each run.
//! - `Restart=on-failure`: a keeper that was killed is started anew and takes the services over; or
//!   it finds that the daemon was quicker, and waits behind that one. After `pmdaemon kill` it
//!   stays down.
//!
//! No sandbox: the services would inherit it, and whatever they do is theirs to do.

use super::{Plan, Service, words};

/// The unit of that service. `user_unit`: for the user's own manager, in that user's home.
pub fn plan(service: &Service, user_unit: Option<&std::path::Path>) -> Plan {
    let unit = format!("{}.service", service.name);
    let (dir, systemctl): (_, &[&str]) = match user_unit {
        Some(home) => (home.join(".config/systemd/user"), &["systemctl", "--user"]),
        None => ("/etc/systemd/system".into(), &["systemctl"]),
    };
    let command = |rest: &[&str]| words(&[systemctl, rest].concat());
    let notes = match user_unit {
        Some(_) => vec![
            "It starts when you log in. To start it with the host: loginctl enable-linger".to_owned(),
            format!("To start it now: systemctl --user start {unit}"),
        ],
        None => vec![format!("It starts with the host from now on. To start it now: systemctl start {unit}")],
    };
    Plan {
        file: dir.join(&unit),
        text: text(service, user_unit.is_some()),
        mode: 0o644,
        enable: vec![command(&["daemon-reload"]), command(&["enable", &unit])],
        disable: [vec![command(&["disable", &unit])], vec![command(&["daemon-reload"])]],
        notes,
    }
}

fn text(service: &Service, user_unit: bool) -> String {
    let home = service.home.display().to_string();
    let user = service.user.as_ref().filter(|_| !user_unit).map(|user| format!("User={user}\n"));
    let (network, target) = match user_unit {
        true => ("", "default.target"),
        false => ("After=network-online.target\nWants=network-online.target\n", "multi-user.target"),
    };
    format!(
        "# Written by pmdaemon startup. pmdaemon unstartup removes it.\n\
         [Unit]\n\
         Description=pmdaemon, the services of {description}\n\
         {network}\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=notify\n\
         NotifyAccess=main\n\
         {user}\
         Environment={path}\n\
         ExecStart={program} run --home {home}\n\
         # A stop asks the keeper, which stops every service gracefully and in order.\n\
         KillMode=process\n\
         TimeoutStartSec=60\n\
         TimeoutStopSec=180\n\
         Restart=on-failure\n\
         RestartSec=1\n\
         # Of the keeper, which looks after its daemon itself; no service ends with either.\n\
         WatchdogSec=120\n\
         # A cgroup for each run. Services inherit what is limited here, so nothing is.\n\
         Delegate=yes\n\
         TasksMax=infinity\n\
         LimitNOFILE=1048576\n\
         OOMPolicy=continue\n\
         UMask=0077\n\
         \n\
         [Install]\n\
         WantedBy={target}\n",
        description = home.replace('%', "%%"),
        user = user.unwrap_or_default(),
        path = quoted(&format!("PATH={}", service.path)),
        program = argument(&service.program.display().to_string()),
        home = argument(&home),
    )
}

/// A word in quotes, without the meaning that systemd gives to `%`.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

/// A word of a command line: also without the meaning of `$`.
fn argument(word: &str) -> String {
    quoted(&word.replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn service(home: &str) -> Service {
        Service {
            name: "pmdaemon".into(),
            program: "/bin/true".into(),
            home: home.into(),
            user: None,
            path: "/usr/bin:/bin".into(),
        }
    }

    #[test]
    fn the_unit_says_what_services_rely_on() {
        let plan = plan(&service("/root/.pmdaemon"), None);
        assert_eq!(plan.file, Path::new("/etc/systemd/system/pmdaemon.service"));
        for line in [
            "Type=notify",
            "NotifyAccess=main",
            "KillMode=process",
            "WatchdogSec=120",
            "Delegate=yes",
            "Restart=on-failure",
            "ExecStart=\"/bin/true\" run --home \"/root/.pmdaemon\"",
            "Environment=\"PATH=/usr/bin:/bin\"",
            "WantedBy=multi-user.target",
        ] {
            assert!(plan.text.lines().any(|l| l == line), "{line}: {}", plan.text);
        }
        // Whatever of these there were, the services would inherit.
        for word in ["Protect", "Private", "NoNewPrivileges", "SystemCall", "MemoryMax", "User="] {
            assert!(!plan.text.contains(word), "{word}: {}", plan.text);
        }
        assert_eq!(plan.enable.last().unwrap().join(" "), "systemctl enable pmdaemon.service");
    }

    #[test]
    fn a_unit_of_a_user_needs_no_root() {
        let service = Service { user: Some("ann".into()), ..service("/home/ann/.pmdaemon") };
        let own = plan(&service, Some(Path::new("/home/ann")));
        assert_eq!(own.file, Path::new("/home/ann/.config/systemd/user/pmdaemon.service"));
        assert!(own.text.contains("WantedBy=default.target") && !own.text.contains("User="), "{}", own.text);
        assert_eq!(own.enable[0].join(" "), "systemctl --user daemon-reload");
        assert!(plan(&service, None).text.contains("\nUser=ann\n"));
    }

    #[test]
    fn systemd_itself_finds_nothing_wrong_with_it() {
        let dir = tempfile::tempdir().unwrap();
        for (name, user_unit) in [("host", None), ("user", Some(Path::new("/home/ann")))] {
            let odd = Service { name: name.into(), ..service("/srv/odd 100% $HOME \"x\"") };
            let file = dir.path().join(format!("{name}.service"));
            std::fs::write(&file, plan(&odd, user_unit).text).unwrap();
            let scope: &[&str] = if user_unit.is_some() { &["--user"] } else { &[] };
            let verify = std::process::Command::new("systemd-analyze")
                .args(scope)
                .args(["verify", "--man=no", "--recursive-errors=no"])
                .arg(&file)
                .env("XDG_RUNTIME_DIR", dir.path())
                .output();
            let Ok(verify) = verify else { return eprintln!("not tested: there is no systemd-analyze") };
            let said = String::from_utf8_lossy(&verify.stderr).into_owned();
            let about: Vec<&str> = said.lines().filter(|line| line.contains(name)).collect();
            assert!(about.is_empty() && verify.status.success(), "{said}");
        }
    }
}
