//! `ports`: which are reserved, who listens, and what does not fit together.

use super::super::args::JsonArgs;
use super::super::error::CliError;
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::session::Session;
use crate::wire::{Port, PortListener, PortReservation};

/// Runs the command.
pub async fn run(args: JsonArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let ports = session.ask(async |c| c.ports().await).await?.items;
    if args.json {
        out::json(&ports);
    } else if ports.is_empty() {
        out::line("no ports");
    } else {
        out::print(&text(&ports, session.screen));
    }
    Ok(())
}

/// The table, and below it what is wrong.
fn text(ports: &[Port], screen: Screen) -> String {
    let column = |title, expendable, right| Column { title, expendable, right };
    let columns = [column("port", 0, true), column("reserved by", 0, false), column("listening", 1, false)];
    let rows: Vec<Vec<Cell>> = ports.iter().map(row).collect();
    let mut text = table::render(&columns, &rows, screen);
    let conflicts: Vec<&str> = ports.iter().filter_map(|port| port.conflict.as_deref()).collect();
    if !conflicts.is_empty() {
        text.push_str("\nconflicts\n");
        conflicts.iter().for_each(|conflict| text.push_str(&format!("  {conflict}\n")));
    }
    text
}

fn row(port: &Port) -> Vec<Cell> {
    let or_dash = |texts: Vec<String>| if texts.is_empty() { "-".to_owned() } else { texts.join(", ") };
    let mut listeners: Vec<String> = port.listeners.iter().map(listener).collect();
    listeners.dedup();
    vec![
        Cell::from(port.port.to_string()),
        Cell::from(or_dash(port.reserved_by.iter().map(reservation).collect())),
        Cell::from(or_dash(listeners)),
    ]
}

fn reservation(by: &PortReservation) -> String {
    let remark = match (by.held, by.overridden) {
        (false, _) => ", not running",
        (true, true) => ", this run",
        (true, false) => "",
    };
    format!("{} (id {}{remark})", by.name, by.id)
}

fn listener(listener: &PortListener) -> String {
    let program = listener.program.as_deref().unwrap_or("another program");
    match (listener.id, listener.pid) {
        (Some(id), _) => format!("{program} (id {id})"),
        (None, Some(pid)) => format!("{program} (pid {pid})"),
        (None, None) => program.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_who_has_a_port_who_listens_and_what_is_wrong() {
        let by = |id, held, overridden| PortReservation { id, name: format!("web-{id}"), held, overridden };
        let (address, program) = ("::".to_owned(), Some("nginx".to_owned()));
        let nginx = PortListener { address, id: None, program, pid: Some(812) };
        let again = PortListener { address: "0.0.0.0".into(), ..nginx.clone() };
        let ports = [
            Port { port: 80, reserved_by: vec![], listeners: vec![], conflict: None },
            Port {
                port: 3000,
                reserved_by: vec![by(0, true, true), by(1, false, false)],
                listeners: vec![nginx, again],
                conflict: Some("port 3000 is a problem".into()),
            },
        ];
        let text = text(&ports, Screen { width: None, color: false });
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = text.lines().map(words).collect();
        let expected = [
            "port reserved by listening",
            "80 - -",
            "3000 web-0 (id 0, this run), web-1 (id 1, not running) nginx (pid 812)",
            "",
            "conflicts",
            "port 3000 is a problem",
        ];
        assert_eq!(lines, expected);
    }
}
