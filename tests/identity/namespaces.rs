//! A token for some namespaces: what is in others is to it as if it were not there.

use std::collections::BTreeSet;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::api::Answer;
use crate::support::{Api, Home, SOON, fixture};

struct Scene {
    home: Home,
    api: Api,
    /// Of an admin whose role counts in `shop` alone.
    token: String,
}

/// An app `web` in `shop`, and one that is called `vault` in `bank`.
fn scene(role: &str) -> Scene {
    let home = Home::new();
    for (name, namespace) in [("web", "shop"), ("vault", "bank")] {
        home.ok(&["start", &fixture("chatter.py"), "--name", name, "--namespace", namespace]);
    }
    let token = home.ok(&["token", "create", "some", "--role", role, "--namespace", "shop"]);
    let api = home.api();
    Scene { home, api, token: token.trim().to_owned() }
}

impl Scene {
    fn ask(&self, method: &str, path: &str) -> Answer {
        self.api.send(self.api.bare(method, path).bearer_auth(&self.token))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.api.send(self.api.bare("POST", path).bearer_auth(&self.token).json(body))
    }
}

#[test]
fn nothing_that_can_be_read_tells_of_another_namespace() {
    let scene = scene("deployer");
    scene.home.ok(&["stop", "vault"]);
    scene.home.ok(&["save"]);
    let document = scene.api.get("/openapi.json");
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path.ends_with("/requests") {
            continue;
        }
        for reference in ["web", "vault", "bank:vault", "ns:bank", "0", "1", "all", "/./"] {
            let filled =
                path.replace("{ref}", reference).replace("{id}", reference).replace("{revision}", "1");
            let answer = scene.ask("GET", &filled);
            // A refusal repeats what was typed.
            let typed = answer.status.as_u16() >= 400 && filled.contains(reference);
            let word = reference.trim_start_matches("ns:");
            let text = if typed { answer.text.replace(word, "") } else { answer.text.clone() };
            assert!(!text.contains("vault") && !text.contains("bank"), "GET {filled}: {answer:?}");
            asked += 1;
            if path == &filled {
                break;
            }
        }
    }
    assert!(asked > 60, "only {asked} were asked");
    for path in ["/", "/fragments/processes", "/apps/vault/logs"] {
        let answer = scene
            .api
            .send(scene.api.bare("GET", path).bearer_auth(&scene.token).header("Accept", "text/html"));
        assert!(!answer.text.replace("&#34;vault&#34;", "").contains("vault"), "{path}: {answer:?}");
    }
    let names: BTreeSet<&str> = ["web"].into();
    let list = scene.ask("GET", "/api/v1/processes").json();
    let seen: BTreeSet<&str> =
        list["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(seen, names);
    assert!(scene.ask("GET", "/api/v1/events?limit=1000").text.contains("web"));
    assert!(scene.ask("GET", "/api/v1/logs?tail=5").text.contains("\"name\":\"web\""));
}

/// Row 8 of the security checklist.
#[test]
fn nothing_that_can_be_done_reaches_another_namespace() {
    let scene = scene("deployer");
    let before = scene.home.process("vault");
    for (method, path) in [
        ("POST", "/api/v1/apps/vault/stop?wait=5s"),
        ("POST", "/api/v1/apps/bank:vault/restart?wait=5s"),
        ("POST", "/api/v1/apps/1/stop"),
        ("POST", "/api/v1/apps/ns:bank/stop"),
        ("POST", "/api/v1/apps/vault/reload"),
        ("POST", "/api/v1/apps/vault/reset"),
        ("DELETE", "/api/v1/apps/vault"),
        ("DELETE", "/api/v1/apps/vault/logs"),
        ("DELETE", "/api/v1/processes/1/logs"),
        ("POST", "/api/v1/apps/vault/logs/reopen"),
        ("DELETE", "/api/processes/vault"),
        ("POST", "/apps/vault/stop"),
    ] {
        let answer = scene.ask(method, path);
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    for (path, body) in [
        ("/api/v1/operations", json!({"action": "stop", "refs": ["web", "vault"]})),
        ("/api/v1/apps/vault/signal", json!({"signal": "KILL"})),
    ] {
        assert_eq!(scene.post(path, &body).status, 404, "{path}");
    }
    assert_eq!(scene.home.process("web")["status"], "online", "one unknown name refuses the whole command");
    assert_eq!(
        scene.post("/api/v1/operations?wait=20s", &json!({"action": "stop", "all": true})).status,
        200
    );
    assert_eq!(scene.ask("POST", "/api/v1/apps/all/restart?wait=20s").status, 200);
    assert_eq!(scene.ask("DELETE", "/api/v1/logs").status, 200);
    let after = scene.home.process("vault");
    assert_eq!(
        (&before["pid"], &before["restarts"]),
        (&after["pid"], &after["restarts"]),
        "all of shop only"
    );
    assert_eq!(scene.home.process("web")["restarts"], 1);
}

#[test]
fn an_app_is_defined_in_one_s_own_namespace_only_and_waits_for_nobody_else() {
    let scene = scene("deployer");
    let script = fixture("loop.sh");
    let app = |more: Value| {
        let mut app = json!({"script": script, "name": "mine", "namespace": "shop"});
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app
    };
    for namespace in ["bank", "default", "shop2"] {
        let answer = scene.post("/api/v1/apps", &app(json!({"namespace": namespace})));
        let problem = answer.is_problem(403, "forbidden_namespace");
        assert!(problem["detail"].as_str().unwrap().contains("shop"), "{problem}");
    }
    let unknown = scene.post("/api/v1/apps", &app(json!({"depends_on": [{"app": "bank:vault"}]})));
    let nowhere = scene.post("/api/v1/apps", &app(json!({"depends_on": [{"app": "bank:nothing"}]})));
    assert_eq!((unknown.status.as_u16(), nowhere.status.as_u16()), (422, 422), "{unknown:?} {nowhere:?}");
    // Each names its own request.
    let told = |answer: &Answer, name: &str| {
        let mut problem: Value = serde_json::from_str(&answer.text.replace(name, "")).unwrap();
        assert!(problem.as_object_mut().unwrap().remove("instance").is_some());
        problem
    };
    assert_eq!(told(&unknown, "vault"), told(&nowhere, "nothing"), "as if it were not there");
    let compat = scene.post("/api/processes", &json!({"script": script, "name": "x", "namespace": "bank"}));
    compat.is_problem(403, "forbidden_namespace");
    assert_eq!(scene.post("/api/v1/apps", &app(json!({}))).status, 201);
    assert_eq!(scene.home.processes().len(), 3);
}

#[test]
fn what_is_about_the_whole_installation_needs_a_token_for_all_namespaces() {
    let scene = scene("admin");
    for (method, path) in [
        ("GET", "/api/v1/restore-points"),
        ("PUT", "/api/v1/restore-points/x"),
        ("GET", "/api/v1/system/log"),
        ("POST", "/api/v1/system/shutdown"),
        ("GET", "/api/v1/system/requests"),
    ] {
        let answer = scene.ask(method, path);
        let problem = answer.is_problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("all namespaces"), "{method} {path}: {problem}");
    }
}

#[test]
fn a_websocket_pushes_what_is_in_one_s_namespaces() {
    let scene = scene("viewer");
    let api = &scene.api;
    for protocol in [None, Some("pmdaemon.v1")] {
        let mut request = format!("ws://{}/ws", api.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {}", scene.token).parse().unwrap());
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let (mut socket, _) = api.block_on(tokio_tungstenite::connect_async(request)).unwrap();
        if protocol.is_some() {
            for (id, html) in [(1, false), (2, true)] {
                let sub = json!({"op": "sub", "id": id, "topic": "processes", "html": html});
                api.block_on(socket.send(Message::text(sub.to_string()))).unwrap();
            }
        }
        scene.home.ok(&["restart", "vault"]);
        scene.home.ok(&["stop", "web"]);
        let mut heard = 0;
        let stopped = async {
            while let Some(message) = socket.next().await {
                let Message::Text(text) = message.expect("a message") else { continue };
                assert!(!text.contains("vault") && !text.contains("bank"), "{text}");
                heard += 1;
                if text.contains("stopped") {
                    return;
                }
            }
            panic!("it was closed");
        };
        api.block_on(async { tokio::time::timeout(SOON, stopped).await.expect("web has stopped") });
        assert!(heard > 0);
        scene.home.ok(&["start", "web"]);
    }
}

/// Row 13 of the security checklist.
#[test]
fn a_websocket_and_a_stream_of_logs_end_with_their_token() {
    let scene = scene("viewer");
    let api = &scene.api;
    let mut request = format!("ws://{}/ws", api.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {}", scene.token).parse().unwrap());
    let (mut socket, _) = api.block_on(tokio_tungstenite::connect_async(request)).unwrap();
    let follow = api.bare("GET", "/api/v1/logs?follow=true&tail=0").bearer_auth(&scene.token);
    let mut logs = api.block_on(async { follow.send().await }).unwrap();
    assert_eq!(logs.status(), 200);
    let id = scene.home.json(&["token", "list", "--json"]);
    let id = id.as_array().unwrap().iter().find(|row| row["name"] == "some").unwrap()["id"].clone();
    let begun = std::time::Instant::now();
    scene.home.ok(&["token", "revoke", id.as_str().unwrap()]);
    let code = api.block_on(async {
        tokio::time::timeout(SOON, async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| u16::from(frame.code));
                }
            }
            None
        })
        .await
    });
    assert_eq!(code, Ok(Some(4401)));
    let ended = api.block_on(async {
        tokio::time::timeout(SOON, async { while let Ok(Some(_)) = logs.chunk().await {} }).await
    });
    assert!(ended.is_ok(), "the stream of logs goes on");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}
