//! Keeper and daemon of this home, their addresses, and those of other homes.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Finding, Level, alerts, store};
use crate::cli::port_owner;
use crate::cli::session::{USUAL_PORT, address};
use crate::client::{self, Client, start};
use crate::home::Home;
use crate::wire::{AlertChannel, System};

/// Version of this command.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All of it. The daemon is asked when it is there, and not started.
pub async fn all(home: &Home) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lives = start::keeper_lives(home);
    if client::is_ready(home).await {
        match ask(home).await {
            Ok((system, channels)) => {
                findings.push(daemon(&system));
                findings.push(keeper(system.daemon.keeper_pid));
                findings.extend(addresses(&system));
                findings.extend(store::all(&system.store));
                findings.extend(alerts::all(&channels));
            }
            Err(told) => findings.push(Finding::bad(
                Level::Serious,
                "daemon",
                told,
                "see the daemon's log, daemon.log in its home",
            )),
        }
    } else if lives {
        findings.push(Finding::bad(
            Level::Serious,
            "daemon",
            "a keeper holds the services of this home, and no daemon answers",
            format!("wait a few seconds; then see {}", home.daemon_log().display()),
        ));
    } else {
        findings.push(Finding::ok("daemon", "none runs; the first command starts one"));
        findings.push(usual_port(port_owner::of(USUAL_PORT as u16)));
    }
    findings.extend(other_homes(home));
    findings
}

async fn ask(home: &Home) -> Result<(System, Vec<AlertChannel>), String> {
    let client = Client::local(home).map_err(|e| e.to_string())?;
    let system = client.system().await.map_err(|e| e.to_string())?;
    // A daemon of an earlier version has none.
    let channels = client.alert_channels().await.map(|list| list.items).unwrap_or_default();
    Ok((system, channels))
}

fn daemon(system: &System) -> Finding {
    let (version, pid) = (&system.daemon.version, system.daemon.pid);
    if version == VERSION {
        return Finding::ok("daemon", format!("version {version}, pid {pid}"));
    }
    Finding::bad(
        Level::Warning,
        "daemon",
        format!("the daemon (pid {pid}) is version {version} and this command is {VERSION}"),
        "run pmdaemon upgrade: services go on, keeper and daemon become this version",
    )
}

/// The keeper says no version; its file does.
fn keeper(pid: Option<i64>) -> Finding {
    let Some(pid) = pid else {
        let remedy = "wait a moment: the daemon starts one";
        return Finding::bad(Level::Serious, "keeper", "there is no keeper", remedy);
    };
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let replaced = program.as_os_str().as_bytes().ends_with(b" (deleted)");
    let same = || {
        let theirs = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
        let ours = fs::metadata("/proc/self/exe").ok()?;
        Some((theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()))
    };
    if !replaced && same() != Some(false) {
        return Finding::ok("keeper", format!("pid {pid}, of the same program as this command"));
    }
    let what = if replaced { "whose file was replaced" } else { "of another program file" };
    Finding {
        check: "keeper",
        level: Level::Note,
        finding: format!("the keeper (pid {pid}) is {}, {what}", program.display()),
        remedy: Some("it goes on as it is; pmdaemon upgrade has it become this program".to_owned()),
    }
}

fn addresses(system: &System) -> Vec<Finding> {
    let listeners = &system.daemon.listeners;
    let mut findings = Vec::new();
    for listener in listeners.iter().filter(|listener| listener.no_auth) {
        findings.push(Finding::bad(
            Level::Warning,
            "address",
            format!("authentication is off at {}", address(listener)),
            "end the command pmdaemon web --no-auth when it is not needed any more",
        ));
    }
    let shown: Vec<String> = listeners.iter().map(address).collect();
    if listeners.is_empty() {
        findings.push(Finding::bad(
            Level::Warning,
            "address",
            "there is no address besides the socket",
            "run pmdaemon web --detach, with --port if 9615 is taken",
        ));
    } else if !listeners.iter().any(|listener| listener.port == USUAL_PORT) {
        let finding = match port_owner::of(USUAL_PORT as u16) {
            Some((program, pid)) => {
                format!("{}; {USUAL_PORT} is used by {program} (pid {pid})", shown.join(", "))
            }
            None => shown.join(", "),
        };
        findings.push(Finding { check: "address", level: Level::Note, finding, remedy: None });
    } else {
        findings.push(Finding::ok("address", shown.join(", ")));
    }
    findings
}

fn usual_port(owner: Option<(String, u32)>) -> Finding {
    match owner {
        None => Finding::ok("address", format!("port {USUAL_PORT} is free")),
        Some((program, pid)) => Finding {
            check: "address",
            level: Level::Note,
            finding: format!("port {USUAL_PORT} is used by {program} (pid {pid})"),
            remedy: Some("nothing has to be done: the daemon will use a free port and say which".to_owned()),
        },
    }
}

/// Keepers of this user that hold other homes.
fn other_homes(home: &Home) -> Vec<Finding> {
    let mut found: Vec<Finding> = keepers()
        .into_iter()
        .filter(|(_, other)| other != home.path())
        .map(|(pid, other)| Finding {
            check: "other homes",
            level: Level::Note,
            finding: format!("a keeper (pid {pid}) holds {}", other.display()),
            remedy: Some(format!(
                "to end it with its services: PMDAEMON_HOME={} pmdaemon kill",
                other.display()
            )),
        })
        .collect();
    if found.is_empty() {
        found.push(Finding::ok("other homes", "none has a keeper"));
    }
    found
}

/// The keepers whose environment we may read, each with its home.
fn keepers() -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            Some((pid, keeper_home(&arguments, &environment)?))
        })
        .collect();
    found.sort();
    found
}

/// The home of a process with these arguments and environment, if it is a keeper.
fn keeper_home(arguments: &[u8], environment: &[u8]) -> Option<PathBuf> {
    let arguments: Vec<&[u8]> = arguments.split(|b| *b == 0).collect();
    let program = Path::new(std::ffi::OsStr::from_bytes(arguments.first()?)).file_name()?;
    if program != "pmdaemon" || *arguments.get(1)? != b"keeper" {
        return None;
    }
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let given = arguments.iter().position(|argument| *argument == b"--home");
    if let Some(given) = given {
        return Some(path(arguments.get(given + 1)?));
    }
    let variable = |name: &[u8]| {
        environment
            .split(|b| *b == 0)
            .find_map(|pair| pair.strip_prefix(name))
            .filter(|value| !value.is_empty())
    };
    variable(b"PMDAEMON_HOME=").map(path).or_else(|| Some(path(variable(b"HOME=")?).join(".pmdaemon")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::status::tests::system;
    use crate::wire::Listener;

    #[test]
    fn a_keeper_is_known_by_its_arguments() {
        let check = |arguments: &[u8], environment: &[u8], home: Option<&str>| {
            assert_eq!(keeper_home(arguments, environment), home.map(PathBuf::from));
        };
        let keeper = b"/usr/bin/pmdaemon\0keeper\0--detached\0";
        check(keeper, b"A=B\0PMDAEMON_HOME=/h\0HOME=/u\0", Some("/h"));
        check(keeper, b"HOME=/u\0", Some("/u/.pmdaemon"));
        check(b"pmdaemon\0keeper\0--home\0/given\0", b"PMDAEMON_HOME=/h\0", Some("/given"));
        check(b"pmdaemon\0daemon\0", b"PMDAEMON_HOME=/h\0", None);
        check(b"vi\0keeper\0", b"PMDAEMON_HOME=/h\0", None);
        check(b"", b"", None);
    }

    #[test]
    fn an_open_address_and_an_old_daemon_are_warnings() {
        let mut system = system();
        assert_eq!(daemon(&system).level, Level::Ok);
        assert_eq!(addresses(&system).iter().map(|f| f.level).collect::<Vec<_>>(), [Level::Ok]);
        system.daemon.version = "0.0.9".into();
        assert_eq!(daemon(&system).level, Level::Warning);
        system.daemon.listeners = vec![Listener { no_auth: true, ..Listener::at("127.0.0.1", 9615) }];
        assert_eq!(addresses(&system).iter().map(|f| f.level).max(), Some(Level::Warning));
        system.daemon.listeners.clear();
        assert_eq!(addresses(&system)[0].level, Level::Warning);
    }
}
