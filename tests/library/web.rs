//! `web` in the foreground: its requests, its address, and `--no-auth`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Api, Home, SOON, proc, wait_for, wait_until};

/// A running `pmdaemon web`.
struct Web {
    child: Child,
    address: String,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
}

impl Web {
    fn run(home: &Home, args: &[&str]) -> Web {
        let mut words = vec!["web"];
        words.extend(args);
        let mut child = home.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = collect(child.stdout.take().unwrap());
        let err = collect(child.stderr.take().unwrap());
        wait_until("the end of the introduction", SOON, || err.lock().unwrap().contains("Press Ctrl+C"));
        let address = wait_for("the address", SOON, || {
            let text = out.lock().unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("Dashboard:  "))?;
            Some(line.strip_prefix("http://")?.to_owned())
        });
        Web { child, address, out, err }
    }

    fn api(&self, home: &Home) -> Api {
        let mut api = home.api();
        api.address = self.address.parse().unwrap();
        api
    }

    fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    fn end(mut self) -> String {
        proc::send(i64::from(self.child.id()), Signal::SIGINT);
        let status = wait_for("the end of web", SOON, || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}");
        wait_until("its last words", SOON, || self.err.lock().unwrap().contains("daemon go on."));
        self.err.lock().unwrap().clone()
    }
}

fn collect(from: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let all = Arc::new(Mutex::new(String::new()));
    let copy = all.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut all = copy.lock().unwrap();
            all.push_str(&line);
            all.push('\n');
        }
    });
    all
}

fn listeners(home: &Home) -> Vec<Value> {
    home.json(&["status", "--json"])["daemon"]["listeners"].as_array().unwrap().clone()
}

fn port_of(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn serves(home: &Home, address: &str) -> bool {
    listeners(home).iter().any(|l| format!("{}:{}", l["host"].as_str().unwrap(), l["port"]) == address)
}

#[test]
fn requests_are_shown_without_their_queries_until_ctrl_c_closes_the_address() {
    let home = Home::new();
    home.ok(&["list"]);
    let web = Web::run(&home, &["--port", "0"]);
    let api = web.api(&home);
    api.get("/api/v1/processes");
    assert_eq!(api.send(api.bare("GET", "/login/once?code=canary")).status, StatusCode::OK);
    assert_eq!(api.send(api.bare("GET", "/api/system")).status, StatusCode::UNAUTHORIZED);
    let foreign = api.request("GET", "/refused").header("host", "evil.example");
    assert_eq!(api.send(foreign).status, StatusCode::MISDIRECTED_REQUEST);
    for line in ["200  GET", "/api/v1/processes", "/login/once", "401  GET", "421  GET"] {
        wait_until(line, SOON, || web.out().contains(line));
    }
    assert!(!web.out().contains("canary"), "{}", web.out());
    // What comes to other addresses is not shown here.
    let mut other = home.api();
    let elsewhere = listeners(&home).into_iter().find(|l| l["port"] != u64::from(port_of(&web.address)));
    other.address.set_port(elsewhere.expect("the daemon's own address")["port"].as_u64().unwrap() as u16);
    other.get("/api/v1/apps");
    let (address, out) = (web.address.clone(), web.out.clone());
    let told = web.end();
    assert!(told.contains(&format!("http://{address} is closed; services and daemon go on.")), "{told}");
    assert!(!out.lock().unwrap().contains("/api/v1/apps"));
    assert!(!serves(&home, &address));
}

#[test]
fn an_address_ends_with_its_command_even_when_that_is_killed() {
    let home = Home::new();
    home.ok(&["list"]);
    let mut web = Web::run(&home, &["--port", "0"]);
    assert!(serves(&home, &web.address));
    proc::kill_hard(i64::from(web.child.id()));
    web.child.wait().unwrap();
    wait_until("the end of the address", SOON, || !serves(&home, &web.address));
}

#[test]
fn a_new_daemon_serves_the_address_again_and_does_not_keep_it() {
    let home = Home::new();
    home.ok(&["list"]);
    let web = Web::run(&home, &["--port", "0"]);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("the address", SOON, || serves(&home, &web.address));
    let address = web.address.clone();
    web.end();
    assert!(!serves(&home, &address));
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("the next daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert!(!serves(&home, &address), "a temporary address is not saved");
}

#[test]
fn a_detached_address_stays_and_is_found_by_the_next_daemon() {
    let home = Home::new();
    let out = home.ok(&["web", "--port", "0", "--detach"]);
    let address = out.lines().find_map(|line| line.strip_prefix("Dashboard:  http://")).unwrap().to_owned();
    let web = Web::run(&home, &["--port", address.rsplit_once(':').unwrap().1]);
    assert!(web.end().contains(&format!("http://{address} stays open")));
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("the next daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    wait_until("the address", SOON, || serves(&home, &address));
}

#[test]
fn without_authentication_curl_and_wscat_need_no_token_while_the_command_runs() {
    let home = Home::new();
    home.ok(&["list"]);
    let usual = home.api();
    // The address that the daemon serves anyway: it is open only as long as the command runs.
    let port = usual.address.port().to_string();
    let web = Web::run(&home, &["--no-auth", "--port", &port]);
    assert!(web.err.lock().unwrap().contains("authentication is off"), "{:?}", web.err);
    assert_eq!(usual.send(usual.bare("GET", "/api/processes")).status, StatusCode::OK);
    let app = json!({"name": "api-server", "script": "sleep", "args": ["1000"]});
    let started = usual.send(usual.bare("POST", "/api/processes").json(&app));
    assert!(started.status.is_success(), "{started:?}");
    assert_eq!(usual.send(usual.bare("GET", "/api/v1/auth/whoami")).json()["subject"], "no-auth");
    assert_eq!(usual.send(usual.bare("POST", "/api/v1/auth/login-link")).status, StatusCode::CONFLICT);
    for page in ["/", "/docs", "/apps/api-server/logs"] {
        let shown = usual.send(usual.bare("GET", page));
        assert!(shown.text.contains("Authentication is off"), "{page}: {shown:?}");
    }
    let doctor = home.json(&["doctor", "--json"]);
    let findings = doctor["findings"].as_array().unwrap();
    assert!(findings.iter().any(|f| f["finding"].as_str().unwrap().starts_with("authentication is off")));
    usual.block_on(async {
        let url = format!("ws://{}/ws", usual.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        let first = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(first.contains("ProcessList") && first.contains("api-server"), "{first}");
        let mut foreign = url.into_client_request().unwrap();
        foreign.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
        assert!(tokio_tungstenite::connect_async(foreign).await.is_err());
        // The open socket ends with the command, too.
        let told = tokio::task::spawn_blocking(move || web.end()).await.unwrap();
        assert!(told.contains("asks for authentication again"), "{told}");
        let closed = async {
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    return;
                }
            }
        };
        tokio::time::timeout(SOON, closed).await.expect("the socket is closed");
    });
    assert_eq!(usual.send(usual.bare("GET", "/api/processes")).status, StatusCode::UNAUTHORIZED);
}

#[test]
fn without_authentication_pages_of_others_and_foreign_hosts_stay_out() {
    let home = Home::new();
    home.ok(&["list"]);
    let web = Web::run(&home, &["--no-auth", "--port", "0"]);
    let api = web.api(&home);
    let own = api.origin();
    let check = |method: &str, headers: &[(&str, &str)], status: u16| {
        let mut request = api.bare(method, "/api/v1/processes");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = api.send(request);
        assert_eq!(answer.status.as_u16(), status, "{method} {headers:?}: {answer:?}");
    };
    check("GET", &[], 200);
    check("GET", &[("origin", &own)], 200);
    check("GET", &[("sec-fetch-site", "none")], 200);
    check("GET", &[("sec-fetch-site", "same-origin")], 200);
    check("GET", &[("cookie", "pmd_session=stale")], 200);
    for origin in ["http://evil.example", "null", "http://localhost:1", "", "https://127.0.0.1"] {
        check("GET", &[("origin", origin)], 403);
        check("GET", &[("origin", origin), ("sec-fetch-site", "same-origin")], 403);
    }
    for site in ["cross-site", "same-site", "anything", ""] {
        check("GET", &[("sec-fetch-site", site)], 403);
        check("GET", &[("sec-fetch-site", site), ("origin", &own)], 403);
    }
    check("GET", &[("host", "evil.example")], 421);
    check("GET", &[("authorization", "Bearer nonsense")], 401);
    let posted = |site: &str| {
        let request = api.bare("POST", "/api/v1/operations").header("sec-fetch-site", site);
        api.send(request.json(&json!({"action": "stop", "all": true}))).status.as_u16()
    };
    assert_eq!((posted("none"), posted("same-origin")), (403, 200));
    // The unix socket and other addresses still ask.
    let other = home.api();
    let others: Vec<_> = listeners(&home).into_iter().filter(|l| l.get("no_auth").is_none()).collect();
    assert_eq!(others.len(), 1);
    let port = others[0]["port"].as_u64().unwrap();
    let answer = other.send(reqwest::Client::new().get(format!("http://127.0.0.1:{port}/api/v1/processes")));
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    web.end();
}

#[test]
fn without_authentication_only_loopback_is_served_and_only_for_a_while() {
    let home = Home::new();
    home.ok(&["list"]);
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        home.run(&["web", "--no-auth", "--host", host, "--port", "0"]).refused(1, &["--no-auth"]);
    }
    assert_eq!(home.run(&["web", "--no-auth", "--detach"]).code, 2);
    let api = home.api();
    let kept = json!({"host": "127.0.0.1", "port": 0, "no_auth": true});
    api.post("/api/v1/system/listeners", &kept).is_problem(422, "invalid_value");
    let wide = json!({"host": "0.0.0.0", "port": 0, "no_auth": true});
    api.post("/api/v1/system/listeners/temporary", &wide).is_problem(422, "invalid_value");
}
