//! `why`: the last end of a process on one screen: when and how, who asked, what came of it, and
//! what it said before; or what keeps it from starting (acceptance row K9). Everything is taken from its history and its logs.

use serde::Serialize;

use super::super::error::CliError;
use super::super::look_args::WhyArgs;
use super::super::out;
use super::super::render::{escape, units};
use super::super::session::Session;
use super::act;
use super::history;
use super::port_clash;
use super::report::{Report, title};
use crate::client::{LogItem, LogQuery};
use crate::wire::{Event, LogRecord, Process, Revision};

/// How many events are looked through.
const EVENTS: u32 = 1000;

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
    /// The version of the definition that the run was launched with.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// The ends before that one, the newest first, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    older: Vec<Older>,
}

/// An end before the last one.
#[derive(Serialize, Debug)]
struct Older {
    end: Event,
    /// What was done to the process in that run.
    before: Vec<Event>,
    /// What was decided then.
    after: Vec<Event>,
}

/// Runs the command.
pub async fn run(args: WhyArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(false);
    let mut all = Vec::new();
    for reference in &args.refs {
        match act::meant(&session, reference).await {
            Ok(processes) => {
                for process in processes {
                    all.push(look(&session, process, args.all).await?);
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

async fn look(session: &Session, process: Process, all: bool) -> Result<Why, CliError> {
    let id = process.id;
    let events = session.ask(async |c| c.events(EVENTS, Some(id)).await).await?.items;
    let older = if all { older(&events) } else { Vec::new() };
    let from = begun(&events);
    let (before, end, after) = story(events);
    let until = after.iter().find(|event| event.kind == "process.started").map(|event| event.ts.clone());
    let lines = last_lines(session, id, from.as_deref(), until.as_deref()).await?;
    let revision = revision(session, &process, end.as_ref()).await?;
    let advice = port_clash::advice(session, &process, &lines).await?;
    Ok(Why { process, end, before, after, lines, revision, advice, older })
}

/// The version that the run which ended was launched with; the present run's, if none has ended.
async fn revision(
    session: &Session,
    process: &Process,
    end: Option<&Event>,
) -> Result<Option<Revision>, CliError> {
    let Some(number) = end.map_or(process.revision, |end| end.revision) else { return Ok(None) };
    let app = format!("{}:{}", process.namespace, process.app);
    let kept = session.ask(async |c| c.revisions(&app).await).await?.items;
    Ok(kept.into_iter().find(|revision| revision.revision == number))
}

/// The ends before the last one, the newest first.
fn older(events: &[Event]) -> Vec<Older> {
    // Each up to the next.
    let ends = (0..events.len()).filter(|at| is_end(&events[*at])).skip(1);
    let told = ends.filter_map(|next| {
        let (before, end, after) = story(events[..next].to_vec());
        end.map(|end| Older { end, before, after })
    });
    let mut older: Vec<Older> = told.collect();
    older.reverse();
    older
}

fn is_end(event: &Event) -> bool {
    matches!(event.kind.as_str(), "process.exited" | "process.spawn_failed")
}

/// The last end in a history, with what led to it in that run and what followed up to the next.
fn story(events: Vec<Event>) -> (Vec<Event>, Option<Event>, Vec<Event>) {
    let Some(at) = events.iter().rposition(is_end) else { return (Vec::new(), None, events) };
    // From the end before: one that is asked to stop while it starts is asked before it has begun.
    let begun = events[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    // A wish that was taken back led to nothing.
    let taken_back = |event: &Event| event.kind == "process.stop_taken_back";
    let begun = events[begun..at].iter().rposition(taken_back).map_or(begun, |back| begun + back);
    let matters = |event: &&Event| {
        matches!(
            event.kind.as_str(),
            "process.stop_asked"
                | "process.signalled"
                | "process.not_ready"
                | "process.killed"
                | "process.over_memory"
                | "process.unhealthy"
        )
    };
    let before = events[begun..at].iter().filter(matters).cloned().collect();
    (before, Some(events[at].clone()), events[at + 1..].to_vec())
}

/// What the run of the last end wrote came after that time, if there was a run before it: after the end
/// of that, or after its own begin where the two ran side by side.
fn begun(events: &[Event]) -> Option<String> {
    let at = events.iter().rposition(is_end)?;
    let last = |is: fn(&Event) -> bool| events[..at].iter().rfind(|event| is(event));
    let time = |event: &Event| event.ts.parse::<jiff::Timestamp>().ok();
    let ended = last(is_end)?;
    let started = last(|event| event.kind == "process.started").and_then(time);
    let is_later = started.zip(time(ended)).is_none_or(|(started, ended)| ended <= started);
    Some(if is_later { ended.ts.clone() } else { started?.to_string() })
}

/// The last lines that the process wrote between those times, which are when its run began and when the
/// next one did.
async fn last_lines(
    session: &Session,
    id: i64,
    from: Option<&str>,
    until: Option<&str>,
) -> Result<Vec<LogRecord>, CliError> {
    let parse = |time: Option<&str>| time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let (from, until) = (parse(from), parse(until));
    let mut found = Vec::new();
    for tail in LOOKED_THROUGH {
        found = Vec::new();
        let (mut seen, mut reaches_back) = (0, false);
        let query = LogQuery::last(tail);
        let mut stream = session.ask(async |c| c.logs(Some(&format!("id:{id}")), &query).await).await?;
        while let Some(item) = stream.next().await? {
            if let LogItem::Record(record) = item {
                seen += 1;
                let at = record.ts.as_ref().and_then(|ts| ts.parse::<jiff::Timestamp>().ok());
                // A line without a time is older than all that have one.
                let is_old = from.is_some_and(|from| at.is_none_or(|at| at < from));
                reaches_back |= is_old;
                if !is_old && until.is_none_or(|until| at.is_none_or(|at| at < until)) {
                    found.push(record);
                }
            }
        }
        if found.len() >= LINES || seen < tail || reaches_back {
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
            for cause in causes(&why.before, end) {
                pair("because", &cause);
            }
        }
        None if process.pid.is_some() => pair("last end", "none: this is its first run"),
        None => pair("last end", "none: it was never started"),
    }
    if let Some(revision) = &why.revision {
        let Revision { revision: number, author, .. } = revision;
        let how = history::how(revision);
        let at = units::local_time(&revision.at);
        let newer = if revision.current { "" } else { "; there is a newer one by now" };
        pair(
            "config",
            &format!("revision {number} (changed {at} by {}: {how}){newer}", escape::harmless(author)),
        );
    }
    for event in decisions(&why.after) {
        pair("then", &event.detail);
    }
    if let Some(advice) = &why.advice {
        pair("what to do", advice);
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
    for older in &why.older {
        text.push_str(&format!(
            "  {:<13} {}  {}\n",
            "before that",
            units::local_time(&older.end.ts),
            older.end.detail
        ));
        let causes = causes(&older.before, &older.end);
        let causes = causes.iter().map(|cause| ("because", cause));
        let decisions = decisions(&older.after).into_iter().map(|event| ("then", &event.detail));
        for (key, value) in causes.chain(decisions) {
            text.push_str(&format!("  {key:<13} {value}\n"));
        }
    }
    text
}

/// Who wanted it, or that nobody did.
fn causes(before: &[Event], end: &Event) -> Vec<String> {
    if end.kind == "process.spawn_failed" {
        return Vec::new();
    }
    let told = before.iter().map(|event| event.detail.clone());
    let ended = |event: &Event| match event.kind.as_str() {
        "process.stop_asked" | "process.not_ready" | "process.over_memory" => true,
        // Not one that nothing follows.
        "process.unhealthy" => event.detail.contains(" and is restarted"),
        _ => false,
    };
    let nobody = (!before.iter().any(ended))
        .then(|| "nobody asked for it: it ended by itself or from outside".to_owned());
    told.chain(nobody).collect()
}

/// What came of the end: up to the next run, or up to now.
fn decisions(after: &[Event]) -> Vec<&Event> {
    let mut decisions: Vec<&Event> = Vec::new();
    for event in after {
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
        ("starting", Some(reason)) if process.pid.is_none() => format!("it {reason}"),
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
            asked: false,
            revision: None,
        }
    }

    fn told(status: &str, events: &[(&str, &str)]) -> String {
        told_all(status, events, false)
    }

    fn told_all(status: &str, events: &[(&str, &str)], all: bool) -> String {
        let events: Vec<Event> =
            events.iter().enumerate().map(|(seq, (kind, detail))| event(seq as i64, kind, detail)).collect();
        let older = if all { older(&events) } else { Vec::new() };
        let (before, end, after) = story(events);
        text(&Why {
            process: process(0, status),
            end,
            before,
            after,
            lines: Vec::new(),
            revision: None,
            advice: None,
            older,
        })
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
        check(
            &told_all("online", &history, true),
            &[
                "  before that   not a time  web exited with code 0 after 1 s, as asked",
                "  because       web was asked to end, to be restarted",
                "  then          web started with pid 2",
            ],
        );
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
    fn what_the_manager_ended_is_not_said_to_have_ended_by_itself() {
        let over = "web is restarted, memory limit: 2 MiB > 1 MiB";
        let history =
            [("started", "web started with pid 1"), ("over_memory", over), ("exited", "web exited")];
        let text = told("online", &history);
        check(&text, &[&format!("  because       {over}")]);
        assert!(!text.contains("nobody"), "{text}");
        let taken_back = [
            ("stop_asked", "web was asked to end, to stop"),
            ("stop_taken_back", "web goes on"),
            ("exited", "web exited with code 1"),
        ];
        let text = told("online", &taken_back);
        assert!(text.contains("nobody") && !text.contains("to stop"), "{text}");
    }

    #[test]
    fn every_older_end_is_told_once() {
        let history = [("exited", "first"), ("exited", "second"), ("started", "x"), ("exited", "third")];
        let text = told_all("errored", &history, true);
        let ends: Vec<&str> = text.lines().filter(|line| line.contains("not a time")).collect();
        let expected = ["  last end      not a time  third", "  before that   not a time  second"];
        assert_eq!(ends[..2], expected);
        assert_eq!(ends[2..], ["  before that   not a time  first"]);
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
