//! Many apps are reloaded by one request.

use serde_json::{Value, json};

use crate::support::{Api, Home, SOON, fixture, wait_for, wait_until};

const PATH: &str = "/api/v1/operations";

fn some(home: &Home) -> Api {
    let script = fixture("loop.sh");
    home.ok(&["start", &script, "--name", "web", "-i", "2", "--label", "tier=front"]);
    home.ok(&["start", &script, "--name", "api", "--label", "tier=front"]);
    home.ok(&["start", &script, "--name", "db"]);
    home.ok(&["start", &script, "--name", "off", "--label", "tier=front"]);
    home.ok(&["stop", "off"]);
    home.api()
}

fn pids(home: &Home) -> Vec<(String, Value)> {
    let list = home.json(&["list", "--json"]);
    let pid = |process: &Value| (process["name"].as_str().unwrap().to_owned(), process["pid"].clone());
    list.as_array().unwrap().iter().map(pid).collect()
}

#[test]
fn what_a_selector_means_is_reloaded_app_by_app_in_one_operation() {
    let home = Home::new();
    let api = some(&home);
    let before = pids(&home);
    let would = api.post(PATH, &json!({"action": "reload", "labels": ["tier=front"], "dry_run": true}));
    assert_eq!(would.status, 200, "{would:?}");
    let told: Vec<(String, String)> = would.json()["would"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().into(), one["would"].as_str().unwrap().into()))
        .collect();
    let expected = [("web-0", "reload"), ("web-1", "reload"), ("api", "reload"), ("off", "nothing")];
    assert_eq!(told, expected.map(|(name, would)| (name.to_owned(), would.to_owned())));
    assert_eq!(pids(&home), before, "nothing was done");

    let done = api.post(&format!("{PATH}?wait=30s"), &json!({"action": "reload", "labels": ["tier=front"]}));
    assert_eq!(done.status, 200, "{done:?}");
    let outcome = done.json();
    assert_eq!(outcome["changed"], true, "{outcome}");
    let place = done.header("location").to_owned();
    assert_eq!(place, format!("{PATH}/{}", outcome["operation"]));
    // It is over when the old runs are gone.
    let operation = wait_for("it is done", SOON, || {
        Some(api.get(&place)).filter(|operation| operation["state"] == "done")
    });
    assert_eq!(operation["action"], "reload", "{operation}");
    let items: Vec<(&str, &str)> = operation["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["name"].as_str().unwrap(), item["state"].as_str().unwrap()))
        .collect();
    assert_eq!(items, [("web-0", "done"), ("web-1", "done"), ("api", "done")]);
    for ((name, was), (_, is)) in before.iter().zip(pids(&home)) {
        let is_reloaded = ["web-0", "web-1", "api"].contains(&name.as_str());
        assert_eq!(*was != is, is_reloaded, "{name}: {was} and {is}");
    }
    // Nothing that could be reloaded is no mistake of a selector.
    let nothing = api.post(PATH, &json!({"action": "reload", "states": ["errored"]}));
    assert_eq!((nothing.status.as_u16(), &nothing.json()["changed"]), (200, &json!(false)));
    let off = api.post(PATH, &json!({"action": "reload", "names": ["off"]}));
    assert_eq!((off.status.as_u16(), &off.json()["changed"]), (200, &json!(false)), "{off:?}");
}

#[test]
fn each_process_says_what_became_of_it_when_one_app_fails() {
    let home = Home::new();
    let script = home.file("job.sh", "#!/bin/sh\n[ -e \"$PWD/bad\" ] && exit 7\nexec sleep 600\n");
    home.ok(&["start", &script, "--name", "bad"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "good"]);
    std::fs::write(home.work().join("bad"), "").unwrap();
    let api = home.api();
    let (bad, good) = (home.pid("bad"), home.pid("good"));
    let order = json!({"action": "reload", "all": true});
    let failed = api.post(&format!("{PATH}?wait=30s"), &order);
    let problem = failed.is_problem(422, "reload_failed");
    let operation = format!("{PATH}/{}", problem["operation"]);
    wait_until("the end of both", SOON, || api.get(&operation)["state"] != "running");
    let over = api.get(&operation);
    assert_eq!(over["progress"], json!({"total": 2, "done": 1, "failed": 1, "left": 0}), "{over}");
    assert!(over["items"][0]["reason"].as_str().unwrap().contains("exit code 7"), "{over}");
    assert_eq!(home.pid("bad"), bad, "the old one goes on");
    assert_ne!(home.pid("good"), good);
    // It comes up, and does not stay so.
    home.file("job.sh", "#!/bin/sh\nsleep 2\nexit 7\n");
    let order = json!({"action": "reload", "names": ["bad"], "soak_ms": 86_400_000});
    let problem = api.post(&format!("{PATH}?wait=60s"), &order).is_problem(422, "reload_failed");
    assert!(problem["detail"].as_str().unwrap().contains("exit code 7"), "{problem}");
    assert_eq!(home.pid("bad"), bad, "the old one goes on");
    for order in [
        json!({"action": "reload", "all": true, "soak_ms": -1}),
        json!({"action": "reload", "all": true, "soak_ms": 86_400_001}),
        json!({"action": "restart", "all": true, "soak_ms": 1}),
    ] {
        let problem = api.post(PATH, &order).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], "/soak_ms", "{problem}");
    }
    // How many at a time is a matter of each app.
    let order = json!({"action": "reload", "all": true, "strategy": {"max_parallel": 1}});
    let problem = api.post(PATH, &order).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/strategy", "{problem}");
}
