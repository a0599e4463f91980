//! `list`: every process in a line.

use std::time::Duration;

use super::super::error::CliError;
use super::super::look_args::{ListArgs, MonitArgs, Sort, SortBy};
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::render::{health_style, status_style, units};
use super::super::session::Session;
use super::{alert, mini_list, monit, report};
use crate::wire::Process;

/// With --watch it is shown that often, as by PM2.
const EACH: Duration = Duration::from_millis(900);

/// Runs the command.
pub async fn run(args: ListArgs) -> Result<(), CliError> {
    if args.watch {
        return monit::run(MonitArgs { interval: EACH }).await;
    }
    let session = Session::open().await?;
    // Side by side: nobody waits longer for what else is to be told.
    let is_shown = !args.json && !args.mini_list;
    let (list, told) = tokio::join!(session.ask(async |c| c.processes().await), async {
        let system = if is_shown { session.client.system().await.ok() } else { None };
        system.as_ref().and_then(alert::firing)
    });
    let mut processes = list?.items;
    if let Some(sort) = args.sort {
        order(&mut processes, sort);
    }
    if args.json {
        out::json(&processes);
    } else if args.mini_list {
        out::print(&mini_list::text(&processes));
    } else if processes.is_empty() {
        out::line("no processes");
    } else {
        tell_who_waits(&mut processes);
        out::print(&table(&processes, session.screen));
    }
    told.iter().for_each(|told| out::notice(told));
    Ok(())
}

/// Who rests until its schedule has it run is not stopped as others are: it waits, and says until when.
fn tell_who_waits(processes: &mut [Process]) {
    for process in processes.iter_mut().filter(|process| process.status == "stopped") {
        if let Some(next) = process.next_run_at.as_deref() {
            process.reason = Some(format!("next run {}", units::local_time(next)));
            process.status = "waiting".to_owned();
        }
    }
}

/// Brings them into an order; equal ones stay as they are.
fn order(processes: &mut [Process], sort: Sort) {
    let compare = |one: &Process, other: &Process| match sort.by {
        SortBy::Name => one.name.cmp(&other.name),
        SortBy::Namespace => one.namespace.cmp(&other.namespace),
        SortBy::Pid => one.pid.cmp(&other.pid),
        SortBy::Id => one.id.cmp(&other.id),
        SortBy::Cpu => one.cpu_percent.unwrap_or(0.0).total_cmp(&other.cpu_percent.unwrap_or(0.0)),
        SortBy::Memory => one.memory_bytes.cmp(&other.memory_bytes),
        SortBy::Uptime => one.uptime_ms.cmp(&other.uptime_ms),
        SortBy::Status => one.status.cmp(&other.status),
    };
    processes.sort_by(|one, other| match sort.descending {
        true => compare(other, one),
        false => compare(one, other),
    });
}

/// The table of `list`. The namespace is shown when there is more than one, health when somebody's
/// is checked, reasons when somebody has one.
pub fn table(processes: &[Process], screen: Screen) -> String {
    let several = processes.iter().any(|process| process.namespace != processes[0].namespace);
    let column = |title, expendable, right| Column { title, expendable, right };
    let mut columns = vec![
        column("id", 0, true),
        column("name", 0, false),
        column("namespace", 5, false),
        column("status", 0, false),
        column("health", 5, false),
        column("pid", 3, true),
        column("uptime", 4, true),
        column("restarts", 6, true),
        column("cpu", 2, true),
        column("memory", 1, true),
        column("port", 1, true),
    ];
    let mut rows: Vec<Vec<Cell>> = processes.iter().map(row).collect();
    // Most programs of most people have none.
    if processes.iter().all(|process| process.ports.is_empty()) {
        columns.pop();
        rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    if processes.iter().any(|process| process.reason.is_some()) {
        columns.push(column("reason", 7, false));
        for (row, process) in rows.iter_mut().zip(processes) {
            row.push(Cell::from(process.reason.clone().unwrap_or_default()));
        }
    }
    // The later column first, so that the earlier one keeps its place.
    if processes.iter().all(|process| process.health.is_none()) {
        columns.remove(4);
        rows.iter_mut().for_each(|row| drop(row.remove(4)));
    }
    if !several {
        columns.remove(2);
        rows.iter_mut().for_each(|row| drop(row.remove(2)));
    }
    table::render(&columns, &rows, screen)
}

fn row(process: &Process) -> Vec<Cell> {
    let or_dash = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".to_owned()));
    vec![
        Cell::from(process.id.to_string()),
        Cell::from(process.name.clone()),
        Cell::from(process.namespace.clone()),
        Cell { text: process.status.clone(), style: status_style(&process.status) },
        match &process.health {
            Some(health) => Cell { text: health.clone(), style: health_style(health) },
            None => or_dash(None),
        },
        or_dash(process.pid.map(|pid| pid.to_string())),
        or_dash(process.uptime_ms.map(units::span)),
        Cell::from(process.restarts.to_string()),
        or_dash(process.cpu_percent.map(units::percent)),
        or_dash(process.memory_bytes.map(units::bytes)),
        or_dash(report::ports(process)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::*;

    #[test]
    fn the_list_is_aligned_and_what_does_not_run_has_dashes() {
        let text =
            table(&[process(0, "online"), process(12, "stopped")], Screen { width: None, color: false });
        let expected = "id  name    status    pid  uptime  restarts   cpu   memory\n \
                        0  web-0   online   4000   1m 5s         0  1.2%  1.4 MiB\n\
                        12  web-12  stopped     -       -         0     -        -\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn processes_come_in_the_order_that_was_asked_for() {
        let mut all = [process(1, "stopped"), process(2, "online"), process(3, "errored")];
        let mut ordered = |by, descending| {
            order(&mut all, Sort { by, descending });
            all.iter().map(|process| process.id).collect::<Vec<_>>()
        };
        assert_eq!(ordered(SortBy::Status, false), [3, 2, 1]);
        assert_eq!(ordered(SortBy::Id, true), [3, 2, 1]);
        assert_eq!(ordered(SortBy::Pid, true)[0], 2);
        assert_eq!(ordered(SortBy::Name, false), [1, 2, 3]);
    }

    #[test]
    fn health_is_shown_when_some_app_has_a_check() {
        let mut checked = process(1, "online");
        checked.health = Some("unhealthy".into());
        let text = table(&[process(0, "online"), checked], Screen { width: None, color: false });
        let words =
            |line: usize| text.lines().nth(line).unwrap().split_whitespace().take(4).collect::<Vec<_>>();
        assert_eq!(words(0), ["id", "name", "status", "health"]);
        assert_eq!(words(1), ["0", "web-0", "online", "-"]);
        assert_eq!(words(2), ["1", "web-1", "online", "unhealthy"]);
    }

    #[test]
    fn ports_are_shown_when_anybody_has_one_and_overrides_are_marked() {
        let mut moved = process(1, "online");
        (moved.ports, moved.port_overridden) = (vec![3001], true);
        let text = table(&[process(0, "online"), moved], Screen { width: None, color: false });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("port"), "{text}");
        assert!(lines[1].ends_with('-') && lines[2].ends_with("3001 (this run)"), "{text}");
    }

    #[test]
    fn the_namespace_is_shown_when_there_are_several() {
        let mut blue = process(1, "online");
        blue.namespace = "blue".into();
        let text = table(&[process(0, "online"), blue], Screen { width: None, color: false });
        assert!(text.lines().next().unwrap().contains("namespace"), "{text}");
    }

    #[test]
    fn a_narrow_terminal_keeps_id_name_and_status() {
        let text = table(&[process(0, "online")], Screen { width: Some(20), color: false });
        assert_eq!(text, "id  name   status\n 0  web-0  online\n");
    }
}
