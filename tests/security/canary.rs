//! Values of environment variables: nobody but the service itself sees them (rows 11 and 27).

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::home::{fed, files_with};
use crate::support::{Api, Home, SOON, fixture, proc, wait_until};

/// What must not be seen: declared, declared later, inherited, and kept as a secret.
const CANARIES: [&str; 4] =
    ["canary-4b1d-declared", "canary-4b1d-changed", "canary-4b1d-inherited", "canary-4b1d-secret"];
const DECLARED: &str = CANARIES[0];
const CHANGED: &str = CANARIES[1];
const INHERITED: &str = CANARIES[2];
const SECRET: &str = CANARIES[3];

/// Whether one of them is in the bytes.
fn sees(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    CANARIES.iter().any(|canary| text.contains(canary))
}

/// Everything that can be got: of the document and of the router, for an app, a process and an
/// operation.
fn readable(api: &Api, app: &str, process: i64, operation: i64) -> BTreeSet<String> {
    let document = api.get("/openapi.json");
    let described = document["paths"].as_object().unwrap().iter();
    let mut paths: BTreeSet<String> =
        described.filter(|(_, methods)| methods["get"].is_object()).map(|(path, _)| path.clone()).collect();
    let router = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/router.rs")).unwrap();
    let written = router.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once('"'));
    paths.extend(written.filter(|(_, how)| how.contains("get(")).map(|(path, _)| path.to_owned()));
    assert!(paths.len() > 30, "{paths:?}");
    // It has no end; what it tells is paths of requests, which the last test looks at.
    paths.remove("/api/v1/system/requests");
    let concrete = |path: &String| {
        let segments = path.split('/').map(|segment| match segment.trim_matches(['{', '}', '*']) {
            name if name == segment => segment.to_owned(),
            "id" if path.contains("/operations/") => operation.to_string(),
            "id" => process.to_string(),
            "revision" => "1".to_owned(),
            "ref" | "name" | "app" => app.to_owned(),
            _ => "nosuch".to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    };
    paths.iter().map(concrete).collect()
}

/// Frames of a WebSocket for a while, in which the app changes.
fn frames(home: &Home, api: &Api, token: &str, protocol: Option<&str>) -> Vec<u8> {
    let mut request = format!("ws://{}/ws", api.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    let (mut socket, _) = api.block_on(tokio_tungstenite::connect_async(request)).unwrap();
    for (id, html) in [(1, false), (2, true)] {
        let sub = json!({"op": "sub", "id": id, "topic": "processes", "html": html}).to_string();
        api.block_on(socket.send(Message::text(sub))).unwrap();
    }
    for (id, topic) in [(3, "events"), (4, "logs"), (5, "operations"), (6, "system")] {
        let sub = json!({"op": "sub", "id": id, "topic": topic}).to_string();
        api.block_on(socket.send(Message::text(sub))).unwrap();
    }
    home.ok(&["restart", "web"]);
    let mut seen = Vec::new();
    let listen = async {
        while seen.len() < 64 * 1024 {
            let Some(Ok(message)) = socket.next().await else { break };
            seen.extend_from_slice(&message.into_data());
        }
    };
    // What has come by then has come: there is no last frame to wait for.
    let _ = api.block_on(async { tokio::time::timeout(Duration::from_secs(3), listen).await });
    assert!(String::from_utf8_lossy(&seen).contains("web"), "{protocol:?}: nothing was pushed");
    seen
}

/// Apps of every kind that have what must not be seen in their environment, and what becomes of them: a
/// new revision, an operation, a restore point, a job that has run. Answers that operation.
fn apps(home: &Home, api: &Api) -> i64 {
    let set = fed(&mut home.command(&["secret", "set", "DB"]), &format!("{SECRET}\n"));
    assert!(set.code == 0 && !sees(set.out.as_bytes()) && !sees(set.err.as_bytes()), "{set:?}");
    let ports = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let [one, two] = ports.map(|listener| listener.local_addr().unwrap().port());
    let define = |name: &str, more: Value| {
        let mut app = json!({"script": fixture("loop.sh"), "name": name,
            "env": {"DECLARED": DECLARED, "AS_VALUE": "${secret:DB}", "AS_FILE": "${secret-file:DB}"},
            "inherited_env": {"PATH": "/usr/bin:/bin", "INHERITED": INHERITED}});
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = api.post("/api/v1/apps", &app);
        assert_eq!(made.status, 201, "{made:?}");
        assert!(!sees(made.text.as_bytes()), "{made:?}");
        app
    };
    let mut web = define("web", json!({}));
    define("shop", json!({"port": one.to_string(), "balance": {"port": two}}));
    define("nightly", json!({"script": "true", "autostart": false, "schedule": {"cron": "0 0 1 1 *"}}));
    // Over before anybody looks, maybe.
    home.run(&["job", "run", "nightly"]);
    web["env"]["CHANGED"] = json!(CHANGED);
    let changed = api.send(api.request("PUT", "/api/v1/apps/web").header("If-Match", "*").json(&web));
    assert!(changed.status == 200 && !sees(changed.text.as_bytes()), "{changed:?}");
    home.ok(&["restart", "web"]);
    home.ok(&["save"]);
    let operations = api.get("/api/v1/operations");
    operations["items"][0]["id"].as_i64().unwrap_or_else(|| panic!("no operation: {operations}"))
}

#[test]
fn rows_11_and_27_values_of_the_environment_are_in_no_byte_that_anybody_is_sent() {
    let home = Home::new();
    home.ok(&["status"]);
    let api = home.api();
    let operation = apps(&home, &api);
    wait_until("its run", SOON, || home.process("web")["status"] == "online");
    // The harness finds it where it has to be, or nothing below would mean anything.
    let environ = std::fs::read(format!("/proc/{}/environ", home.pid("web"))).unwrap();
    let text = String::from_utf8_lossy(&environ);
    assert!(CANARIES.iter().all(|canary| text.contains(canary)), "{text}");

    let mut paths = BTreeSet::new();
    for app in ["web", "shop", "nightly"] {
        paths.extend(readable(&api, app, home.process(app)["id"].as_i64().unwrap(), operation));
    }
    for role in ["viewer", "operator", "admin"] {
        let token = home.ok(&["token", "create", role, "--role", role]).trim().to_owned();
        let mut answered = BTreeSet::new();
        for path in &paths {
            for accept in ["application/json", "text/html", "text/plain"] {
                let answer = api.send(api.bare("GET", path).bearer_auth(&token).header("Accept", accept));
                assert!(!sees(answer.text.as_bytes()), "{role} {path} {accept}: {answer:?}");
                assert!(!sees(format!("{:?}", answer.headers).as_bytes()), "{role} {path}: {answer:?}");
                if answer.status == 200 {
                    answered.insert(path.as_str());
                }
            }
        }
        for path in
            ["/metrics", "/api/v1/apps/nightly/runs", "/apps/shop", "/apps/web/revisions", "/apps/web/config"]
        {
            assert!(answered.contains(path), "{role} was not shown {path}: {answered:?}");
        }
        assert!(answered.iter().any(|path| path.starts_with("/api/v1/operations/")), "{role}: {answered:?}");
        assert_eq!(answered.contains("/audit"), role == "admin");
        for protocol in [None, Some("pmdaemon.v1")] {
            assert!(!sees(&frames(&home, &api, &token, protocol)), "{role}: {protocol:?}");
        }
        // Neither does a refusal repeat what was sent.
        let wrong = json!({"env": {"BAD=NAME": DECLARED}, "script": "/nosuch", "port": "x"});
        for (method, path) in [("POST", "/api/v1/apps"), ("PUT", "/api/v1/apps/web")] {
            let answer = api.send(api.bare(method, path).bearer_auth(&token).json(&wrong));
            assert!(answer.status.is_client_error(), "{role}: {answer:?}");
            assert!(!sees(answer.text.as_bytes()), "{role}: {answer:?}");
        }
    }
    let commands: [&[&str]; 9] = [
        &["info", "web"],
        &["why", "web"],
        &["events", "web"],
        &["logs", "web", "--lines", "100"],
        &["history", "web"],
        &["job", "history", "nightly"],
        &["secret", "list"],
        &["audit"],
        &["list", "--json"],
    ];
    for words in commands {
        let ran = home.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        assert!(!sees(ran.out.as_bytes()) && !sees(ran.err.as_bytes()), "{words:?}: {ran:?}");
    }
    assert!(!sees(home.daemon_log().as_bytes()), "the daemon's log");
    for pid in home.living() {
        assert!(!sees(proc::command_line(pid).as_bytes()), "the arguments of {pid}");
    }
    // At rest, variables are in the store, where the owner alone can look; secrets are nowhere but in the
    // files that were asked for.
    for_their_owner_alone(&home.path());
    let with = files_with(&home.path(), SECRET);
    let asked_for = |path: &&PathBuf| path.starts_with(home.path().join("secret-files"));
    assert_eq!(with.iter().find(|path| !asked_for(path)), None);
    assert!(!with.is_empty(), "the harness does not find what is there");
    assert!(!files_with(&home.path(), DECLARED).is_empty());
}

#[test]
fn row_7_looking_changes_nothing() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "other"]);
    home.ok(&["stop", "other"]);
    let api = home.api();
    let state = || {
        let mut apps = api.get("/api/v1/apps")["items"].take();
        for app in apps.as_array_mut().unwrap() {
            // What was measured of them is another thing each time.
            app.as_object_mut().unwrap().remove("processes");
        }
        let events = api.get("/api/v1/events?limit=1000")["items"].as_array().unwrap().len();
        let all = home.processes();
        let processes =
            all.iter().map(|p| format!("{} {} {} {}", p["id"], p["pid"], p["status"], p["restarts"]));
        (apps, events, processes.collect::<Vec<_>>())
    };
    home.ok(&["restart", "web"]);
    let operation = api.get("/api/v1/operations")["items"][0]["id"].as_i64().unwrap();
    let before = state();
    for path in readable(&api, "web", home.process("web")["id"].as_i64().unwrap(), operation) {
        api.send(api.request("GET", &path).header("Accept", "text/html,application/json"));
    }
    assert_eq!(state(), before);
}

/// Row 26 of the security checklist.
#[test]
fn row_10_everything_in_the_home_is_for_its_owner_alone() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    for_their_owner_alone(&home.path());
}

/// Directories 0700, files that may hold secrets 0600; logs at most 0640.
fn for_their_owner_alone(home: &Path) {
    assert_eq!(std::fs::metadata(home).unwrap().mode() & 0o777, 0o700, "{}", home.display());
    let mut left = vec![home.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() {
                left.push(path.clone());
            }
            let log = path.strip_prefix(home).unwrap().to_string_lossy().contains("log");
            let allowed = if log { 0o750 } else { 0o700 };
            let mode = meta.mode() & 0o777;
            if !meta.is_symlink() {
                assert_eq!(mode & !allowed, 0, "{} has mode {mode:04o}", path.display());
            }
        }
    }
}
