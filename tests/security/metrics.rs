//! `/metrics`.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;

use crate::support::{Home, SOON, fixture, proc, wait_until};

#[test]
fn metrics_tell_every_app_that_runs_and_that_is_stopped_in_openmetrics() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--namespace", "blue"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "idle"]);
    home.ok(&["stop", "idle"]);
    let api = home.api();
    assert_eq!(api.send(api.bare("GET", "/metrics")).status, 401);
    let answer = api.send(api.request("GET", "/metrics"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let text = &answer.text;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let web = "app=\"web\",namespace=\"blue\",instance=\"0\"";
    let idle = "app=\"idle\",namespace=\"default\",instance=\"0\"";
    for line in [
        format!("pmdaemon_process_up{{{web}}} 1"),
        format!("pmdaemon_process_up{{{idle}}} 0"),
        format!("pmdaemon_process_state{{{web},state=\"online\"}} 1"),
        format!("pmdaemon_process_state{{{web},state=\"stopped\"}} 0"),
        format!("pmdaemon_process_state{{{idle},state=\"stopped\"}} 1"),
        format!("pmdaemon_process_restarts_total{{{web},reason=\"manual\"}} 0"),
        "pmdaemon_app_instances{app=\"web\",namespace=\"blue\",kind=\"running\"} 1".to_owned(),
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing:\n{text}");
    }
    assert!(
        text.contains("pmdaemon_http_requests_total{method=\"GET\",route=\"/metrics\",code=\"401\"} 1"),
        "{text}"
    );
    assert!(text.contains("pmdaemon_auth_failures_total{reason="), "{text}");
    assert!(text.contains("pmdaemon_http_request_duration_seconds_bucket{le="), "{text}");
    assert!(!text.contains("pid="), "a pid is never a label: {text}");

    // Every sample belongs to a family that was announced, and there is one of each.
    let mut families = BTreeSet::new();
    let mut samples = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(rest.split(' ').next().unwrap().to_owned()), "twice: {line}");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            assert!(samples.insert(sample.to_owned()), "twice: {line}");
            let name = sample.split('{').next().unwrap();
            let known = families.iter().any(|family| name.starts_with(family.as_str()));
            assert!(known, "no type: {line}");
        }
    }
    assert!(samples.len() > 30, "{text}");

    // Somebody for one namespace sees that one.
    let token = home.ok(&["token", "create", "blue", "--role", "viewer", "--namespace", "blue"]);
    let seen = api.send(api.bare("GET", "/metrics").bearer_auth(token.trim()));
    assert!(seen.text.contains("web") && !seen.text.contains("idle"), "{seen:?}");
}

/// Every name of the list, without those that need a certificate or an exit code.
const NAMES: [&str; 30] = [
    "pmdaemon_build_info{",
    "pmdaemon_start_time_seconds ",
    "pmdaemon_app_instances{",
    "pmdaemon_process_up{",
    "pmdaemon_process_start_time_seconds{",
    "pmdaemon_process_cpu_seconds_total{",
    "pmdaemon_process_resident_memory_bytes{",
    "pmdaemon_process_memory_limit_bytes{",
    "pmdaemon_process_open_fds{",
    "pmdaemon_process_max_fds{",
    "pmdaemon_process_threads{",
    "pmdaemon_process_io_read_bytes_total{",
    "pmdaemon_process_io_written_bytes_total{",
    "pmdaemon_process_state{",
    "pmdaemon_process_health{",
    "pmdaemon_health_check_duration_seconds_bucket{",
    "pmdaemon_process_restarts_total{",
    "pmdaemon_process_exits_total{",
    "pmdaemon_log_lost_bytes_total{",
    "pmdaemon_operation_duration_seconds_count{",
    "pmdaemon_http_requests_total{",
    "pmdaemon_http_request_duration_seconds_count ",
    "pmdaemon_ws_connections ",
    "pmdaemon_events_seq ",
    "process_cpu_seconds_total ",
    "process_resident_memory_bytes ",
    "process_threads ",
    "process_open_fds ",
    "process_max_fds ",
    "process_start_time_seconds ",
];

#[test]
fn metrics_tell_how_runs_ended_and_why_others_took_their_place() {
    let home = Home::new();
    let script = "trap 'exit 7' TERM; while :; do sleep 0.05; done";
    home.ok(&["start", script, "--name", "web", "--max-memory", "1G", "--health-check-script", "/bin/true"]);
    home.ok(&["restart", "web"]);
    let api = home.api();
    let text = || api.send(api.request("GET", "/metrics")).text;
    let web = "app=\"web\",namespace=\"default\",instance=\"0\"";
    let has = |line: &str| text().lines().any(|have| have == line);
    assert!(has(&format!("pmdaemon_process_restarts_total{{{web},reason=\"manual\"}} 1")), "{}", text());
    assert!(has(&format!("pmdaemon_process_exits_total{{{web},code=\"7\",signal=\"\"}} 1")), "{}", text());
    assert!(has(&format!("pmdaemon_process_last_exit_code{{{web}}} 7")), "{}", text());

    let pid = home.process("web")["pid"].as_i64().unwrap();
    proc::send(pid, Signal::SIGKILL);
    let restarted = format!("pmdaemon_process_restarts_total{{{web},reason=\"signal\"}} 1");
    wait_until("the restart after the signal", SOON, || has(&restarted));
    assert!(
        has(&format!("pmdaemon_process_exits_total{{{web},code=\"\",signal=\"SIGKILL\"}} 1")),
        "{}",
        text()
    );

    let checked = format!("pmdaemon_health_check_duration_seconds_count{{{web}}} ");
    wait_until("a health check", SOON, || {
        text().lines().any(|line| line.strip_prefix(&checked).is_some_and(|count| count != "0"))
    });

    let all = text();
    for name in NAMES {
        assert!(all.lines().any(|line| line.starts_with(name)), "{name} is missing:\n{all}");
    }
    let value = |name: &str| {
        let line = all.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.rsplit_once(' ').map_or(line, |(_, value)| value).trim().parse::<f64>().unwrap()
    };
    let restart = "pmdaemon_operation_duration_seconds_count{action=\"restart\",result=\"done\"}";
    assert!((value(restart) - 1.0).abs() < 1e-9, "{all}");
    let newest = api.get("/api/v1/events?limit=1")["seq"].as_f64().unwrap();
    assert!(value("pmdaemon_events_seq") > 4.0 && value("pmdaemon_events_seq") <= newest, "{all}");
    assert!(
        value("process_resident_memory_bytes") > 1e6 && value("process_cpu_seconds_total") > 0.0,
        "{all}"
    );

    // What was deleted is not there any more.
    home.ok(&["delete", "web"]);
    assert!(!text().contains("app=\"web\""), "{}", text());
}
