//! A program that cannot listen because somebody has its port: who that is, and what to do.

use super::super::error::CliError;
use super::super::session::Session;
use super::report::title;
use crate::wire::{LogRecord, Port, PortListener, Process};

/// What runtimes write, in lower case.
const WORDS: [&str; 6] = [
    "eaddrinuse",
    "address already in use",
    "address in use",
    "addrinuse",
    "port is already in use",
    "port is already allocated",
];

/// So many lines from there the number of the port may be.
const NEAR: usize = 8;

/// What to do about a port that is another's, if the last lines of a process complain of one.
pub async fn advice(
    session: &Session,
    process: &Process,
    lines: &[LogRecord],
) -> Result<Option<String>, CliError> {
    let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let Some(said) = complaint(&lines) else { return Ok(None) };
    let has = process.ports.first().and_then(|port| u16::try_from(*port).ok());
    let Some(number) = said.or(has) else {
        let told = "its port is used by somebody else: pmdaemon ports and `ss -ltnp` say who listens where";
        return Ok(Some(told.to_owned()));
    };
    // A daemon of before cannot tell.
    let Ok(port) = session.ask(async |c| c.port(number).await).await else { return Ok(None) };
    let mut family = Vec::new();
    if port.listeners.iter().any(|listener| listener.id.is_some()) {
        let of_app = format!("{}:{}", process.namespace, process.app);
        let apps = session.ask(async |c| c.apps_of(&of_app).await).await?;
        family = apps.into_iter().flat_map(|app| app.processes).map(|one| one.id).collect();
    }
    Ok(Some(told(process, &family, &port)))
}

/// Whether the lines say that an address is in use, and of which port if that is to be seen.
fn complaint(lines: &[&str]) -> Option<Option<u16>> {
    let at = lines.iter().rposition(|line| is_complaint(line))?;
    let near = lines[at + 1..].iter().take(NEAR).chain(lines[..at].iter().rev().take(NEAR));
    Some(port_in(lines[at]).or_else(|| near.clone().find_map(|line| port_by_name(line))))
}

/// `Port 3000 is already in use` says it with the number in the middle.
fn is_complaint(line: &str) -> bool {
    let line = line.to_lowercase();
    let in_the_middle =
        port_by_name(&line).is_some() && (line.contains(" already in use") || line.contains(" is in use"));
    in_the_middle || WORDS.iter().any(|words| line.contains(words))
}

/// `:::3000`, `127.0.0.1:3000`, `('127.0.0.1', 3000)`, `port 3000`.
fn port_in(line: &str) -> Option<u16> {
    let after_address = |piece: &str| piece.split_once(')')?.0.parse().ok().filter(|port| *port > 0);
    let by_name = port_by_name(line).or_else(|| line.split("', ").skip(1).find_map(after_address));
    let pieces: Vec<&str> = line.split(':').collect();
    let after_colon = |at: usize| {
        let digits: String = pieces[at].chars().take_while(char::is_ascii_digit).collect();
        let rest = &pieces[at][digits.len()..];
        let host = pieces[at - 1].rsplit([' ', '(', '[', '/']).next().unwrap_or_default();
        // A time of day has colons, too: a number before it, or one behind it.
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let goes_on = rest.is_empty()
            && pieces.get(at + 1).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
        let is_time = is_number(host) || goes_on;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '.');
        digits.parse().ok().filter(|port| *port > 0 && ends && !is_time)
    };
    by_name.or_else(|| (1..pieces.len()).rev().find_map(after_colon))
}

/// `port 3000`, `port: 3000`, `PORT=3000`.
fn port_by_name(line: &str) -> Option<u16> {
    let line = line.to_lowercase();
    let number = |piece: &str| {
        let piece = piece.trim_start_matches(['"', '\'', ':', '=', ' ', '[', '#']);
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|port| *port > 0)
    };
    line.split("port").skip(1).find_map(number)
}

/// The sentence.
fn told(process: &Process, family: &[i64], port: &Port) -> String {
    let (name, number) = (&process.app, port.port);
    let of = |is: &dyn Fn(&&PortListener) -> bool| port.listeners.iter().find(is);
    if let Some(other) = of(&|listener| listener.id.is_some_and(|id| id != process.id)) {
        let id = other.id.unwrap_or_default();
        let who = format!("{} (id {id})", other.program.as_deref().unwrap_or("another process"));
        if !family.contains(&id) {
            return format!("port {number} is used by {who}: stop that, or give one of them another port");
        }
        let last = number + family.len() as i64 - 1;
        return format!(
            "port {number} is used by {who} of the same app, and only one can bind it by itself: start {name} with \
             --port {number} (one socket for all), with --balance {number} (a balancer before them, each has its \
             own PORT) or with --port {number}-{last} (a port each, in PORT)"
        );
    }
    if of(&|listener| listener.id.is_some()).is_some() {
        let who = title(process);
        return format!("port {number} is used by {who} itself: it listens there by now, or listens twice");
    }
    match port.listeners.first() {
        Some(PortListener { program: Some(program), pid: Some(pid), .. }) => format!(
            "port {number} is used by {program} (pid {pid}), which is none of pmdaemon's processes: end it, or give \
             {name} another port"
        ),
        Some(_) => format!(
            "port {number} is used by a program that cannot be seen from here, probably of another user: `sudo ss -ltnp` \
             says which"
        ),
        None => format!("port {number} was used by somebody then, and nobody listens there now"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::*;

    #[test]
    fn complaints_of_all_kinds_of_programs_are_understood() {
        let check = |lines: &str, said: Option<Option<u16>>| {
            assert_eq!(complaint(&lines.lines().collect::<Vec<_>>()), said, "{lines}");
        };
        check(
            "Error: listen EADDRINUSE: address already in use :::3000\n    at Server.setupListenHandle",
            Some(Some(3000)),
        );
        check(
            "  code: 'EADDRINUSE',\n  errno: -98,\n  address: '127.0.0.1',\n  port: 3001\n}",
            Some(Some(3001)),
        );
        check("OSError: [Errno 98] Address already in use", Some(None));
        check(
            "ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
            Some(Some(8000)),
        );
        check("listen tcp :8080: bind: address already in use", Some(Some(8080)));
        check("Error: Os { code: 98, kind: AddrInUse, message: \"Address in use\" }", Some(None));
        check(
            "12:30:45 nginx: [emerg] bind() to 0.0.0.0:8081 failed (98: Address already in use)",
            Some(Some(8081)),
        );
        check("Web server failed to start. Port 8082 was already in use.", Some(Some(8082)));
        check(
            "starting on port 5000\nTraceback:\nOSError: [Errno 98] Address already in use",
            Some(Some(5000)),
        );
        check(
            "Errno::EADDRINUSE: Address already in use - bind(2) for \"0.0.0.0\" port 4567",
            Some(Some(4567)),
        );
        check("2026-11-26T12:30:45.120Z OSError: Address already in use", Some(None));
        check("the export of 12 addresses is in use", None);
        check("listening on port 3000", None);
    }

    #[test]
    fn who_has_the_port_decides_what_to_do() {
        let listener = |id: Option<i64>, program: Option<&str>, pid| PortListener {
            address: "::".into(),
            id,
            program: program.map(str::to_owned),
            pid,
        };
        let check = |listeners: Vec<PortListener>, words: &str| {
            let port = Port { port: 3000, reserved_by: Vec::new(), listeners, conflict: None };
            let said = told(&process(1, "errored"), &[0, 1], &port);
            assert!(said.contains(words), "{said}");
        };
        check(vec![listener(Some(0), Some("web-0"), None)], "web-0 (id 0) of the same app");
        check(vec![listener(Some(0), Some("web-0"), None)], "--port 3000-3001");
        check(vec![listener(Some(7), Some("api"), None)], "api (id 7): stop that");
        check(vec![listener(Some(1), Some("web-1"), None)], "itself");
        check(vec![listener(None, Some("nginx"), Some(812))], "nginx (pid 812), which is none");
        check(vec![listener(None, None, None)], "cannot be seen");
        check(Vec::new(), "nobody listens there now");
    }
}
