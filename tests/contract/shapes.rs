//! Lists are looked through, ordered, made narrower and counted.

use serde_json::{Value, json};

use crate::support::{Api, Home, fixture};

fn some(home: &Home) -> Api {
    let script = fixture("loop.sh");
    home.ok(&["start", &script, "--name", "web", "-i", "2"]);
    for (name, namespace) in [("api", "shop"), ("db", "shop"), ("cache", "default")] {
        home.ok(&["start", &script, "--name", name, "--namespace", namespace]);
    }
    home.ok(&["restart", "db"]);
    home.ok(&["stop", "cache"]);
    home.api()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn lists_are_looked_through_and_ordered() {
    let home = Home::new();
    let api = some(&home);
    let check = |query: &str, apps: &[&str], processes: &[&str]| {
        assert_eq!(names(&api.get(&format!("/api/v1/apps?{query}"))), apps, "{query}");
        assert_eq!(names(&api.get(&format!("/api/v1/processes?{query}"))), processes, "{query}");
    };
    check("q=SHOP", &["api", "db"], &["api", "db"]);
    check("q=shop+!db", &["api"], &["api"]);
    check("q=!online", &["cache"], &["cache"]);
    check("q=web-1", &["web"], &["web-1"]);
    check("q=nothing-like-it", &[], &[]);
    check("q=%20&state=stopped", &["cache"], &["cache"]);
    check("sort=name", &["api", "cache", "db", "web"], &["api", "cache", "db", "web-0", "web-1"]);
    check("sort=-name", &["web", "db", "cache", "api"], &["web-1", "web-0", "db", "cache", "api"]);
    // Equal ones by id, whatever the direction.
    check("sort=-namespace", &["api", "db", "web", "cache"], &["api", "db", "web-0", "web-1", "cache"]);
    check("sort=-restarts", &["db", "web", "api", "cache"], &["db", "web-0", "web-1", "api", "cache"]);
    check("sort=-id&q=online", &["db", "api", "web"], &["db", "api", "web-1", "web-0"]);
    let processes = |query: &str| api.get(&format!("/api/v1/processes?{query}"));
    // Who does not run has no such value, and the longest uptime is that of who was first.
    for first in ["pid", "cpu", "memory", "uptime"] {
        assert_eq!(names(&processes(&format!("sort={first}")))[0], "cache", "{first}");
    }
    assert_eq!(names(&processes("sort=-uptime"))[0], "web-0");
    assert_eq!(names(&processes("sort=status"))[4], "cache");
    let one = api.get("/api/v1/apps?q=web-1");
    assert_eq!(one["items"][0]["processes"].as_array().unwrap().len(), 1, "only those that fit: {one}");
    for list in ["apps", "processes"] {
        let refused = api.send(api.request("GET", &format!("/api/v1/{list}?sort=size")));
        let detail = refused.is_problem(400, "invalid_query")["detail"].to_string();
        assert!(detail.contains("use one of id, name, namespace,"), "{detail}");
    }
}

#[test]
fn pages_in_an_order_are_the_whole_list_whatever_goes_meanwhile() {
    let home = Home::new();
    let api = some(&home);
    let (mut seen, mut on) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/processes?sort=-name&limit=2&count=true{on}"));
        assert_eq!(page["total"], if seen.is_empty() { 5 } else { 4 }, "{page}");
        if seen.is_empty() {
            // The cursor stands at the place of who is gone then.
            assert_eq!(names(&page), ["web-1", "web-0"]);
            home.ok(&["scale", "web", "1"]);
        }
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else { break };
        on = format!("&cursor={next}");
    }
    assert_eq!(seen, ["web-1", "web-0", "db", "cache", "api"]);
    let first = api.get("/api/v1/processes?sort=name&limit=1");
    let cursor = first["next_cursor"].as_str().unwrap();
    for other in ["", "sort=-name&", "sort=id&"] {
        let refused = api.send(api.request("GET", &format!("/api/v1/processes?{other}cursor={cursor}")));
        refused.is_problem(400, "invalid_cursor");
    }
    api.send(api.request("GET", &format!("/api/v1/apps?sort=name&cursor={cursor}")))
        .is_problem(400, "invalid_cursor");
}

#[test]
fn a_list_has_the_members_that_are_asked_for_and_says_how_many_there_are() {
    let home = Home::new();
    let api = some(&home);
    let whole = api.get("/api/v1/processes");
    let narrow = api.get("/api/v1/processes?fields=pid,status");
    for (whole, narrow) in whole["items"].as_array().unwrap().iter().zip(narrow["items"].as_array().unwrap())
    {
        for always in ["id", "name", "app", "namespace", "status", "restarts"] {
            assert_eq!(whole[always], narrow[always], "{narrow}");
        }
        assert_eq!(whole.get("pid"), narrow.get("pid"), "{narrow}");
        for other in ["tree", "memory_bytes", "started_at", "ports"] {
            assert!(narrow.get(other).is_none(), "{narrow}");
        }
    }
    assert!(whole.get("total").is_none() && narrow.get("total").is_none(), "nobody asked");
    let labels = api.get("/api/v1/apps?fields=labels&name=web");
    assert!(labels["items"][0].get("env_file").is_none(), "{labels}");
    for list in ["apps", "processes"] {
        let refused = api.send(api.request("GET", &format!("/api/v1/{list}?fields=name,size")));
        let detail = refused.is_problem(400, "invalid_query")["detail"].to_string();
        assert!(detail.contains("size") && detail.contains("namespace"), "{detail}");
    }
    let total = |path: &str| api.get(path)["total"].clone();
    assert_eq!(total("/api/v1/processes?count=true"), 5);
    assert_eq!(total("/api/v1/processes?count=true&q=web&limit=1"), 2);
    assert_eq!(total("/api/v1/apps?count=true"), 4);
    assert_eq!(total("/api/v1/apps?count=true&q=shop&limit=1"), 2);
    assert_eq!(total("/api/v1/apps?count=false"), Value::Null);
    let stopped = api.post("/api/v1/operations?wait=15s", &json!({"action": "stop", "names": ["api", "db"]}));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let all = api.get("/api/v1/operations?limit=1000&count=true");
    assert_eq!(all["total"], all["items"].as_array().unwrap().len(), "{all}");
    assert_eq!(total("/api/v1/operations?limit=1&count=true"), all["total"]);
    assert_eq!(total("/api/v1/operations?state=running&count=true"), 0);
    // What is kept, on whatever page; of one kind, of one process.
    let events = api.get("/api/v1/events?limit=1000&count=true");
    assert_eq!(events["total"], events["items"].as_array().unwrap().len(), "{events}");
    assert_eq!(total("/api/v1/events?limit=1&count=true"), events["total"]);
    let created = "/api/v1/events?type=process.created";
    let listed = api.get(&format!("{created}&limit=1000"))["items"].as_array().unwrap().len();
    assert_eq!(total(&format!("{created}&limit=2&count=true")), listed);
    let audit = api.get("/api/v1/audit?limit=1000&count=true");
    assert_eq!(audit["total"], audit["items"].as_array().unwrap().len(), "{audit}");
    assert_eq!(total("/api/v1/audit?limit=1&count=true"), audit["total"]);
    assert_eq!(total("/api/v1/audit?limit=1&since=0s&count=true"), 0);
    // Somebody for one namespace counts what they see.
    let token = home.ok(&["token", "create", "shop", "--role", "viewer", "--namespace", "shop"]);
    let of_shop =
        |path: &str| api.send(api.bare("GET", path).bearer_auth(token.trim())).json()["total"].clone();
    assert_eq!(of_shop("/api/v1/processes?count=true"), 2);
    assert_eq!(of_shop("/api/v1/apps?count=true&sort=name"), 2);
    let of_theirs = of_shop("/api/v1/events?count=true").as_i64().unwrap();
    assert!(of_theirs >= 2 && of_theirs < events["total"].as_i64().unwrap(), "{of_theirs} of {events}");
    let seen = of_shop("/api/v1/operations?count=true").as_i64().unwrap();
    assert!(seen >= 1 && seen < all["total"].as_i64().unwrap(), "{seen} of {all}");
}
