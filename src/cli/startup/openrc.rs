//! The OpenRC script.

use super::{Plan, Service, words};

/// The script of that service.
pub fn plan(service: &Service) -> Plan {
    let name = &service.name;
    Plan {
        file: format!("/etc/init.d/{name}").into(),
        text: text(service),
        mode: 0o755,
        enable: vec![words(&["rc-update", "add", name, "default"])],
        disable: [vec![words(&["rc-update", "del", name, "default"])], Vec::new()],
        notes: vec![format!("It starts with the host from now on. To start it now: rc-service {name} start")],
    }
}

fn text(service: &Service) -> String {
    let home = service.home.display().to_string();
    let user = service.user.as_ref().map(|user| format!("command_user={}\n", quoted(user)));
    let log = quoted(&format!("{home}/daemon.log"));
    format!(
        "#!/sbin/openrc-run\n\
         # Written by pmdaemon startup. pmdaemon unstartup removes it.\n\
         name={name}\n\
         description={description}\n\
         export PATH={path}\n\
         command={program}\n\
         command_args={arguments}\n\
         {user}\
         command_background=yes\n\
         pidfile={pidfile}\n\
         output_log={log}\n\
         error_log={log}\n\
         # It stops every service gracefully and in order.\n\
         retry=TERM/180/KILL/5\n\
         \n\
         depend() {{\n\
         \tneed localmount\n\
         \tafter net\n\
         }}\n",
        name = quoted(&service.name),
        description = quoted(&format!("pmdaemon, the services of {home}")),
        path = quoted(&service.path),
        program = quoted(&service.program.display().to_string()),
        // The script's shell looks at it twice.
        arguments = quoted(&format!("run --home {}", quoted(&home))),
        user = user.unwrap_or_default(),
        pidfile = quoted(&format!("/run/{}.pid", service.name)),
    )
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_shell_reads_the_script_as_it_is_meant() {
        let home = "/srv/it's 100% $HOME";
        let service = Service {
            name: "pmdaemon".into(),
            program: "/opt/my tools/pmdaemon".into(),
            home: home.into(),
            user: Some("ann".into()),
            path: "/usr/bin:/bin".into(),
        };
        let plan = plan(&service);
        let show =
            "eval \"set -- $command_args\"; printf '%s\\n' \"$command\" \"$command_user\" \"$retry\" \"$@\"";
        let shown = Command::new("sh").args(["-c", &format!("{}\n{show}", plan.text)]).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines, ["/opt/my tools/pmdaemon", "ann", "TERM/180/KILL/5", "run", "--home", home]);
        assert_eq!(plan.enable[0].join(" "), "rc-update add pmdaemon default");
    }
}
