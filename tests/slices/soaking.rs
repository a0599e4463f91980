//! How many a reload replaces at a time, how long a new run has to prove itself, and what a balancer
//! lives through meanwhile (acceptance rows A4, A10, K5, K6).

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::balance::{balancer, start};
use super::shared_port::{self, Load, NODE, ask, free_port, pids};
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Answers, and ends by itself 1.5 s after it has begun.
const SHORT_LIVED: &str = r#"
const http = require('http');
http.createServer((request, response) => response.end(String(process.pid))).listen(process.env.PORT);
setTimeout(() => { console.error('the licence has run out'); process.exit(9); }, 1500);"#;

fn events(home: &Home) -> Vec<String> {
    let all = home.json(&["events", "web", "--json"]);
    all.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn k5_a_version_that_fails_within_its_soak_time_is_taken_back_and_one_that_stays_is_not() {
    let home = Home::new();
    let front = start(&home, NODE, 2, &["--soak", "4s", "--max-surge", "50%"]);
    let info = home.ok(&["info", "web"]);
    assert!(info.contains("50% more at a time, 0 fewer, each well for 4s"), "{info}");
    let rolling = home.json(&["info", "web", "--json"])["rolling"].clone();
    let expected = serde_json::json!({"soak_ms": 4000, "max_surge": "50%", "max_unavailable": "0"});
    assert_eq!(rolling, expected);
    let before = pids(&home);
    let load = Load::three_kinds(front, 3);
    home.file("app.js", SHORT_LIVED);
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in
        ["the reload ended at web-0", "exit code 9", "not reloaded: web-1", "the licence has run out"]
    {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    load.more(30);
    assert_eq!(pids(&home), before, "the old ones go on");
    assert!(events(&home).contains(&"process.reload_failed".to_owned()));
    load.end().is_clean();
    // As asked for with the command, which is shorter than it lives.
    let old = home.pid("web-0");
    home.ok(&["reload", "web-0", "--soak", "100ms"]);
    wait_until("the old one is gone", SOON, || !proc::lives(old));
}

#[test]
fn what_could_replace_nothing_is_refused_in_one_sentence() {
    let home = Home::new();
    let script = home.file("app.js", NODE);
    let start = |more: &[&str]| home.run(&[&["start", &script, "--name", "web"], more].concat());
    start(&["--max-surge", "0"]).refused(1, &["nothing can be replaced", "max_unavailable"]);
    start(&["--max-surge", "many"]).refused(1, &["many", "0% to 100%"]);
    start(&["--max-unavailable", "101%"]).refused(1, &["101%", "0% to 100%"]);
    home.ok(&["start", &script, "--name", "web", "--port", &free_port().to_string()]);
    let ran = home.run(&["reload", "web", "--soak", "soon"]);
    assert!(ran.code == 2 && ran.err.contains("\"soon\" is not a time span"), "{ran:?}");
    home.run(&["reload", "web", "--soak", "25h"]).refused(1, &["1d is the most"]);
}

#[test]
fn a4_as_many_are_replaced_at_a_time_as_the_app_says() {
    let home = Home::new();
    let port = free_port();
    let more = ["--max-surge", "3", "--env", "DELAY=20"];
    shared_port::start(&home, &home.file("app.js", NODE), "web", 3, port, &more);
    let load = Load::three_kinds(port, 3);
    let before = pids(&home);
    home.ok(&["reload", "web"]);
    load.more(30);
    assert!(pids(&home).is_disjoint(&before) && pids(&home).len() == 3);
    let told = events(&home);
    let turns = told.iter().skip_while(|kind| *kind != "process.reloading");
    let first: Vec<&String> = turns.take(3).collect();
    assert_eq!(first, ["process.reloading"; 3], "all have their turn at once: {told:?}");
    load.end().is_clean();
}

#[test]
fn a4_no_fewer_are_ready_than_may_be_while_processes_pause() {
    let home = Home::new();
    let port = free_port();
    let more = ["--max-surge", "0", "--max-unavailable", "2"];
    shared_port::start(&home, &home.file("app.js", NODE), "web", 3, port, &more);
    let load = Load::three_kinds(port, 3);
    let before = pids(&home);
    let mut reload = home.command(&["reload", "web"]).spawn().unwrap();
    let mut fewest = 3;
    let ended = wait_for("the end of the reload", SOON, || {
        let online = home.processes().iter().filter(|process| process["status"] == "online").count();
        fewest = fewest.min(online);
        reload.try_wait().unwrap()
    });
    assert!(ended.success());
    assert!(fewest >= 1, "{fewest} of 3 were ready");
    assert!(pids(&home).is_disjoint(&before) && pids(&home).len() == 3);
    load.more(30);
    load.end().is_clean();
}

/// Listens on the port that it was given; once, only after somebody has taken that.
const LATE: &str = r#"
const fs = require('fs'), http = require('http');
const listen = () => http.createServer((request, response) => response.end(String(process.pid)))
  .on('error', error => { console.error(error.code); process.exit(1); })
  .listen(process.env.PORT);
const is = name => fs.existsSync(`${__dirname}/${name}`);
if (!is('race') || is('taken')) {
  listen();
} else {
  fs.writeFileSync(`${__dirname}/chosen.new`, process.env.PORT);
  fs.renameSync(`${__dirname}/chosen.new`, `${__dirname}/chosen`);
  const timer = setInterval(() => {
    if (is('taken')) {
      clearInterval(timer);
      listen();
    }
  }, 5);
}"#;

#[test]
fn a_port_that_another_program_takes_before_the_new_run_listens_is_not_the_end_of_a_reload() {
    let home = Home::new();
    let front = start(&home, LATE, 1, &[]);
    let before = pids(&home);
    let race = home.file("race", "");
    let place = std::path::Path::new(&race).parent().unwrap().to_owned();
    let mut reload = home.command(&["reload", "web"]).spawn().unwrap();
    let port: u16 = wait_for("the port that was chosen", SOON, || {
        std::fs::read_to_string(place.join("chosen")).ok()?.trim().parse().ok()
    });
    let thief = TcpListener::bind(("0.0.0.0", port)).unwrap();
    home.file("taken", "");
    let ended = wait_for("the end of the reload", SOON, || reload.try_wait().unwrap());
    assert!(ended.success(), "{}", home.ok(&["events", "web"]));
    let now = home.process("web");
    assert_ne!(now["ports"][0], Value::from(port), "it stands on another port: {now}");
    assert!(pids(&home).is_disjoint(&before));
    let told = home.ok(&["events", "web"]);
    assert!(told.contains("exited with code 1 "), "one run has lost its port: {told}");
    drop(thief);
    assert_eq!(BTreeSet::from([ask(front).unwrap()]), pids(&home));
}

#[test]
fn an_operation_tells_of_each_process_how_far_its_replacement_is() {
    let home = Home::new();
    let front = start(&home, NODE, 2, &["--env", "DELAY=1500", "--soak", "500ms"]);
    // Each has something to answer all the time.
    let load = Load::three_kinds(front, 2);
    let api = home.api();
    let begun = api.post("/api/v1/apps/web/reload", &serde_json::json!({}));
    assert_eq!(begun.status, 202, "{begun:?}");
    let place = begun.header("location").to_owned();
    let mut seen: Vec<BTreeSet<String>> = vec![BTreeSet::new(); 2];
    let over = wait_for("the end of the operation", SOON, || {
        let now = api.get(&place);
        for (steps, item) in seen.iter_mut().zip(now["items"].as_array().unwrap()) {
            steps.insert(item["state"].as_str().unwrap().to_owned());
        }
        (now["state"] != "running").then_some(now)
    });
    assert_eq!(over["state"], "done", "{over}");
    let steps = ["starting", "ready", "draining", "done"].map(str::to_owned);
    for process in &seen {
        assert!(steps.iter().all(|step| process.contains(step)), "{seen:?}");
    }
    load.end().is_clean();
}

#[test]
fn who_is_removed_by_scale_answers_what_it_has_first() {
    let home = Home::new();
    let front = start(&home, NODE, 3, &["--env", "DELAY=300"]);
    let load = Load::three_kinds(front, 4);
    load.more(20);
    home.ok(&["scale", "web", "1"]);
    load.more(20);
    let left = pids(&home);
    assert_eq!(left.len(), 1);
    home.ok(&["scale", "web", "3"]);
    load.more(20);
    load.end().is_clean();
}

/// With `PMDAEMON_STRICT=1` on a machine of one's own; a loaded one gets more time.
fn within() -> Duration {
    match std::env::var_os("PMDAEMON_STRICT") {
        Some(_) => Duration::from_millis(100),
        None => Duration::from_secs(1),
    }
}

#[test]
fn a_balancer_that_is_killed_under_load_is_back_at_once_and_nobody_is_refused() {
    let home = Home::new();
    let front = start(&home, NODE, 3, &["--env", "DELAY=10"]);
    let load = Load::three_kinds(front, 4);
    let mut fastest = Duration::MAX;
    for _ in 0..4 {
        load.more(20);
        let pid = balancer(&home)["pid"].as_i64().unwrap();
        let killed = Instant::now();
        proc::kill_hard(pid);
        ask(front).unwrap();
        let back = killed.elapsed();
        println!("answered {back:?} after the balancer was killed");
        fastest = fastest.min(back);
        wait_until("another one", SOON, || balancer(&home)["pid"].as_i64().is_some_and(|now| now != pid));
    }
    assert!(fastest <= within(), "the fastest of four took {fastest:?}");
    let seen = load.end();
    assert_eq!(seen.refused, 0, "{seen:?}");
}

#[test]
fn a_reload_to_another_port_leaves_the_old_one_answered_until_the_new_one_is() {
    let home = Home::new();
    let (old, new) = (free_port(), free_port());
    let script = home.file("app.js", NODE);
    home.ok(&[
        "start",
        &script,
        "--name",
        "web",
        "--port",
        &old.to_string(),
        "--ready",
        "port",
        "--wait-ready",
    ]);
    let (first, answers) = (home.pid("web"), Load::begin(old, 1, 1));
    let mut reload = home.command(&["reload", "web", "--port", &new.to_string()]).spawn().unwrap();
    wait_until("the new one answers", SOON, || ask(new).is_ok_and(|pid| pid != first));
    answers.end().is_clean();
    let ended = wait_for("the end of the reload", SOON, || reload.try_wait().unwrap());
    assert!(ended.success());
    let now = home.process("web");
    assert_eq!((&now["ports"][0], ask(new).unwrap()), (&Value::from(new), home.pid("web")), "{now}");
    wait_until("the old one is gone", SOON, || ask(old).is_err());
    // Without a port it returns to the definition.
    home.ok(&["restart", "web", "--wait-ready"]);
    assert_eq!(ask(old).unwrap(), home.pid("web"));
    home.run(&["reload", "web", "--port", "many"]).refused(1, &["many"]);
    home.run(&["reload", "all", "--port", "3000"]).refused(1, &["one app at a time"]);
}

/// Answers with its pid; sick while there is a file that says so of its number.
const SICKLY: &str = r#"
const fs = require('fs'), http = require('http');
http.createServer((request, response) => {
  const sick = fs.existsSync(`${__dirname}/sick-${process.env.NODE_APP_INSTANCE}`);
  response.statusCode = request.url === '/health' && sick ? 503 : 200;
  response.end(String(process.pid));
}).listen(process.env.PORT);"#;

#[test]
fn who_turns_unhealthy_gets_nothing_until_it_is_well_again() {
    let home = Home::new();
    let check = ["--health-check-url", "http://localhost:{port}/health", "--health-check-interval", "100ms"];
    let more = [&check[..], &["--health-check-retries", "2"]].concat();
    let front = start(&home, SICKLY, 2, &more);
    let in_service = || -> Vec<i64> {
        let state = balancer(&home);
        let all = state["backends"].as_array().cloned().unwrap_or_default();
        let serving = all.iter().filter(|backend| backend["draining"] == false);
        serving.map(|backend| backend["instance"].as_i64().unwrap()).collect()
    };
    let load = Load::three_kinds(front, 2);
    load.more(20);
    let sick = home.file("sick-1", "");
    wait_until("it is out of service", SOON, || in_service() == [0]);
    let healthy = home.pid("web-0");
    for _ in 0..20 {
        assert_eq!(ask(front).unwrap(), healthy);
    }
    std::fs::remove_file(sick).unwrap();
    wait_until("it is back", SOON, || in_service() == [0, 1]);
    load.more(20);
    load.end().is_clean();
}

#[test]
fn a_file_says_how_an_app_is_reloaded_and_what_it_says_is_kept() {
    let home = Home::new();
    let script = home.file("app.js", NODE);
    let app = serde_json::json!({
        "name": "web", "script": script, "autostart": false, "instances": 4, "soak": "3s", "max_surge": "50%",
        "maxUnavailable": 1, "balance": {"port": free_port(), "slow_start": "20s"},
    });
    let file = home.file("apps.json", &serde_json::json!({"apps": [app]}).to_string());
    home.ok(&["start", &file]);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    let shown = home.json(&["info", "web", "--json"]);
    let rolling = serde_json::json!({"soak_ms": 3000, "max_surge": "50%", "max_unavailable": "1"});
    assert_eq!((&shown["rolling"], &shown["balance"]["slow_start_ms"]), (&rolling, &Value::from(20_000)));
    let changes = home.ok(&["plan", &file]);
    assert!(!changes.contains("rolling"), "{changes}");
}
