//! The variables of an app as a resource of their own.

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::{Api, Home};

const PATH: &str = "/api/v1/apps/web/env";

fn patch(api: &Api, variables: &Value) -> Answer {
    let asked = api.request("PATCH", PATH).json(&json!({"variables": variables}));
    api.send(asked.header("content-type", "application/merge-patch+json"))
}

fn some(home: &Home) -> Api {
    home.file(".env", "FROM_FILE=f\nBOTH=file\n");
    let script = home.file("app.sh", "echo \"level $LEVEL trace $TRACE new $NEW\"\nexec sleep 1000\n");
    let api = home.api();
    let secret = api.request("PUT", "/api/v1/secrets/default/DB").json(&json!({"value": "hidden"}));
    assert!(api.send(secret).status.is_success());
    let env = ["--env", "LEVEL=info", "--env", "TRACE=1", "--env", "BOTH=b", "--env", "DB=x:${secret:DB}"];
    let file = home.work().join(".env").display().to_string();
    home.ok(&[&["start", &script, "--name", "web", "--env-file", &file], &env[..]].concat());
    home.wait_for_line("web", "level info trace 1 new");
    api
}

#[test]
fn variables_are_listed_masked_each_with_where_it_is_from() {
    let home = Home::new();
    let api = some(&home);
    let shown = api.get(PATH);
    let names = ["BOTH", "DB", "FROM_FILE", "LEVEL", "TRACE"];
    let masked: serde_json::Map<String, Value> = names.iter().map(|n| ((*n).into(), json!("***"))).collect();
    assert_eq!(shown["variables"], Value::Object(masked), "{shown}");
    let from = json!({
        "BOTH": "definition", "DB": "secret", "FROM_FILE": "file", "LEVEL": "definition", "TRACE": "definition",
    });
    assert_eq!(shown["sources"], from, "{shown}");
    assert_eq!((&shown["revision"], shown.get("notices")), (&json!(1), None), "{shown}");
    let answer = api.send(api.request("GET", PATH));
    let app = api.send(api.request("GET", "/api/v1/apps/web"));
    assert_eq!(answer.header("etag"), app.header("etag"));
    let known = api.request("GET", PATH).header("if-none-match", answer.header("etag"));
    assert_eq!(api.send(known).status, 304);
    // A file that cannot be read is said to be so; the rest is shown.
    std::fs::remove_file(home.work().join(".env")).unwrap();
    let without = api.get(PATH);
    assert_eq!(without["variables"].as_object().unwrap().len(), 4, "{without}");
    assert!(without["notices"][0].as_str().unwrap().contains(".env"), "{without}");
}

#[test]
fn a_patch_of_variables_makes_a_revision_and_ends_nothing() {
    let home = Home::new();
    let api = some(&home);
    let pid = home.pid("web");
    let tag = api.send(api.request("GET", PATH)).header("etag").to_owned();
    let changed = patch(&api, &json!({"LEVEL": "debug", "TRACE": null, "NEW": "n", "NOSUCH": null}));
    assert_eq!(changed.status, 200, "{changed:?}");
    let after = changed.json();
    assert_eq!(after["revision"], 2, "{after}");
    let declared: Vec<&String> = after["variables"].as_object().unwrap().keys().collect();
    assert_eq!(declared, ["BOTH", "DB", "FROM_FILE", "LEVEL", "NEW"]);
    assert_ne!(changed.header("etag"), tag);
    let notice = after["notices"][0].as_str().unwrap();
    assert!(notice.contains("web") && notice.contains("reload"), "{notice}");
    assert_eq!(home.pid("web"), pid, "what runs goes on");
    assert_eq!(api.get(PATH)["notices"], after["notices"], "also later");
    let cause = &api.get("/api/v1/apps/web/revisions")["items"][1];
    assert!(cause.to_string().contains("environment"), "{cause}");
    // Who knows an earlier version is refused.
    let body = json!({"variables": {"LEVEL": "trace"}});
    let stale = api.request("PATCH", PATH).header("if-match", &tag).json(&body);
    api.send(stale).is_problem(412, "other_revision");
    let fresh = api.request("PATCH", PATH).header("if-match", changed.header("etag")).json(&body);
    assert_eq!(api.send(fresh).status, 200);
    home.ok(&["restart", "web"]);
    home.wait_for_line("web", "level trace trace  new n");
    assert_eq!(api.get(PATH).get("notices"), None, "it runs by it now");
}

#[test]
fn what_makes_no_variables_changes_nothing() {
    let home = Home::new();
    let api = some(&home);
    for (variables, pointer) in [
        (json!({"A=B": "x"}), "/variables/A=B"),
        (json!({"A": "x\u{0}y"}), "/variables/A"),
        (json!({"LEVEL": "***"}), "/variables/LEVEL"),
    ] {
        let problem = patch(&api, &variables).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    patch(&api, &json!({"A": 1})).is_problem(422, "invalid_body");
    let problem = patch(&api, &json!({"DB": "${secret:NOSUCH}"})).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/variables", "{problem}");
    let unknown = api.request("PATCH", PATH).json(&json!({"LEVEL": "debug"}));
    let problem = api.send(unknown).is_problem(422, "invalid_body");
    assert!(problem["detail"].as_str().unwrap().contains("variables"), "{problem}");
    assert_eq!(api.get(PATH)["revision"], 1);
}
