//! `--health-check-…`, `--wait-ready`: acceptance rows B10 to B12, D8 to D14, K8.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::home::Ran;
use crate::support::{Home, SOON, wait_until};

/// Answers every request 200 once the file `up` is there, 503 before.
const WEB: &str = r#"
import http.server, os, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists("up") else 503)
        self.end_headers()
    def log_message(self, *args): pass
print("serving on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Web).serve_forever()
"#;

const IDLE: &str = "echo \"I do nothing\"\nwhile true; do sleep 0.2; done\n";

/// A port that was free a moment ago.
fn port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Starts `web.py` with a check of its URL and what else is said.
fn start_web(home: &Home, more: &[&str]) -> Ran {
    home.file("web.py", WEB);
    let env = format!("PORT={}", port());
    let mut words = vec!["start", "web.py", "--env", &env, "--health-check-interval", "100ms"];
    words.extend(["--health-check-url", "http://localhost:${PORT}/health"]);
    words.extend(more);
    home.run(&words)
}

fn events(home: &Home, kind: &str) -> usize {
    let all = home.json(&["events", "--lines", "1000", "--json"]);
    all.as_array().expect("an array").iter().filter(|event| event["type"] == kind).count()
}

#[test]
fn b12_a_start_that_waits_returns_when_the_check_passes() {
    let home = Home::new();
    home.file("up", "");
    let ran = start_web(&home, &["--wait-ready", "--wait-timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("Started web"), "{ran:?}");
    assert!(ran.err.contains("Waiting until web.py is ready"), "{ran:?}");
    let web = home.process("web");
    assert_eq!((web["status"].as_str(), web["health"].as_str()), (Some("online"), Some("healthy")), "{web}");
    assert!(home.ok(&["list"]).contains("healthy"));
    assert!(home.ok(&["info", "web"]).contains("GET http://localhost:${PORT}/health every 100ms"));
}

#[test]
fn a_check_asks_the_port_that_the_run_was_given_and_after_a_move_the_other_one() {
    let home = Home::new();
    home.file("up", "");
    let (first, second) = (port(), port());
    // The declared PORT is not the one that the run gets.
    let ran = start_web(&home, &["--port", &first, "--wait-ready", "--wait-timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.process("web")["health"], "healthy");
    home.ok(&["restart", "web", "--port", &second]);
    wait_until("it is healthy on its other port", SOON, || {
        let web = home.process("web");
        web["health"] == "healthy" && web["ports"] == serde_json::json!([second.parse::<u16>().unwrap()])
    });
    assert_eq!(events(&home, "process.healthy"), 2);
}

#[test]
fn b12_a_wait_that_is_over_fails_with_reason_and_log_and_leaves_the_app_running() {
    let home = Home::new();
    let ran = start_web(&home, &["--wait-timeout", "2s", "--health-check-retries", "1000000"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["is not ready", "answered 503", "left running", "serving on"] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.took < Duration::from_secs(6), "{ran:?}");
    let web = home.process("web");
    assert_eq!(
        (web["status"].as_str(), web["health"].as_str()),
        (Some("starting"), Some("unknown")),
        "{web}"
    );
    assert_eq!(web["health_reason"], "answered 503 Service Unavailable", "{web}");
    let pid = home.pid("web");
    // K8: online once it is healthy, and not before.
    home.file("up", "");
    wait_until("the app is online", SOON, || home.process("web")["status"] == "online");
    assert_eq!(home.pid("web"), pid, "it is the same run");
    assert_eq!(events(&home, "process.healthy"), 1);
}

#[test]
fn b12_an_app_that_ends_fails_a_waiting_start_at_once() {
    let home = Home::new();
    home.file("dies.sh", "echo about to die\nexit 7\n");
    let ran = home.run(&["start", "dies.sh", "--wait-ready", "--min-uptime", "30s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["exit code 7", "about to die"] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.took < SOON, "{ran:?}");
}

#[test]
fn b12_without_a_check_ready_is_min_uptime_and_an_open_port() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    let ran = home.run(&["start", "idle.sh", "--wait-ready", "--min-uptime", "700ms"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.took >= Duration::from_millis(700), "{ran:?}");
    assert!(home.process("idle")["health"].is_null());
    // Started without waiting it is online at once, as ever.
    let env = format!("PORT={}", port());
    home.ok(&["start", "idle.sh", "--name", "deaf", "--env", &env]);
    assert_eq!(home.process("deaf")["status"], "online");
    let ran = home.run(&["start", "deaf", "--wait-timeout", "1500ms"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("its port does not accept connections"), "{ran:?}");
}

#[test]
fn b10_failures_in_a_row_restart_the_app_with_the_reason() {
    let home = Home::new();
    home.file("up", "");
    let ran = start_web(&home, &["--wait-ready", "--wait-timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let first = home.pid("web");
    std::fs::remove_file(home.work().join("up")).unwrap();
    wait_until("the app is restarted", SOON, || events(&home, "process.unhealthy") > 0);
    home.file("up", "");
    wait_until("the next run is healthy", SOON, || home.process("web")["health"] == "healthy");
    assert_ne!(home.pid("web"), first);
    let told = home.ok(&["events"]);
    assert!(told.contains("web is unhealthy and is restarted: answered 503"), "{told}");
    assert!(home.process("web")["restarts"].as_i64() >= Some(1));
}

#[test]
fn b10_an_app_that_never_becomes_healthy_is_given_up() {
    let home = Home::new();
    let more = ["--wait-timeout", "400ms", "--health-check-retries", "1", "--max-restarts", "2"];
    let ran = start_web(&home, &more);
    assert_eq!(ran.code, 1, "{ran:?}");
    wait_until("the app is given up", SOON, || home.process("web")["status"] == "errored");
    let web = home.process("web");
    let reason = web["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("given up after 2 unstable runs in a row; the last was unhealthy:"), "{web}");
}

#[test]
fn b11_a_script_is_run_in_the_directory_with_the_environment_and_its_last_line_is_the_reason() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    home.file("check.sh", "echo first\ntest -f \"$WANTED\" || { echo \"no $WANTED for $PORT\"; exit 3; }\n");
    let words = ["--env", "WANTED=good", "--env", "PORT=4711", "--health-check-script", "./check.sh"];
    let ran = home.run(&[&["start", "idle.sh", "--health-check-interval", "100ms"][..], &words].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("starting until it is ready"), "{ran:?}");
    wait_until("the reason is shown", SOON, || home.process("idle")["health_reason"] == "no good for 4711");
    home.file("good", "");
    wait_until("the app is healthy", SOON, || home.process("idle")["health"] == "healthy");
}

#[test]
fn b11_at_its_timeout_a_script_dies_with_its_whole_group() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    home.file("hang.sh", "sleep 1000 & echo $! >> children; wait\n");
    home.ok(&["start", "idle.sh", "--health-check-script", "hang.sh", "--health-check-timeout", "200ms"]);
    let told =
        |part: &str| home.process("idle")["health_reason"].as_str().is_some_and(|told| told.contains(part));
    wait_until("the time-out is told", SOON, || told("did not end within 200 ms"));
    home.ok(&["delete", "idle"]);
    let children = std::fs::read_to_string(home.work().join("children")).unwrap();
    for child in children.lines() {
        let stat = format!("/proc/{child}/stat");
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        wait_until("the child of the check is gone", SOON, || !alive());
    }
}

#[test]
fn d8_to_d14_what_cannot_be_checked_is_refused_and_leaves_nothing() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    home.ok(&["list"]);
    let refused = |more: &[&str], code: i32, part: &str| {
        let ran = home.run(&[&["start", "idle.sh"][..], more].concat());
        assert_eq!(ran.code, code, "{more:?}: {ran:?}");
        assert!(ran.err.contains(part), "{more:?}: {ran:?}");
    };
    refused(&["--health-check-url", "ftp://localhost/"], 1, "not an http URL");
    refused(&["--health-check-url", "nonsense"], 1, "not a URL");
    refused(&["--health-check-url", "https://localhost/"], 1, "https");
    refused(&["--health-check-url", "http://192.0.2.1/"], 1, "another host");
    refused(&["--health-check-script", "missing.sh"], 1, "missing.sh");
    refused(&["--health-check-tcp", "localhost"], 1, "host and a port");
    refused(&["--health-check-timeout", "5s"], 1, "no health check to apply it to");
    refused(&["--health-check-interval", "5s"], 1, "no health check to apply it to");
    refused(&["--health-check-retries", "3"], 1, "no health check to apply it to");
    refused(&["--health-check-timeout", "5", "--health-check-tcp", "localhost:1"], 2, "no unit");
    refused(&["--health-check-retries", "0", "--health-check-tcp", "localhost:1"], 2, "0");
    assert_eq!(home.ok(&["list"]), "no processes\n");
}

#[test]
fn b12_over_http_not_ready_is_a_problem() {
    let home = Home::new();
    home.file("idle.sh", IDLE);
    let port = port();
    let cwd = home.work().display().to_string();
    let app = serde_json::json!({ "script": "idle.sh", "cwd": cwd, "env": {"PORT": port},
        "health_check": {"tcp": "localhost:{port}", "interval_ms": 100} });
    let api = home.api();
    let answer = api.post("/api/v1/apps?ready=true&wait=500ms", &app);
    let problem = answer.is_problem(504, "not_ready");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("connection refused")), "{problem}");
    let _listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let answer = api.post("/api/v1/apps/idle/start?ready=true&wait=20s", &serde_json::json!({}));
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    assert_eq!(answer.json()["processes"][0]["health"], "healthy", "{answer:?}");
    let first = home.pid("idle");
    let answer = api.post("/api/v1/apps/idle/restart?ready=true&wait=20s", &serde_json::json!({}));
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    assert_eq!(answer.json()["processes"][0]["health"], "healthy", "{answer:?}");
    assert_ne!(home.pid("idle"), first);
    let shown = api.get("/api/v1/apps/idle");
    assert_eq!(shown["health_check"]["retries"], 3, "{shown}");
}

#[test]
fn checks_go_on_when_the_daemon_dies() {
    let home = Home::new();
    home.file("up", "");
    let ran = start_web(&home, &["--wait-ready", "--wait-timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (_, daemon) = home.keeper_and_daemon();
    let pid = home.pid("web");
    crate::support::proc::kill_hard(daemon);
    wait_until("the next daemon finds it healthy", SOON, || {
        home.run(&["list", "--json"]).out.contains("\"healthy\"")
    });
    assert_eq!(home.pid("web"), pid);
}
