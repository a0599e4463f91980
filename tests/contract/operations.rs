//! Operations: documents of what takes time.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::home::ran;
use crate::support::{Api, Home, SOON, fixture, proc, wait_for, wait_until};

/// Ends only when it is killed.
const DEAF: &str = "#!/bin/bash\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n";

#[track_caller]
fn operation(api: &Api, answer: &Answer) -> Value {
    let id = &answer.json()["operation"];
    assert!(id.is_i64(), "no operation: {answer:?}");
    assert_eq!(answer.header("location"), format!("/api/v1/operations/{id}"), "{answer:?}");
    api.get(answer.header("location"))
}

#[track_caller]
fn wait_until_over(api: &Api, id: &Value) -> Value {
    wait_for(&format!("the end of operation {id}"), SOON, || {
        let now = api.get(&format!("/api/v1/operations/{id}"));
        (now["state"] != "running").then_some(now)
    })
}

fn states(operation: &Value) -> Vec<&str> {
    operation["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap()).collect()
}

fn start(home: &Home, name: &str) {
    home.ok(&["start", &fixture("loop.sh"), "--name", name]);
}

#[test]
fn what_takes_time_is_answered_at_once_with_a_document_that_tells_how_far_it_is() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    home.ok(&["start", &deaf, "--name", "web", "--kill-timeout", "2s"]);
    home.wait_for_line("web", "deaf");
    let api = home.api();
    let answer = api.post("/api/v1/apps/web/stop", &json!({}));
    assert_eq!(answer.status, 202, "{answer:?}");
    let begun = operation(&api, &answer);
    assert_eq!((&begun["action"], &begun["state"]), (&json!("stop"), &json!("running")), "{begun}");
    assert_eq!(begun["author"], "local", "{begun}");
    assert_eq!(states(&begun), ["draining"], "{begun}");
    assert_eq!(begun["progress"], json!({"total": 1, "done": 0, "failed": 0, "left": 0}));
    let over = wait_until_over(&api, &begun["id"]);
    assert_eq!((&over["state"], states(&over)), (&json!("done"), vec!["done"]), "{over}");
    assert!(over["ended_at"].as_str() > over["begun_at"].as_str(), "{over}");
    // With a wait it is answered at its end; what is so already makes none.
    let waited = api.post("/api/v1/apps/web/start?wait=15s", &json!({}));
    assert_eq!(waited.status, 200, "{waited:?}");
    wait_until_over(&api, &operation(&api, &waited)["id"]);
    let again = api.post("/api/v1/apps/web/start", &json!({}));
    assert_eq!((again.status.as_u16(), again.header("location")), (200, ""), "{again:?}");
    assert_eq!((&again.json()["changed"], &again.json()["operation"]), (&json!(false), &Value::Null));
    let scaled = api.send(api.request("PUT", "/api/v1/apps/web/scale").json(&json!({"instances": 3})));
    let over = wait_until_over(&api, &operation(&api, &scaled)["id"]);
    assert_eq!((&over["action"], states(&over)), (&json!("scale"), vec!["done", "done"]), "{over}");
    let deleted = api.send(api.request("DELETE", "/api/v1/apps/web"));
    let over = wait_until_over(&api, &operation(&api, &deleted)["id"]);
    assert_eq!(over["progress"]["done"], 3, "{over}");
    // The newest first, in pages, and by state.
    let list = api.get("/api/v1/operations");
    let ids: Vec<i64> = list["items"].as_array().unwrap().iter().map(|o| o["id"].as_i64().unwrap()).collect();
    assert!(ids.len() >= 4 && ids.is_sorted_by(|a, b| a > b), "{list}");
    assert!(list["items"][0]["items"].is_null() && list["next_cursor"].is_null(), "{list}");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/operations?limit=1{cursor}"));
        paged.extend(page["items"].as_array().unwrap().iter().map(|o| o["id"].as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, ids);
    assert_eq!(api.get("/api/v1/operations?state=running")["items"], json!([]));
    for bad in ["?limit=0", "?limit=1001", "?state=nosuch"] {
        let refused = api.send(api.request("GET", &format!("/api/v1/operations{bad}")));
        refused.is_problem(400, "invalid_query");
    }
    api.send(api.request("GET", "/api/v1/operations?cursor=garbage")).is_problem(400, "invalid_cursor");
    api.send(api.request("GET", "/api/v1/operations/4711")).is_problem(404, "operation_not_found");
}

#[test]
fn what_does_not_come_up_fails_with_its_reason() {
    let home = Home::new();
    let script = home.file("job.sh", "#!/bin/sh\n[ -e \"$PWD/good\" ] && exec sleep 600\nexit 7\n");
    std::fs::write(home.work().join("good"), "").unwrap();
    home.ok(&["start", &script, "--name", "web", "--wait-ready"]);
    std::fs::remove_file(home.work().join("good")).unwrap();
    let api = home.api();
    let reload = api.post("/api/v1/apps/web/reload", &json!({}));
    let over = wait_until_over(&api, &operation(&api, &reload)["id"]);
    assert_eq!((&over["state"], states(&over)), (&json!("failed"), vec!["failed"]), "{over}");
    let reason = over["items"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("its new run ended with exit code 7"), "{reason}");
    // Whoever waits is told by the answer, which names the operation, too.
    let waited = api.post("/api/v1/apps/web/reload?wait=20s", &json!({}));
    waited.is_problem(422, "reload_failed");
    assert_eq!(wait_until_over(&api, &operation(&api, &waited)["id"])["state"], "failed");
}

#[test]
fn a_few_at_a_time_and_what_has_not_begun_can_be_left_undone() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    for name in ["a", "b", "c"] {
        home.ok(&["start", &deaf, "--name", name, "--kill-timeout", "3s"]);
        home.wait_for_line(name, "deaf");
    }
    let api = home.api();
    let order = json!({"action": "restart", "all": true, "strategy": {"max_parallel": 1}});
    let answer = api.post("/api/v1/operations", &order);
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = operation(&api, &answer)["id"].clone();
    let place = format!("/api/v1/operations/{id}");
    let first = wait_for("the first", SOON, || {
        let now = api.get(&place);
        (states(&now)[0] == "draining").then_some(now)
    });
    assert_eq!(states(&first), ["draining", "waiting", "waiting"], "{first}");
    // Whoever may only look may not.
    let viewer = home.ok(&["token", "create", "v", "--role", "viewer"]).trim().to_owned();
    api.send(api.bare("DELETE", &place).bearer_auth(&viewer)).is_problem(403, "forbidden");
    let cancelled = api.send(api.request("DELETE", &place));
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(states(&cancelled.json())[1..], ["left", "left"], "{cancelled:?}");
    let over = wait_until_over(&api, &id);
    assert_eq!(
        (&over["state"], states(&over)),
        (&json!("cancelled"), vec!["done", "left", "left"]),
        "{over}"
    );
    assert_eq!(over["progress"], json!({"total": 3, "done": 1, "failed": 0, "left": 2}));
    let restarts = |name: &str| home.process(name)["restarts"].as_i64().unwrap();
    assert_eq!((restarts("a"), restarts("b"), restarts("c")), (1, 0, 0));
    api.send(api.request("DELETE", &place)).is_problem(409, "operation_over");
    let events = api.events("pmdaemon", "operation.cancelled");
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0]["detail"].as_str().unwrap().contains("1 done, 2 left undone"), "{events:?}");
    // What is all begun goes on.
    let stop = api.post("/api/v1/operations", &json!({"action": "stop", "refs": ["b", "c"]}));
    let id = operation(&api, &stop)["id"].clone();
    let refused = api.send(api.request("DELETE", &format!("/api/v1/operations/{id}")));
    refused.is_problem(409, "operation_begun");
    assert_eq!(wait_until_over(&api, &id)["state"], "done");
    for (strategy, member) in [
        (json!({"max_parallel": 0}), "/strategy/max_parallel"),
        (json!({"max_parallel": 1, "max_failures": -1}), "/strategy/max_failures"),
    ] {
        let order = json!({"action": "stop", "all": true, "strategy": strategy});
        let problem = api.post("/api/v1/operations", &order).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], member, "{problem}");
    }
}

#[test]
fn after_too_many_failures_the_rest_is_left() {
    let home = Home::new();
    let script = home.file("job.sh", "#!/bin/sh\n[ -e \"$PWD/bad\" ] && exit 7\nexec sleep 600\n");
    for name in ["a", "b", "c"] {
        home.ok(&["start", &script, "--name", name, "--ready", "log:never", "--listen-timeout", "60s"]);
    }
    std::fs::write(home.work().join("bad"), "").unwrap();
    let api = home.api();
    let order = json!({"action": "restart", "all": true, "strategy": {"max_parallel": 1, "max_failures": 1}});
    let answer = api.post("/api/v1/operations?wait=15s", &order);
    assert_eq!(answer.status, 200, "{answer:?}");
    let over = operation(&api, &answer);
    assert_eq!(
        (&over["state"], states(&over)),
        (&json!("failed"), vec!["failed", "failed", "left"]),
        "{over}"
    );
    assert!(over["items"][0]["reason"].as_str().unwrap().contains("exit code 7"), "{over}");
    assert!(over["items"][2]["reason"].as_str().unwrap().contains("too many others failed"), "{over}");
}

#[test]
fn a_reload_is_followed_turn_by_turn_and_cancelling_gives_nobody_another_one() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "3"]);
    let api = home.api();
    let reload = api.post("/api/v1/apps/web/reload", &json!({}));
    assert_eq!(reload.status, 202, "{reload:?}");
    let place = reload.header("location").to_owned();
    let second = wait_for("the second turn", SOON, || {
        let now = api.get(&place);
        (states(&now)[0] == "done").then_some(now)
    });
    assert_eq!(states(&second)[2], "waiting", "{second}");
    let cancelled = api.send(api.request("DELETE", &place));
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let over = wait_until_over(&api, &second["id"]);
    assert_eq!(
        (&over["state"], states(&over)),
        (&json!("cancelled"), vec!["done", "left", "left"]),
        "{over}"
    );
    let online = |p: &Value| p["status"] == "online";
    assert!(home.processes().iter().all(online), "the old ones go on");
    let all = api.post("/api/v1/apps/web/reload?wait=30s", &json!({}));
    assert_eq!(all.status, 200, "{all:?}");
    let over = wait_until_over(&api, &operation(&api, &all)["id"]);
    assert_eq!(states(&over), ["done", "done", "done"], "{over}");
}

#[test]
fn a_dry_run_tells_the_names_and_what_would_be_done_and_does_nothing() {
    let home = Home::new();
    start(&home, "web");
    start(&home, "api");
    home.ok(&["stop", "api"]);
    let api = home.api();
    let pid = home.pid("web");
    let before = api.get("/api/v1/events?limit=1000")["seq"].clone();
    let would = |action: &str| {
        let answer = api.post("/api/v1/operations", &json!({"action": action, "all": true, "dry_run": true}));
        assert_eq!((answer.status.as_u16(), answer.header("location")), (200, ""), "{answer:?}");
        let outcome = answer.json();
        assert_eq!((&outcome["changed"], &outcome["operation"]), (&json!(false), &Value::Null), "{outcome}");
        let items = outcome["would"].as_array().unwrap().clone();
        let told = |item: &Value| {
            let word = |member: &str| item[member].as_str().unwrap();
            format!("{} {} {}", word("name"), word("status"), word("would"))
        };
        items.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(would("start"), ["web online nothing", "api stopped start"]);
    assert_eq!(would("stop"), ["web online stop", "api stopped nothing"]);
    assert_eq!(would("restart"), ["web online restart", "api stopped restart"]);
    assert_eq!(would("delete"), ["web online delete", "api stopped delete"]);
    let unknown = json!({"action": "stop", "refs": ["web", "nosuch"], "dry_run": true});
    assert_eq!(api.post("/api/v1/operations", &unknown).status, 404);
    assert_eq!(home.pid("web"), pid);
    assert_eq!(api.get("/api/v1/events?limit=1000")["seq"], before, "nothing happened");
    let audit = home.ok(&["audit", "--json"]);
    assert!(!audit.contains("\"operations.create\",\"target\":\"stop all\""), "{audit}");
}

#[test]
fn who_dies_leaves_what_was_begun_to_the_next_daemon_and_says_what_was_not() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    for name in ["a", "b"] {
        home.ok(&["start", &deaf, "--name", name, "--kill-timeout", "6s"]);
        home.wait_for_line(name, "deaf");
    }
    let api = home.api();
    let order = json!({"action": "stop", "all": true, "strategy": {"max_parallel": 1}});
    let answer = api.post("/api/v1/operations", &order);
    let place = answer.header("location").to_owned();
    wait_until("the first", SOON, || states(&api.get(&place))[0] == "draining");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    let api = home.api();
    let over = wait_until_over(&api, &answer.json()["operation"]);
    assert_eq!((&over["state"], states(&over)), (&json!("interrupted"), vec!["done", "left"]), "{over}");
    assert!(over["items"][1]["reason"].as_str().unwrap().contains("the daemon ended"), "{over}");
    assert_eq!(home.process("a")["status"], "stopped");
    assert_eq!(home.process("b")["status"], "online");
    // Numbers go on.
    let next = api.post("/api/v1/apps/a/start?wait=10s", &json!({})).json()["operation"].as_i64();
    assert!(next > over["id"].as_i64(), "{next:?}");
}

#[test]
fn somebody_of_a_namespace_sees_and_cancels_the_part_that_is_there() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    for (name, namespace) in [("first", "blue"), ("web", "shop"), ("api", "blue")] {
        home.ok(&["start", &deaf, "--name", name, "--namespace", namespace, "--kill-timeout", "4s"]);
        home.wait_for_line(name, "deaf");
    }
    let api = home.api();
    let token = home.ok(&["token", "create", "s", "--role", "operator", "--namespace", "shop"]);
    let order = json!({"action": "stop", "all": true, "strategy": {"max_parallel": 1}});
    let place = api.post("/api/v1/operations", &order).header("location").to_owned();
    let seen = api.send(api.bare("GET", &place).bearer_auth(token.trim())).json();
    assert_eq!(seen["progress"]["total"], 1, "{seen}");
    assert_eq!(seen["items"][0]["name"], "web", "{seen}");
    let cancelled = api.send(api.bare("DELETE", &place).bearer_auth(token.trim()));
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let over = wait_until_over(&api, &seen["id"]);
    assert_eq!(states(&over), ["done", "left", "done"], "{over}");
    let of_blue = api.post("/api/v1/apps/blue:api/start", &json!({})).header("location").to_owned();
    let unseen = api.send(api.bare("GET", &of_blue).bearer_auth(token.trim()));
    unseen.is_problem(404, "operation_not_found");
    api.send(api.bare("DELETE", &of_blue).bearer_auth(token.trim())).is_problem(404, "operation_not_found");
    let list = api.send(api.bare("GET", "/api/v1/operations").bearer_auth(token.trim())).json();
    let totals = |o: &Value| o["progress"]["total"].as_i64();
    assert!(list["items"].as_array().unwrap().iter().all(|o| totals(o) == Some(1)), "{list}");
}

#[test]
fn an_operation_is_pushed_until_it_is_over() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    home.ok(&["start", &deaf, "--name", "web", "--kill-timeout", "1s"]);
    home.wait_for_line("web", "deaf");
    let api = home.api();
    let place = api.post("/api/v1/apps/web/restart", &json!({})).header("location").to_owned();
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let (address, token) = (api.address, &api.token);
    write!(
        stream,
        "GET {place}/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let lines = BufReader::new(stream).lines().map(|line| line.expect("it ends by itself"));
    let told: Vec<Value> =
        lines.filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let steps: Vec<&str> = told.iter().map(|operation| states(operation)[0]).collect();
    assert_eq!((steps[0], steps[steps.len() - 1]), ("draining", "done"), "{steps:?}");
    assert_eq!(told.last().unwrap()["state"], "done");
}

#[test]
fn a_delete_of_what_somebody_has_changed_meanwhile_is_refused() {
    let home = Home::new();
    start(&home, "web");
    let api = home.api();
    let tag = api.send(api.request("GET", "/api/v1/apps/web")).header("etag").to_owned();
    let app = json!({"script": fixture("loop.sh"), "args": ["x"]});
    let put = api.send(api.request("PUT", "/api/v1/apps/web").header("If-Match", "*").json(&app));
    assert_eq!(put.status, 200, "{put:?}");
    let delete =
        |tag: &str| api.send(api.request("DELETE", "/api/v1/apps/web?wait=10s").header("If-Match", tag));
    delete(&tag).is_problem(412, "other_revision");
    assert_eq!(home.process("web")["status"], "online");
    assert_eq!(delete(put.header("etag")).status, 200);
}

#[test]
fn on_a_terminal_a_command_on_many_shows_how_far_it_is() {
    let home = Home::new();
    let deaf = home.file("deaf.sh", DEAF);
    for name in ["a", "b"] {
        home.ok(&["start", &deaf, "--name", name, "--kill-timeout", "2s"]);
        home.wait_for_line(name, "deaf");
    }
    let stop = home.command(&["stop", "all"]);
    let mut on_terminal = std::process::Command::new("python3");
    on_terminal.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"]).arg(stop.get_program());
    on_terminal.args(stop.get_args()).current_dir(home.work()).env_clear().stdin(std::process::Stdio::null());
    on_terminal.envs(stop.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let shown = ran(&mut on_terminal).out;
    assert!(shown.contains("stop: 0 of 2 done; a draining, b draining"), "{shown:?}");
    assert!(shown.contains("Stopped a (id 0).") && shown.contains("Stopped 2."), "{shown:?}");
    // Into a file goes the result alone.
    home.ok(&["start", "all"]);
    home.wait_for_line("b", "deaf");
    let stopped = home.run(&["stop", "all"]);
    assert!(!stopped.err.contains("done") && !stopped.out.contains("draining"), "{stopped:?}");
}
