//! All of that on one screen.

use super::super::super::render::{escape, units};
use super::super::history;
use super::super::report::title;
use super::Why;
use super::story::{causes, decisions};
use crate::wire::{Process, Revision};

/// One screen.
pub(super) fn text(why: &Why) -> String {
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
    use super::super::super::report::tests::process;
    use super::super::story::{older, story};
    use super::*;
    use crate::wire::Event;

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
