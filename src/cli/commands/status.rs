//! `status`: how the program itself and its host are.

use super::super::args::JsonArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::render::{status_style, styled, units};
use super::super::session::{Session, address};
use super::alert;
use crate::wire::{LogSpace, Process, Store, System};

/// Runs the command.
pub async fn run(args: JsonArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let system = session.ask(async |c| c.system().await).await?;
    let processes = session.ask(async |c| c.processes().await).await?.items;
    let counts = counts(&processes);
    if args.json {
        let by_status: serde_json::Map<_, _> =
            counts.into_iter().map(|(status, number)| (status.to_owned(), number.into())).collect();
        out::json(&serde_json::json!({
            "host": system.host, "daemon": system.daemon, "store": system.store, "logs": system.logs,
            "alerts_firing": system.alerts_firing, "processes_by_status": by_status
        }));
    } else {
        out::print(&text(&system, &counts, session.screen.color));
    }
    Ok(())
}

/// How many processes have each status, in the order in which the statuses first occur.
pub fn counts(processes: &[Process]) -> Vec<(&str, usize)> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for process in processes {
        match counts.iter_mut().find(|(status, _)| *status == process.status) {
            Some((_, number)) => *number += 1,
            None => counts.push((&process.status, 1)),
        }
    }
    counts
}

fn text(system: &System, counts: &[(&str, usize)], color: bool) -> String {
    let (daemon, host) = (&system.daemon, &system.host);
    let keeper = daemon.keeper_pid.map_or("not running".to_owned(), |pid| format!("pid {pid}"));
    let addresses: Vec<String> = daemon.listeners.iter().map(address).collect();
    let loads: Vec<String> = host.load_average.iter().map(|load| format!("{load:.2}")).collect();
    let processes: Vec<String> = counts
        .iter()
        .map(|(status, number)| format!("{number} {}", styled(status, status_style(status), color)))
        .collect();
    let or = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(", ") };
    let rows = [
        ("version", daemon.version.clone()),
        ("daemon", format!("pid {}, up {}", daemon.pid, units::span(daemon.uptime_ms))),
        ("keeper", keeper),
        ("addresses", or(addresses, "only the socket")),
        ("home", daemon.home.clone()),
        ("store", store(&system.store)),
        ("logs", logs(system.logs.as_ref())),
        ("host", format!("{}, up {}", host.hostname, units::span(host.uptime_ms))),
        (
            "cpu",
            format!(
                "{} of {}",
                units::percent(host.cpu_percent),
                units::count(host.cpus as usize, "core", "cores")
            ),
        ),
        (
            "memory",
            format!("{} of {}", units::bytes(host.memory_used_bytes), units::bytes(host.memory_total_bytes)),
        ),
        ("load", loads.join(" ")),
        ("processes", or(processes, "none")),
    ];
    let alerts = alert::firing(system).map(|told| ("alerts", told));
    rows.into_iter().chain(alerts).map(|(key, value)| format!("{key:<9}  {value}\n")).collect()
}

fn logs(space: Option<&LogSpace>) -> String {
    space.map_or("not looked at yet".to_owned(), |space| {
        format!("{} of at most {}", units::bytes(space.used_bytes), units::bytes(space.budget_bytes))
    })
}

fn store(store: &Store) -> String {
    let state = match &store.detail {
        Some(detail) => format!("nothing can be saved: {detail}"),
        None => "ok".to_owned(),
    };
    let copies = match &store.last_copy_at {
        Some(at) => format!(", copied {}", units::local_time(at)),
        None => ", no copy yet".to_owned(),
    };
    let loss = store.loss.as_ref().map_or(String::new(), |loss| format!("\n{:11}{}", "", loss.detail));
    state + &copies + &loss
}

#[cfg(test)]
pub mod tests {
    use super::super::report::tests::process;
    use super::*;
    use crate::wire::{Daemon, Host, Listener};

    /// A host and its daemon.
    pub fn system() -> System {
        System {
            host: Host {
                hostname: "box".into(),
                cpu_percent: 12.5,
                cpus: 2,
                memory_used_bytes: 1 << 30,
                memory_total_bytes: 4 << 30,
                load_average: vec![0.5, 1.0, 1.25],
                uptime_ms: 86_400_000,
            },
            daemon: Daemon {
                version: "0.1.0".into(),
                pid: 10,
                uptime_ms: 61_000,
                keeper_pid: Some(9),
                home: "/h".into(),
                listeners: vec![Listener::at("127.0.0.1", 9615)],
                upgrade: None,
            },
            store: Store { status: "ok".into(), ..Store::default() },
            logs: Some(LogSpace { used_bytes: 3 << 20, budget_bytes: 4 << 30 }),
            alerts_firing: 0,
        }
    }

    #[test]
    fn the_page_tells_program_host_and_processes() {
        let system = system();
        let processes = [process(0, "online"), process(1, "stopped"), process(2, "online")];
        let text = text(&system, &counts(&processes), false);
        let expected = "version    0.1.0\ndaemon     pid 10, up 1m 1s\nkeeper     pid 9\n\
                        addresses  http://127.0.0.1:9615\nhome       /h\nstore      ok, no copy yet\n\
                        logs       3.0 MiB of at most 4.0 GiB\nhost       box, up 1d 0h\n\
                        cpu        12.5% of 2 cores\nmemory     1.0 GiB of 4.0 GiB\n\
                        load       0.50 1.00 1.25\nprocesses  2 online, 1 stopped\n";
        assert_eq!(text, expected);
        let firing = System { alerts_firing: 2, ..system };
        let text = super::text(&firing, &counts(&processes), false);
        assert_eq!(text, format!("{expected}alerts     2 alerts fire: pmdaemon alert\n"));
    }
}
