//! pmdaemon's own log: what a request leaves in it, as text and as JSON.

use serde_json::Value;

use crate::support::home::ran;
use crate::support::{Home, fixture};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A home with an app, whose daemon writes its log in that form; and what a stop by the API was called.
fn stopped(format: &str) -> (Home, String) {
    let home = Home::new();
    let mut start = home.command(&["start", &fixture("loop.sh"), "--name", "web"]);
    let begun = ran(start.env("PMDAEMON_LOG_FORMAT", format));
    assert_eq!(begun.code, 0, "{begun:?}");
    let api = home.api();
    let traced = api
        .request("POST", "/api/v1/apps/web/stop?wait=20s")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let answer = api.send(traced);
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.header("x-request-id").to_owned();
    (home, id)
}

#[test]
fn a_change_is_told_with_its_request_who_asked_and_the_trace() {
    let (home, id) = stopped("text");
    let log = home.daemon_log();
    let line =
        log.lines().find(|line| line.contains("apps.stop web: 200")).unwrap_or_else(|| panic!("{log}"));
    for word in [&format!("request_id={id}"), &format!("trace_id={TRACE}"), "principal=local"] {
        assert!(line.contains(word), "{word} is missing: {line}");
    }
    let started = log.lines().find(|line| line.contains("apps.create")).unwrap_or_else(|| panic!("{log}"));
    assert!(!started.contains("trace_id"), "nobody said one: {started}");
}

#[test]
fn as_json_each_line_is_an_object_of_keeper_and_daemon() {
    let (home, id) = stopped("json");
    let log = home.daemon_log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON ({e}): {line}")))
        .collect();
    let line =
        lines.iter().find(|line| line["message"] == "apps.stop web: 200").unwrap_or_else(|| panic!("{log}"));
    assert_eq!(line["span"]["request_id"], id, "{line}");
    assert_eq!(line["span"]["trace_id"], TRACE, "{line}");
    assert_eq!(line["span"]["principal"], "local", "{line}");
    assert_eq!((&line["op"], &line["level"]), (&"apps.stop".into(), &"INFO".into()), "{line}");
    assert!(lines.iter().any(|line| line["target"] == "keeper"), "{log}");
    assert!(lines.iter().any(|line| line["app"] == "web"), "{log}");
    for line in &lines {
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member} is missing: {line}");
        }
    }
    // What is read of it goes by its levels, too.
    let api = home.api();
    let warnings = api.send(api.request("GET", "/api/v1/system/log?level=error"));
    assert_eq!((warnings.status.as_u16(), warnings.text.as_str()), (200, ""));
}

#[test]
fn a_format_that_there_is_not_is_told_and_text_is_written() {
    let (home, _) = stopped("yaml");
    let log = home.daemon_log();
    assert!(log.contains("PMDAEMON_LOG_FORMAT is \"yaml\""), "{log}");
    assert!(log.contains("apps.stop web: 200"), "{log}");
}
