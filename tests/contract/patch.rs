//! Some members of a definition are changed, and nothing else.

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::{Api, Home, fixture, proc};

const PATH: &str = "/api/v1/apps/web";

fn patch(api: &Api, patch: &Value) -> Answer {
    api.send(api.request("PATCH", PATH).json(patch).header("content-type", "application/merge-patch+json"))
}

#[test]
fn a_patch_changes_what_it_names_and_leaves_the_rest() {
    let home = Home::new();
    let options = ["--env", "KEEP=k", "--env", "OLD=o", "--max-restarts", "7", "--label", "tier=web"];
    home.ok(&[&["start", &fixture("loop.sh"), "--name", "web"], &options[..]].concat());
    let api = home.api();
    let before = api.get(PATH);
    let pid = before["processes"][0]["pid"].clone();
    let change = json!({
        "env": {"OLD": null, "NEW": "n"}, "max_restarts": null, "kill_timeout_ms": 2000.0,
        "labels": {"tier": "db", "team": "blue"}, "schedule": {"cron": "0 3 * * *", "timezone": "UTC"},
    });
    let changed = patch(&api, &change);
    assert_eq!(changed.status, 200, "{changed:?}");
    let after = changed.json();
    assert_eq!(after["env"], json!({"KEEP": "***", "NEW": "***"}));
    assert_eq!((&after["max_restarts"], &after["kill_timeout_ms"]), (&json!(16), &json!(2000)));
    assert_eq!(after["labels"], json!({"tier": "db", "team": "blue"}));
    assert_eq!(after["schedule"]["cron"], "0 3 * * *");
    for same in ["id", "name", "script", "program", "args", "cwd", "instances"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["processes"][0]["pid"], pid, "what runs goes on");
    // The values that were hidden are still there when it runs by the new definition.
    let restarted =
        api.send(api.request("PATCH", &format!("{PATH}?then=restart&wait=15s")).json(&json!({"nice": 1})));
    assert_eq!(restarted.status, 200, "{restarted:?}");
    let pid = restarted.json()["processes"][0]["pid"].as_i64().unwrap();
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let has = |pair: &str| environment.split('\0').any(|one| one == pair);
    assert!(has("KEEP=k") && has("NEW=n") && !has("OLD=o"), "{environment:?}");
    assert!(proc::lives(pid));
    let info = home.ok(&["info", "web"]);
    assert!(info.contains("team=blue tier=db"), "{info}");
}

#[test]
fn a_patch_that_makes_no_definition_changes_nothing() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let tag = api.send(api.request("GET", PATH)).header("etag").to_owned();
    patch(&api, &json!({"script": null})).is_problem(422, "invalid_body");
    let unknown = patch(&api, &json!({"instancs": 2})).is_problem(422, "invalid_body");
    assert!(unknown["detail"].as_str().unwrap().contains("instancs"), "{unknown}");
    patch(&api, &json!({"max_restarts": -1})).is_problem(422, "invalid_value");
    patch(&api, &json!({"labels": {"a b": "c"}})).is_problem(422, "invalid_value");
    patch(&api, &json!({"name": "other"})).is_problem(422, "cannot_be_changed");
    patch(&api, &json!([1])).is_problem(422, "invalid_body");
    let of_nobody = api.send(api.request("PATCH", "/api/v1/apps/nosuch").json(&json!({})));
    of_nobody.is_problem(404, "app_not_found");
    assert_eq!(api.send(api.request("GET", PATH)).header("etag"), tag, "nothing was changed");
    let with = |tag: &str| {
        let request = api.request("PATCH", PATH).json(&json!({"env": {"A": "1"}}));
        api.send(request.header("if-match", tag))
    };
    assert_eq!(with(&tag).status, 200);
    with(&tag).is_problem(412, "other_revision");
    with("").is_problem(412, "other_revision");
    assert_eq!(with("*").status, 200);
}

#[test]
fn what_was_deleted_of_an_app_does_not_come_back_with_another_change_of_it() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--instances", "3"]);
    home.ok(&["delete", "web-1", "--force"]);
    let api = home.api();
    let names = |changed: Answer| {
        assert_eq!(changed.status, 200, "{changed:?}");
        let app = changed.json();
        let all = app["processes"].as_array().unwrap().clone();
        all.iter().map(|process| process["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(patch(&api, &json!({"max_restarts": 5}))), ["web-0", "web-2"]);
    let set = api.post(&format!("{PATH}/env?wait=15s"), &json!({"set": {"A": "1"}}));
    assert_eq!(names(set), ["web-0", "web-2"]);
    assert_eq!(names(patch(&api, &json!({"instances": 3}))).len(), 3);
}

#[test]
fn patches_at_the_same_time_are_all_kept() {
    check_changes_at_the_same_time(|api, name| api.request("PATCH", PATH).json(&json!({"env": {name: "x"}})));
}

#[test]
fn variables_that_are_set_at_the_same_time_are_all_kept() {
    check_changes_at_the_same_time(|api, name| {
        api.request("POST", &format!("{PATH}/env")).json(&json!({"set": {name: "x"}}))
    });
}

fn check_changes_at_the_same_time(declare: impl Fn(&Api, &str) -> reqwest::RequestBuilder) {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let requests: Vec<_> = (0..4).map(|n| declare(&api, &format!("N{n}"))).collect();
    let statuses: Vec<u16> = api.block_on(async {
        let running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
        let mut all = Vec::new();
        for one in running {
            all.push(one.await.unwrap().unwrap().status().as_u16());
        }
        all
    });
    assert_eq!(statuses, [200; 4]);
    let env = api.get(PATH)["env"].clone();
    assert_eq!(env.as_object().unwrap().len(), 4, "{env}");
}
