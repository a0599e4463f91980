//! `/metrics`.

use std::collections::BTreeSet;

use crate::support::{Home, fixture};

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
        format!("pmdaemon_process_restarts_total{{{web}}} 0"),
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
