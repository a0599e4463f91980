//! `why`: the last end of a process on one screen: when and how, who asked, what came of it, and
//! what it said before (acceptance row K9). Everything is taken from its history and its logs.

use serde::Serialize;

use super::super::args::InfoArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::render::{escape, units};
use super::super::session::Session;
use super::act;
use super::report::{Report, title};
use crate::client::{LogItem, LogQuery};
use crate::wire::{Event, LogRecord, Process};

/// How many lines before the end are shown.
const LINES: usize = 20;

/// How many lines are looked through for those: first so many, then so many.
const LOOKED_THROUGH: [u64; 2] = [500, 100_000];

/// What is known of the last end of a process.
#[derive(Serialize, Debug)]
struct Why {
    process: Process,
    /// Its main process ended, or could not be executed. Absent when neither has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Event>,
    /// What was done to it in that run: who asked, who sent a signal.
    before: Vec<Event>,
    /// What was decided then.
    after: Vec<Event>,
    /// The last lines up to the end.
    lines: Vec<LogRecord>,
}

/// Runs the command.
pub async fn run(args: InfoArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(false);
    let mut all = Vec::new();
    for reference in &args.refs {
        match act::meant(&session, reference).await {
            Ok(processes) => {
                for process in processes {
                    all.push(look(&session, process).await?);
                }
            }
            Err(error) => report.refuse(&error),
        }
    }
    if args.json {
        out::json(&all);
    } else if all.is_empty() && !report.has_failed() {
        out::line("There are no processes.");
    } else {
        out::print(&all.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
    report.finish()
}

async fn look(session: &Session, process: Process) -> Result<Why, CliError> {
    let id = process.id;
    let events = session.ask(async |c| c.events(1000, Some(id)).await).await?.items;
    let (before, end, after) = story(events);
    let until = after.iter().find(|event| event.kind == "process.started").map(|event| event.ts.clone());
    let lines = last_lines(session, id, until.as_deref()).await?;
    Ok(Why { process, end, before, after, lines })
}

/// The last end in a history, with what led to it in that run and what followed up to the next.
fn story(events: Vec<Event>) -> (Vec<Event>, Option<Event>, Vec<Event>) {
    let is_end = |event: &Event| matches!(event.kind.as_str(), "process.exited" | "process.spawn_failed");
    let Some(at) = events.iter().rposition(is_end) else { return (Vec::new(), None, events) };
    // From the end before: one that is asked to stop while it starts is asked before it has begun.
    let begun = events[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    let matters = |event: &&Event| {
        matches!(event.kind.as_str(), "process.stop_asked" | "process.signalled" | "process.killed")
    };
    let before = events[begun..at].iter().filter(matters).cloned().collect();
    (before, Some(events[at].clone()), events[at + 1..].to_vec())
}

/// The last lines that the process wrote before that time, which is when its next run began.
async fn last_lines(session: &Session, id: i64, until: Option<&str>) -> Result<Vec<LogRecord>, CliError> {
    let until: Option<jiff::Timestamp> = until.and_then(|time| time.parse().ok());
    let mut found = Vec::new();
    for tail in LOOKED_THROUGH {
        found = Vec::new();
        let mut seen = 0;
        let query = LogQuery { tail, stream: None, follow: false };
        let mut stream = session.ask(async |c| c.logs(Some(&format!("id:{id}")), query).await).await?;
        while let Some(item) = stream.next().await? {
            if let LogItem::Record(record) = item {
                seen += 1;
                let at = record.ts.as_ref().and_then(|ts| ts.parse::<jiff::Timestamp>().ok());
                // A line without a time is older than all that have one.
                if until.is_none_or(|until| at.is_none_or(|at| at < until)) {
                    found.push(record);
                }
            }
        }
        if found.len() >= LINES || seen < tail {
            break;
        }
    }
    Ok(found.split_off(found.len().saturating_sub(LINES)))
}

/// One screen.
fn text(why: &Why) -> String {
    let process = &why.process;
    let up = process.uptime_ms.map_or_else(String::new, |ms| format!(" for {}", units::span(ms)));
    let mut text = format!("{} is {}{up}.\n", title(process), process.status);
    let mut pair = |key: &str, value: &str| text.push_str(&format!("  {key:<13} {value}\n"));
    match &why.end {
        Some(end) => {
            pair("last end", &format!("{}  {}", units::local_time(&end.ts), end.detail));
            for cause in causes(why, end) {
                pair("because", &cause);
            }
        }
        None if process.pid.is_some() => pair("last end", "none: this is its first run"),
        None => pair("last end", "none: it was never started"),
    }
    for event in decisions(why) {
        pair("then", &event.detail);
    }
    pair("next attempt", &next(process));
    pair("restarts", &format!("{}, unstable runs in a row: {}", process.restarts, process.unstable_restarts));
    if why.end.is_some() {
        let heading = match why.lines.len() {
            0 => "  it printed nothing before\n".to_owned(),
            number => format!("  {} before the end:\n", units::count(number, "line", "lines")),
        };
        text.push_str(&heading);
        for record in &why.lines {
            text.push_str(&format!("    {}\n", escape::harmless(&record.text)));
        }
    }
    text
}

/// Who wanted it, or that nobody did.
fn causes(why: &Why, end: &Event) -> Vec<String> {
    if end.kind == "process.spawn_failed" {
        return Vec::new();
    }
    let told = why.before.iter().map(|event| event.detail.clone());
    let asked = why.before.iter().any(|event| event.kind == "process.stop_asked");
    let nobody = (!asked).then(|| "nobody asked for it: it ended by itself or from outside".to_owned());
    told.chain(nobody).collect()
}

/// What came of the end: up to the next run, or up to now.
fn decisions(why: &Why) -> Vec<&Event> {
    let mut decisions: Vec<&Event> = Vec::new();
    for event in &why.after {
        decisions.push(event);
        if event.kind == "process.started" {
            break;
        }
    }
    // Without an end, what happened so far: it was defined, it was started.
    let from = decisions.len().saturating_sub(5);
    decisions.split_off(from)
}

/// What happens by itself from here on.
fn next(process: &Process) -> String {
    let name = &process.name;
    match (process.status.as_str(), &process.reason) {
        ("restarting", Some(reason)) => format!("it {reason}"),
        ("restarting", None) => "it starts again by itself".to_owned(),
        ("errored", _) => format!("none: it was given up; pmdaemon start {name} tries again"),
        ("stopped", _) => format!("none: it stays stopped; pmdaemon start {name} starts it"),
        ("starting", _) => "it is being started".to_owned(),
        ("stopping", _) => "it is ending".to_owned(),
        (_, _) => "not needed: it is up".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::*;

    fn event(seq: i64, kind: &str, detail: &str) -> Event {
        Event {
            seq,
            ts: "not a time".into(),
            kind: format!("process.{kind}"),
            id: Some(0),
            name: "web".into(),
            namespace: "default".into(),
            detail: detail.into(),
            exit: None,
        }
    }

    fn told(status: &str, events: &[(&str, &str)]) -> String {
        let events =
            events.iter().enumerate().map(|(seq, (kind, detail))| event(seq as i64, kind, detail)).collect();
        let (before, end, after) = story(events);
        text(&Why { process: process(0, status), end, before, after, lines: Vec::new() })
    }

    fn check(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|l| l == *line), "{line:?} is missing in\n{text}");
        }
    }

    #[test]
    fn a_crash_is_told_with_what_followed() {
        let history = [
            ("started", "web started with pid 1"),
            ("stop_asked", "web was asked to end, to be restarted"),
            ("exited", "web exited with code 0 after 1 s, as asked"),
            ("started", "web started with pid 2"),
            ("signalled", "web was sent SIGUSR1"),
            ("exited", "web exited with code 7 after 2 s"),
            ("backing_off", "web starts again in 100 ms"),
            ("started", "web started with pid 3"),
            ("signalled", "web was sent SIGHUP"),
        ];
        let text = told("online", &history);
        check(
            &text,
            &[
                "web-0 (id 0) is online for 1m 5s.",
                "  last end      not a time  web exited with code 7 after 2 s",
                "  because       web was sent SIGUSR1",
                "  because       nobody asked for it: it ended by itself or from outside",
                "  then          web starts again in 100 ms",
                "  then          web started with pid 3",
                "  next attempt  not needed: it is up",
            ],
        );
        assert!(!text.contains("SIGHUP") && !text.contains("as asked"), "{text}");
    }

    #[test]
    fn an_end_that_was_asked_for_says_what_for() {
        let history = [
            ("started", "web started with pid 1"),
            ("stop_asked", "web was asked to end, to stop"),
            ("exited", "web was ended by signal SIGTERM after 1 s, as asked"),
            ("stopped", "web is stopped"),
        ];
        let text = told("stopped", &history);
        check(&text, &["  because       web was asked to end, to stop", "  then          web is stopped"]);
        assert!(!text.contains("nobody"), "{text}");
    }

    #[test]
    fn an_end_that_was_asked_for_before_the_start_was_asked_for() {
        let history = [
            ("exited", "web exited with code 7 after 2 s"),
            ("stop_asked", "web was asked to end, to stop"),
            ("started", "web started with pid 2"),
            ("exited", "web was ended by signal SIGTERM after 1 ms, as asked"),
        ];
        let text = told("stopped", &history);
        check(&text, &["  because       web was asked to end, to stop"]);
        assert!(!text.contains("nobody"), "{text}");
    }

    #[test]
    fn what_never_ran_says_so() {
        check(
            &told("stopped", &[("created", "web was defined")]),
            &[
                "  last end      none: it was never started",
                "  next attempt  none: it stays stopped; pmdaemon start web-0 starts it",
            ],
        );
        let failed = [("created", "web was defined"), ("spawn_failed", "web could not be started: no node")];
        check(&told("errored", &failed), &["  last end      not a time  web could not be started: no node"]);
    }
}
