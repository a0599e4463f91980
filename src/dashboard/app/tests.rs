//! Pages of an app.

use super::super::event::tests::event;
use super::super::row::tests::{process, reader};
use super::*;
use crate::wire::{Backend, Balancer, JobRun, LastExit, Process, Role};

/// An app with these processes.
pub fn app(processes: Vec<Process>) -> App {
    let mut app: App = serde_json::from_value(serde_json::json!({
        "id": 1, "name": "web", "namespace": "default", "script": "server.js", "program": "/usr/bin/node",
        "args": ["server.js", "two words"], "cwd": "/srv/web", "env": {"SECRET": "***"}, "instances": 1,
        "autostart": true, "autorestart": true, "max_restarts": 16, "min_uptime_ms": 1000,
        "restart_delay_ms": 0, "stop_exit_codes": [], "kill_signal": "SIGTERM", "kill_timeout_ms": 10000,
        "ready": "auto", "processes": [],
    }))
    .unwrap();
    app.processes = processes;
    app
}

fn overview(app: &App, events: &[Event], role: Role) -> String {
    app_page(&AppPage { app, events, runs: &[], reader: &reader(role) }, &Order::default())
}

#[test]
fn the_overview_says_how_it_is_and_why_it_last_ended() {
    let exit = Some(LastExit { code: Some(7), ..LastExit::default() });
    let events = [
        event(1, "2026-01-02T03:04:00.000Z", "process.started", "web started with pid 1"),
        Event {
            exit,
            ..event(2, "2026-01-02T03:04:05.000Z", "process.exited", "web exited with code 7 after 5.0 s")
        },
        event(3, "2026-01-02T03:04:05.100Z", "process.backing_off", "web starts again in 100 ms"),
    ];
    let html = overview(&app(vec![process(3, "web", "online")]), &events, Role::Operator);
    for part in [
        "It is online.",
        "web exited with code 7 after 5.0 s",
        "web starts again in 100 ms",
        "/apps/3/logs?previous=true",
        "/usr/bin/node server.js &#39;two words&#39;",
        "/apps/default:web/restart",
    ] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

#[test]
fn the_worst_of_several_processes_is_told_first() {
    let check = |states: &[&str], sentence: &str| {
        let processes =
            states.iter().enumerate().map(|(at, state)| process(at as i64, &format!("web-{at}"), state));
        let html = app_fragment(&app(processes.collect()), &[], &[]);
        assert!(html.contains(sentence), "{sentence} is missing in {html}");
    };
    check(&["online", "online"], "All 2 are online.");
    check(&["online", "errored", "stopped"], "1 of 3 is errored.");
    check(&["online", "stopped"], "1 of 2 online, 1 of 2 stopped.");
    check(&["stopped"], "It is stopped.");
}

#[test]
fn only_who_may_act_gets_buttons() {
    let one = app(vec![process(3, "web", "online")]);
    let viewer = overview(&one, &[], Role::Viewer);
    assert!(!viewer.contains("/apps/default:web/stop") && !viewer.contains("/delete"), "{viewer}");
    let operator = overview(&one, &[], Role::Operator);
    assert!(operator.contains("/apps/default:web/stop") && !operator.contains("/delete"), "{operator}");
    assert!(overview(&one, &[], Role::Deployer).contains("/apps/default:web/delete"));
}

#[test]
fn the_configuration_shows_names_of_variables_and_no_values() {
    let one = app(vec![process(3, "web", "online")]);
    let html = app_config_page(&AppPage { app: &one, events: &[], runs: &[], reader: &reader(Role::Admin) });
    assert!(html.contains("<code>SECRET</code>") && html.contains("=***"), "{html}");
    assert!(html.contains("16 unstable runs in a row"), "{html}");
}

#[test]
fn foreign_text_is_escaped_wherever_it_stands() {
    let evil = r#"<img src=x onerror=alert(1)><b hx-post="/x" hx-trigger="load">"#;
    let mut one = app(vec![process(3, evil, "errored")]);
    one.processes[0].reason = Some(evil.to_owned());
    one.processes[0].health_reason = Some(evil.to_owned());
    one.env.insert(evil.to_owned(), evil.to_owned());
    for text in [&mut one.name, &mut one.script, &mut one.program, &mut one.cwd] {
        *text = evil.to_owned();
    }
    one.args = vec![evil.to_owned()];
    let events = [event(1, "2026-01-02T03:04:00.000Z", "process.spawn_failed", evil)];
    let page = AppPage { app: &one, events: &events, runs: &[], reader: &reader(Role::Admin) };
    for html in [app_page(&page, &Order::default()), app_events_page(&page), app_config_page(&page)] {
        assert!(!html.contains("<img") && !html.contains("<b hx-post"), "{html}");
    }
}

#[test]
fn a_job_tells_its_latest_runs_and_a_balancer_how_it_is() {
    let mut one = app(vec![process(1, "backup", "stopped")]);
    one.balancer = Some(Balancer {
        status: "online".to_owned(),
        pid: Some(7),
        restarts: 0,
        connections: 3,
        requests: 1200,
        errors: 2,
        retries: 1,
        backends: vec![Backend {
            instance: 0,
            port: 4100,
            active: 2,
            draining: true,
            requests: 1,
            errors: 0,
        }],
    });
    let run = |outcome: &str, at: &str| JobRun {
        run: Some(1),
        trigger: "schedule".to_owned(),
        outcome: outcome.to_owned(),
        at: at.to_owned(),
        ended_at: None,
        exit: None,
        detail: "<ran>".to_owned(),
    };
    let runs = [run("succeeded", "2026-01-02T03:00:00.000Z"), run("failed", "2026-01-02T04:00:00.000Z")];
    let html = app_fragment(&one, &[], &runs);
    assert!(html.contains("It is stopped."), "{html}");
    one.next_run_at = Some("2026-01-02T05:00:00.000Z".to_owned());
    let html = app_fragment(&one, &[], &runs);
    assert!(html.contains("It rests until the next run is due."), "{html}");
    let at = |part: &str| html.find(part).unwrap_or_else(|| panic!("{part} is missing in {html}"));
    assert!(at("2026-01-02 04:00:00") < at("2026-01-02 03:00:00"), "the newest is first: {html}");
    assert!(html.contains("&#60;ran&#62;") && html.contains("t-bad"), "{html}");
    assert!(html.contains("online, 3 connections, 1200 requests, 2 errors, 1 retried"), "{html}");
    assert!(html.contains("0: port 4100, 2 active, 1 request, 0 errors, gets nothing new"), "{html}");
}
