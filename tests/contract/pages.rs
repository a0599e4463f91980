//! Lists in pages.

use serde_json::Value;

use crate::support::{Api, Home, fixture};

/// The values of that member of all items, page by page.
fn paged(api: &Api, path: &str, limit: usize, member: &str) -> Vec<Value> {
    // What says where to begin is for the first page alone.
    let (path, begin) = path.split_once('?').unwrap_or((path, ""));
    let (mut all, mut on) = (Vec::new(), begin.to_owned());
    loop {
        let page = api.get(&format!("{path}?limit={limit}&{on}"));
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit && !items.is_empty(), "{page}");
        all.push(items.iter().map(|item| item[member].clone()).collect::<Vec<_>>());
        let Some(next) = page["next_cursor"].as_str() else { break };
        on = format!("cursor={next}");
    }
    assert!(all.len() > 1, "more than one page of {path}");
    all.concat()
}

#[test]
fn a_list_in_pages_is_the_whole_list() {
    let home = Home::new();
    for name in ["a", "b", "c", "d", "e"] {
        home.ok(&["start", &fixture("loop.sh"), "--name", name, "-i", "2"]);
    }
    let api = home.api();
    for (path, member) in [("/api/v1/apps", "name"), ("/api/v1/processes", "id")] {
        let whole = api.get(path);
        let whole: Vec<Value> =
            whole["items"].as_array().unwrap().iter().map(|item| item[member].clone()).collect();
        assert_eq!(paged(&api, path, 2, member), whole, "{path}");
        assert_eq!(paged(&api, path, whole.len() - 1, member), whole, "{path}");
    }
    // What comes meanwhile takes nothing away.
    let first = api.get("/api/v1/processes?limit=4");
    home.ok(&["delete", "a"]);
    let next =
        api.get(&format!("/api/v1/processes?limit=100&cursor={}", first["next_cursor"].as_str().unwrap()));
    let ids: Vec<i64> = next["items"].as_array().unwrap().iter().map(|p| p["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [4, 5, 6, 7, 8, 9]);
}

#[test]
fn events_and_audit_go_on_in_the_direction_of_their_first_page() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    for _ in 0..4 {
        home.ok(&["restart", "web"]);
    }
    let api = home.api();
    let newest = api.get("/api/v1/events?limit=1000")["seq"].as_i64().unwrap();
    let later: Vec<i64> =
        paged(&api, "/api/v1/events?after=0", 3, "seq").iter().map(|seq| seq.as_i64().unwrap()).collect();
    assert!(later[..newest as usize].iter().copied().eq(1..=newest), "{later:?}");
    // The newest first; each page in itself in order.
    let mut earlier: Vec<i64> =
        paged(&api, "/api/v1/events", 3, "seq").iter().map(|seq| seq.as_i64().unwrap()).collect();
    assert!(earlier[0] < earlier[2] && earlier[3] < earlier[0], "{earlier:?}");
    earlier.sort_unstable();
    assert!(earlier[..newest as usize].iter().copied().eq(1..=newest), "{earlier:?}");
    let records = api.get("/api/v1/audit?limit=1000")["items"].as_array().unwrap().len();
    assert_eq!(paged(&api, "/api/v1/audit", 2, "seq").len(), records);
    for (list, both) in [("events", "after=1"), ("audit", "before=9")] {
        let path = format!("/api/v1/{list}");
        let cursor = api.get(&format!("{path}?limit=1"))["next_cursor"].as_str().unwrap().to_owned();
        let refused = |query: &str| api.send(api.request("GET", &format!("{path}?{query}")));
        refused(&format!("cursor={cursor}&{both}")).is_problem(400, "conflicting_parameters");
        refused("cursor=garbage").is_problem(400, "invalid_cursor");
        refused("limit=0").is_problem(400, "invalid_query");
        let other = if list == "events" { "audit" } else { "events" };
        let of_another = api.send(api.request("GET", &format!("/api/v1/{other}?cursor={cursor}")));
        of_another.is_problem(400, "invalid_cursor");
    }
}

#[test]
fn the_form_tells_all_fields_that_are_wrong_at_once() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let checked = |said: &str| {
        let asked = api.request("POST", "/fragments/apps/check").header("Accept", "text/html");
        let asked = asked.header("Content-Type", "application/x-www-form-urlencoded");
        let answer = api.send(asked.body(said.to_owned()));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    };
    let all = checked("script=%2Fno%2Fsuch%2Ffile&name=7up&cwd=%2Fno%2Fsuch%2Fdir&port=x&user=nosuchuser");
    for words in ["/no/such/file", "7up", "/no/such/dir", "nosuchuser"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    for id in ["e-script", "e-name", "e-cwd", "e-port"] {
        let told = all.split(&format!("hx-target=\"#{id}\"")).nth(1).and_then(|rest| rest.split('>').nth(1));
        assert!(told.is_some_and(|told| !told.starts_with("</")), "{id}: {all}");
    }
    assert!(checked("script=sleep&name=web").contains("exists already"));
    assert!(!checked("script=sleep&name=other").contains("exists already"));
}
