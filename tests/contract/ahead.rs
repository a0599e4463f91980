//! A place among events that has not been yet is one of another history, and nobody waits for it.

use serde_json::json;

use crate::support::socket::{say, subscriber, wait};
use crate::support::{Home, fixture};

#[test]
fn a_place_behind_the_newest_event_is_refused_by_list_stream_and_socket() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let newest = || api.get("/api/v1/events?limit=1")["seq"].as_i64().unwrap();
    let ahead = newest() + 1_000;
    let list = |accept: &str, last: Option<i64>, query: &str| {
        let asked = api.request("GET", &format!("/api/v1/events{query}")).header("accept", accept);
        let asked = match last {
            Some(id) => asked.header("last-event-id", id.to_string()),
            None => asked,
        };
        api.send(asked)
    };
    let after = format!("?after={ahead}");
    for (accept, last, query) in [
        ("application/json", None, after.as_str()),
        ("text/event-stream", None, &after),
        ("text/event-stream", Some(ahead), ""),
    ] {
        let problem = list(accept, last, query).is_problem(410, "events_gone");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&ahead.to_string()) && detail.contains("another history"), "{detail}");
        assert_eq!(problem["oldest_seq"], 1, "{problem}");
    }
    // Right behind the newest there is nothing yet, which is no mistake.
    let none = api.get(&format!("/api/v1/events?after={}", newest()));
    assert_eq!(none["items"], json!([]), "{none}");
    // Over a socket as with what is not kept: from now on, and it is said.
    let mut socket = subscriber(&api, &api.token);
    say(&api, &mut socket, &json!({"op": "sub", "id": 1, "topic": "events", "after": ahead.to_string()}));
    let told = wait(&api, &mut socket, "that it is none", |m| m["t"] == "resync" && m["id"] == 1);
    assert!(told["seq"].as_i64().unwrap() < ahead && told["oldest_seq"] == 1, "{told}");
    home.ok(&["restart", "web"]);
    wait(&api, &mut socket, "what happens from now on", |m| {
        m["t"] == "ev" && m["items"].to_string().contains("process.exited")
    });
}

#[test]
fn the_seq_of_a_list_is_never_ahead_of_the_events() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    // What is told is on its way to the store for a moment: a client that lists then is no stranger.
    for _ in 0..20 {
        home.ok(&["signal", "WINCH", "web"]);
        let seq = api.get("/api/v1/processes")["seq"].as_i64().unwrap();
        let events = api.get(&format!("/api/v1/events?after={seq}"));
        assert!(events["items"].is_array(), "{events}");
    }
}
