//! Apps and processes are chosen by what they are like.

use serde_json::{Value, json};

use crate::support::{Api, Home, fixture};

/// `web` has two processes, one of which is stopped; `db` is in another namespace.
fn some(home: &Home) -> Api {
    let script = fixture("loop.sh");
    home.ok(&[
        "start",
        &script,
        "--name",
        "web",
        "--instances",
        "2",
        "--label",
        "tier=front",
        "--label",
        "canary=",
    ]);
    home.ok(&["start", &script, "--name", "api", "--label", "tier=back"]);
    home.ok(&["start", &script, "--name", "db", "--namespace", "shop", "--label", "tier=back"]);
    home.ok(&["stop", "web-1"]);
    home.api()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn lists_are_made_shorter_by_namespace_state_name_and_label() {
    let home = Home::new();
    let api = some(&home);
    let check = |query: &str, apps: &[&str], processes: &[&str]| {
        assert_eq!(names(&api.get(&format!("/api/v1/apps?{query}"))), apps, "{query}");
        assert_eq!(names(&api.get(&format!("/api/v1/processes?{query}"))), processes, "{query}");
    };
    check("", &["web", "api", "db"], &["web-0", "web-1", "api", "db"]);
    check("namespace=shop", &["db"], &["db"]);
    check("namespace=default,shop", &["web", "api", "db"], &["web-0", "web-1", "api", "db"]);
    check("state=stopped", &["web"], &["web-1"]);
    check("state=Online&name=web", &["web"], &["web-0"]);
    check("name=web,db", &["web", "db"], &["web-0", "web-1", "db"]);
    check("label=tier", &["web", "api", "db"], &["web-0", "web-1", "api", "db"]);
    check("label=tier=back", &["api", "db"], &["api", "db"]);
    check("label=tier=back&namespace=shop", &["db"], &["db"]);
    check("label=tier=front,canary", &["web"], &["web-0", "web-1"]);
    check("label=tier=back,canary", &[], &[]);
    let page = api.get("/api/v1/processes?state=online&limit=2");
    assert_eq!(names(&page), ["web-0", "api"]);
    let next = format!("/api/v1/processes?state=online&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(names(&api.get(&next)), ["db"]);
    for (wrong, said) in
        [("state=up", "use starting"), ("label=a=b=c", "value of a label"), ("name=all", "valid name")]
    {
        let refused = api.send(api.request("GET", &format!("/api/v1/apps?{wrong}")));
        let problem = refused.is_problem(400, "invalid_query");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
    }
}

#[test]
fn many_are_acted_on_by_what_they_are_like() {
    let home = Home::new();
    let api = some(&home);
    let operate = |selection: Value| {
        let mut order = json!({"action": "stop", "dry_run": true});
        order.as_object_mut().unwrap().extend(selection.as_object().unwrap().clone());
        api.post("/api/v1/operations", &order)
    };
    let would = |selection: Value| {
        let answer = operate(selection);
        assert_eq!(answer.status, 200, "{answer:?}");
        let would = answer.json()["would"].as_array().unwrap().clone();
        would.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(would(json!({"labels": ["tier=back"]})), ["api", "db"]);
    assert_eq!(would(json!({"labels": ["tier=back"], "namespaces": ["shop"]})), ["db"]);
    assert_eq!(would(json!({"names": ["web"], "states": ["online"]})), ["web-0"]);
    for nothing in ["labels", "names", "namespaces", "states"] {
        let none = operate(json!({nothing: []})).json();
        assert_eq!(none.get("would"), None, "{nothing}: {none}");
    }
    operate(json!({})).is_problem(422, "invalid_value");
    operate(json!({"all": true, "labels": ["tier"]})).is_problem(422, "invalid_value");
    let wrong = operate(json!({"labels": ["a b"]})).is_problem(422, "invalid_value");
    assert_eq!(wrong["errors"][0]["pointer"], "/labels", "{wrong}");
    let order = json!({"action": "stop", "labels": ["tier=back"]});
    let done = api.post("/api/v1/operations?wait=15s", &order);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(names(&api.get("/api/v1/processes?state=stopped")), ["web-1", "api", "db"]);
    // The same on the command line, as a reference.
    home.ok(&["start", "label:tier=back"]);
    assert_eq!(names(&api.get("/api/v1/processes?state=stopped")), ["web-1"]);
    home.run(&["stop", "label:tier=middle"]).refused(1, &["no app has the label tier=middle"]);
    // Labels are kept.
    home.ok(&["kill"]);
    home.ok(&["start", "api"]);
    assert_eq!(names(&home.api().get("/api/v1/apps?label=tier=front")), ["web"]);
}
