//! `list`: every process in a line.

use super::super::args::JsonArgs;
use super::super::error::CliError;
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::render::{status_style, units};
use super::super::session::Session;
use super::report;
use crate::wire::Process;

/// Runs the command.
pub async fn run(args: JsonArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let list = session.ask(async |c| c.processes().await).await?;
    if args.json {
        out::json(&list.items);
    } else if list.items.is_empty() {
        out::line("no processes");
    } else {
        out::print(&table(&list.items, session.screen));
    }
    Ok(())
}

/// The table of `list`. The namespace is shown when there is more than one, reasons when somebody has
/// one.
pub fn table(processes: &[Process], screen: Screen) -> String {
    let several = processes.iter().any(|process| process.namespace != processes[0].namespace);
    let column = |title, expendable, right| Column { title, expendable, right };
    let mut columns = vec![
        column("id", 0, true),
        column("name", 0, false),
        column("namespace", 5, false),
        column("status", 0, false),
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
