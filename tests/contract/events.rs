//! Events are listed and streamed without a gap, and a stream is taken up where it broke off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::support::{Api, Home, SOON, fixture};

/// Reads a stream until it has so many events: their ids, names and documents.
fn stream(api: &Api, query: &str, last: Option<&str>, number: usize) -> Vec<(String, String, Value)> {
    let request = api.request("GET", &format!("/api/v1/events{query}")).header("accept", "text/event-stream");
    let request = match last {
        Some(id) => request.header("last-event-id", id),
        None => request,
    };
    let read = async {
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut text = String::new();
        loop {
            let events = parsed(&text);
            if events.len() >= number {
                return events;
            }
            let chunk = answer.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    api.block_on(async { tokio::time::timeout(SOON, read).await.expect("the events come") })
}

fn parsed(text: &str) -> Vec<(String, String, Value)> {
    let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
    let blocks = whole.split("\n\n").filter(|block| block.contains("data:"));
    let member = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {block}")).trim().to_owned()
    };
    let event = |block| {
        let data = serde_json::from_str(&member(block, "data:")).unwrap();
        (member(block, "id:"), member(block, "event:"), data)
    };
    blocks.map(event).collect()
}

#[test]
fn a_stream_after_a_list_misses_nothing_and_goes_on_after_the_last_id() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "first"]);
    let api = home.api();
    let seq = api.get("/api/v1/events")["seq"].as_i64().unwrap();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["restart", "web"]);
    home.ok(&["stop", "web"]);
    let listed = api.get(&format!("/api/v1/events?after={seq}"))["items"].as_array().unwrap().clone();
    assert!(listed.len() >= 6, "{listed:?}");
    let all = stream(&api, &format!("?after={seq}"), None, listed.len());
    let documents: Vec<Value> = all.iter().map(|(_, _, data)| data.clone()).collect();
    assert_eq!(documents, listed);
    for (id, name, data) in &all {
        assert_eq!((id, name.as_str()), (&data["seq"].to_string(), data["type"].as_str().unwrap()));
    }
    let rest = stream(&api, "?after=0", Some(&all[2].0), listed.len() - 3);
    assert_eq!(rest, all[3..]);
    let exits = api.get("/api/v1/events?type=process.exited")["items"].as_array().unwrap().clone();
    assert!(!exits.is_empty() && exits.iter().all(|event| event["type"] == "process.exited"), "{exits:?}");
    for (accept, last) in [("text/event-stream", "x"), ("application/json", "x"), ("application/json", "")] {
        let request = api.request("GET", "/api/v1/events").header("accept", accept);
        api.send(request.header("last-event-id", last)).is_problem(400, "invalid_header");
    }
}

#[test]
fn a_stream_tells_what_happens_while_it_is_read() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let happens = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let (home, happens) = (&home, &happens);
        scope.spawn(move || {
            // Again and again, whenever the stream begins.
            let begun = Instant::now();
            while happens.load(Ordering::Relaxed) && begun.elapsed() < SOON * 2 {
                home.ok(&["signal", "WINCH", "web"]);
            }
        });
        let came = stream(&api, "?type=process.signalled", None, 2);
        happens.store(false, Ordering::Relaxed);
        assert!(
            came.iter().all(|(_, name, data)| name == "process.signalled" && data["name"] == "web"),
            "{came:?}"
        );
    });
}

#[test]
fn what_happens_after_a_list_of_apps_or_processes_comes_after_its_seq() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let token = home.ok(&["token", "create", "somebody", "--role", "viewer", "--namespace", "default"]);
    let api = home.api();
    let lists = || {
        let paths = ["/api/v1/apps", "/api/v1/processes", "/api/v1/processes?sort=name"];
        let by_all = paths.map(|path| api.get(path)["seq"].as_u64().unwrap());
        let by_some = paths.map(|path| {
            api.send(api.bare("GET", path).bearer_auth(token.trim())).json()["seq"].as_u64().unwrap()
        });
        assert_eq!(by_all, by_some);
        by_all
    };
    let after = |seq: u64| {
        let events = api.get(&format!("/api/v1/events?after={seq}"));
        let kinds = events["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned());
        kinds.collect::<Vec<_>>()
    };
    for seq in lists() {
        assert_eq!(after(seq), Vec::<String>::new(), "all that has happened is in the list");
    }
    let before = lists();
    home.ok(&["stop", "web"]);
    for seq in before {
        assert_eq!(after(seq)[..2], ["process.stop_asked", "process.exited"]);
    }
    // Also what changes no process.
    home.ok(&["start", "web"]);
    assert!(lists()[0] > before[0]);
}
