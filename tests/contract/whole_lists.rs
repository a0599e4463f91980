//! Lists that are usually read at once can be read in pages as well, and counted.

use serde_json::{Value, json};

use crate::support::{Api, Home, fixture};

const PASSWORD: &str = "correct horse battery";

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap_or_else(|| panic!("no list: {page}")).clone()
}

/// Some of everything that there is such a list of.
fn some(home: &Home) -> Api {
    for (name, port) in [("c", "4103"), ("a", "4101"), ("b", "4102")] {
        home.ok(&["start", &fixture("loop.sh"), "--name", name, "--port", port]);
    }
    let api = home.api();
    let does = |method: &str, path: &str, body: &Value| {
        let answer = api.send(api.request(method, path).json(body));
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
    };
    for (number, name) in ["tea", "ash", "oak"].into_iter().enumerate() {
        does("POST", "/api/v1/users", &json!({"name": name, "password": PASSWORD, "role": "viewer"}));
        // A second token of somebody has the same name.
        for _ in 0..2 {
            does("POST", "/api/v1/auth/login", &json!({"user": name, "password": PASSWORD}));
        }
        let form = api.bare("POST", "/login").header("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("user={name}&password={}&next=/", PASSWORD.replace(' ', "+"));
        let logged_in = api.send(form.header("Origin", api.origin()).body(body));
        assert_eq!(logged_in.status, 303, "{logged_in:?}");
        let url = format!("http://127.0.0.1:9/{name}");
        does("POST", "/api/v1/forwards", &json!({"name": name, "http": url}));
        for namespace in ["default", "shop"] {
            let path = format!("/api/v1/secrets/{namespace}/{}", name.to_uppercase());
            does("PUT", &path, &json!({"value": "x"}));
        }
        does("PUT", &format!("/api/v1/restore-points/{name}"), &json!({}));
        does("POST", "/api/v1/alerts/channels", &json!({"name": name, "command": ["/bin/true"]}));
        does("POST", "/api/v1/alerts/rules", &json!({"name": name, "when": {"errored": {}}}));
        does("PATCH", "/api/v1/apps/a", &json!({"max_restarts": number + 20}));
    }
    api
}

#[test]
fn every_list_can_be_read_in_pages_and_counted_and_is_whole_without() {
    let home = Home::new();
    let api = some(&home);
    let lists = [
        ("tokens", 6, "id"),
        ("users", 3, "name"),
        ("sessions", 3, "id"),
        ("ports", 3, "port"),
        ("forwards", 3, "name"),
        ("secrets", 6, "name"),
        ("restore-points", 3, "name"),
        ("apps/a/revisions", 4, "revision"),
        ("alerts/rules", 3, "name"),
        ("alerts/channels", 3, "name"),
    ];
    for (list, least, member) in lists {
        // How far each is moves by itself; the place in the list does not.
        let named = |item: Value| (item["namespace"].clone(), item[member].clone());
        let path = format!("/api/v1/{list}");
        let whole = api.get(&path);
        assert_eq!((whole.get("next_cursor"), whole.get("total")), (None, None), "nobody asked: {whole}");
        let whole: Vec<_> = items(&whole).into_iter().map(named).collect();
        assert!(whole.len() >= least, "{path}: {whole:?}");
        for limit in [1, 2, whole.len()] {
            let (mut seen, mut on) = (Vec::new(), String::new());
            loop {
                let page = api.get(&format!("{path}?limit={limit}&count=true{on}"));
                assert_eq!(page["total"], whole.len(), "{page}");
                let some = items(&page);
                assert!(!some.is_empty() && some.len() <= limit, "{page}");
                seen.extend(some.into_iter().map(named));
                let Some(next) = page["next_cursor"].as_str() else { break };
                on = format!("&cursor={next}");
            }
            assert_eq!(seen, whole, "{path} by {limit}");
        }
        let first = api.get(&format!("{path}?limit=1"));
        let cursor = first["next_cursor"].as_str().unwrap();
        for (other, ..) in lists.iter().filter(|(other, ..)| *other != list) {
            let of_another = api.send(api.request("GET", &format!("/api/v1/{other}?cursor={cursor}")));
            of_another.is_problem(400, "invalid_cursor");
        }
        for wrong in ["limit=0", "limit=1001", "limit=few", "count=perhaps"] {
            api.send(api.request("GET", &format!("{path}?{wrong}"))).is_problem(400, "invalid_query");
        }
    }
    // What comes and goes meanwhile takes nothing away, and nothing is told twice.
    let first = api.get("/api/v1/users?limit=1");
    assert_eq!(first["items"][0]["name"], "ash", "{first}");
    assert!(api.send(api.request("DELETE", "/api/v1/users/ash")).status.is_success());
    let body = json!({"name": "aaa", "password": PASSWORD, "role": "viewer"});
    assert_eq!(api.post("/api/v1/users", &body).status, 201);
    let rest = api.get(&format!("/api/v1/users?cursor={}", first["next_cursor"].as_str().unwrap()));
    let names: Vec<Value> = items(&rest).iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["oak", "tea"]);
}

#[test]
fn who_sees_a_part_counts_and_pages_that_part() {
    let home = Home::new();
    let api = some(&home);
    let login = api
        .send(api.bare("POST", "/api/v1/auth/login").json(&json!({"user": "oak", "password": PASSWORD})))
        .json();
    let theirs = |path: &str| {
        let asked = api.bare("GET", path).bearer_auth(login["secret"].as_str().unwrap());
        api.send(asked).json()
    };
    assert_eq!(theirs("/api/v1/users?count=true")["total"], 1);
    assert_eq!(theirs("/api/v1/sessions?count=true")["total"], 1);
    let page = theirs("/api/v1/tokens?count=true&limit=2");
    assert_eq!((&page["total"], items(&page).len()), (&json!(3), 2), "{page}");
    let rest = theirs(&format!("/api/v1/tokens?cursor={}", page["next_cursor"].as_str().unwrap()));
    assert_eq!((items(&rest).len(), rest.get("next_cursor")), (1, None), "{rest}");
}
