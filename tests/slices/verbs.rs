//! `signal`, `reset`, `scale`, `reload`, `why`, and `start` of what has a definition already.

use serde_json::json;

use crate::support::home::wait_until_gone;
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// Counts the signals that it gets; ends with 3 at its start when there is a file `bad`.
const COUNTER: &str = "#!/bin/bash\ntrap 'echo got usr1' USR1\ntest -e bad && echo no config && exit 3\n\
                       echo up $LEVEL\nwhile :; do sleep 0.02; done\n";

fn counter(home: &Home) -> String {
    home.file("counter.sh", COUNTER)
}

#[test]
fn a13_signal_reaches_the_main_process_by_name_or_number() {
    let home = Home::new();
    home.ok(&["start", &counter(&home), "--name", "web"]);
    home.wait_for_line("web", "up");
    let pid = home.pid("web");
    assert_eq!(home.ok(&["signal", "USR1", "web"]), format!("Sent SIGUSR1 to web (id 0, pid {pid}).\n"));
    // Two of the same that wait are one.
    let came = |times: usize| {
        wait_until("the signal", SOON, || {
            home.ok(&["logs", "web", "--raw"]).matches("got usr1").count() == times
        });
    };
    came(1);
    for (signal, times) in [("sigusr1", 2), ("10", 3)] {
        home.ok(&["sendSignal", signal, "0"]);
        came(times);
    }
    assert_eq!(home.pid("web"), pid);
    home.run(&["signal", "NOPE", "web"]).refused(1, &["\"NOPE\" is not a signal", "USR1"]);
    home.run(&["signal", "HUP", "wbe"]).refused(1, &["did you mean web?"]);
    home.ok(&["stop", "web"]);
    home.run(&["signal", "USR1", "web"]).refused(1, &["web (id 0) is stopped", "no signal"]);
    let api = home.api();
    let answer = api.post("/api/v1/apps/web/signal", &json!({ "signal": "USR1" }));
    answer.is_problem(409, "not_running");
    let answer = api.post("/api/v1/apps/web/signal", &json!({ "signal": "99" }));
    answer.is_problem(422, "invalid_value");
}

#[test]
fn j25_reset_zeroes_the_counters_also_for_the_next_daemon() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["restart", "web"]);
    let pid = home.pid("web");
    assert_eq!(home.ok(&["reset", "web"]), "Set the counters of web (id 0) to zero.\n");
    assert_eq!(home.ok(&["reset", "all"]), "The counters of web (id 0) are zero already.\n");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    let web = home.process("web");
    assert_eq!((web["restarts"].as_i64(), web["pid"].as_i64()), (Some(0), Some(pid)), "{web}");
}

#[test]
fn j10_scale_adds_the_lowest_numbers_and_takes_the_highest() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let first = home.process("web");
    home.ok(&["scale", "web", "3"]);
    let names =
        || home.processes().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(), ["web", "web-1", "web-2"]);
    assert_eq!(
        (&home.process("web")["pid"], &home.process("web")["out_log"]),
        (&first["pid"], &first["out_log"])
    );
    home.ok(&["delete", "web-1"]);
    home.ok(&["scale", "web", "+1"]);
    assert_eq!(names(), ["web", "web-2", "web-1"], "by id; 1 was free");
    assert_eq!(home.ok(&["scale", "web", "3"]), "web has 3 processes already.\n");
    let out = home.ok(&["scale", "web", "-2"]);
    assert!(out.contains("Deleted web-2") && out.contains("web has 1 process."), "{out}");
    assert_eq!((names(), home.living_as("loop.sh").len()), (vec!["web".to_owned()], 1));
    assert_eq!(home.pid("web"), first["pid"].as_i64().unwrap());
    home.run(&["scale", "web", "-1"]).refused(1, &["web cannot have 0 processes", "1 to 1000"]);
    assert_eq!(home.run(&["scale", "web", "0"]).code, 2);
    home.run(&["scale", "wbe", "2"]).refused(1, &["did you mean web?"]);
    let api = home.api();
    let scale = |order| api.send(api.request("PUT", "/api/v1/apps/web/scale").json(&order));
    scale(json!({"instances": 2, "delta": 1})).is_problem(422, "invalid_value");
    let too_few = scale(json!({"delta": -9})).is_problem(422, "invalid_value");
    assert_eq!(too_few["errors"][0]["pointer"], "/delta", "{too_few}");
}

#[test]
fn a1b_start_of_a_name_that_is_there_changes_its_definition() {
    let home = Home::new();
    let script = counter(&home);
    home.ok(&["start", &script, "--name", "web"]);
    let pid = home.pid("web");
    let online = home.run(&["start", &script, "--name", "web", "--env", "LEVEL=2"]);
    online.refused(1, &["web (id 0) is running already", "restart", "--force"]);
    assert_eq!(home.pid("web"), pid);
    home.ok(&["start", &script, "--name", "web", "--env", "LEVEL=2", "--force"]);
    home.wait_for_line("web", "up 2");
    assert!(!proc::lives(pid));
    home.ok(&["stop", "web"]);
    home.ok(&["start", &script, "--name", "web", "--env", "LEVEL=3"]);
    home.wait_for_line("web", "up 3");
    assert_eq!(home.process("web")["id"], 0, "the same id");
    assert_eq!(home.processes().len(), 1);
}

#[test]
fn r9_an_update_whose_program_cannot_be_executed_leaves_the_old_definition() {
    let home = Home::new();
    home.ok(&["start", &counter(&home), "--name", "web"]);
    let bad = home.file("bad.sh", "#!/nonexistent/interpreter\n");
    std::fs::set_permissions(&bad, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refused = home.run(&["start", &bad, "--name", "web", "--force"]);
    refused.refused(1, &["/nonexistent/interpreter", "the old definition is back"]);
    wait_until("the old program", SOON, || home.process("web")["status"] == "online");
    let info = home.json(&["info", "web", "--json"]);
    assert!(info["script"].as_str().unwrap().ends_with("counter.sh"), "{info}");
}

#[test]
fn a4_reload_restarts_one_after_the_other() {
    let home = Home::new();
    home.ok(&["start", &counter(&home), "--name", "web", "-i", "3"]);
    let before: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.err.contains("Paused"), "a new run began beside each old one: {ran:?}");
    for process in home.processes() {
        assert!(!before.contains(&process["pid"]) && process["restarts"] == 1, "{process}");
    }
    // One process's new run has started before the next one has its turn.
    let all = home.api().get("/api/v1/events?limit=1000");
    let order: Vec<&str> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .skip_while(|e| e["type"] != "process.reloading")
        .filter(|e| e["type"] == "process.reloading" || e["type"] == "process.started")
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["process.reloading", "process.started"].repeat(3), "{all}");
}

#[test]
fn k5_a_new_run_that_dies_ends_the_reload_with_reason_and_log() {
    let home = Home::new();
    home.ok(&["start", &counter(&home), "--name", "web", "-i", "3"]);
    home.wait_for_line("web-2", "up");
    let before: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    let bad = home.file("bad", "");
    let ran = home.run(&["reload", "web"]);
    std::fs::remove_file(bad).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    for words in ["the reload ended at web-0", "exit code 3", "not reloaded: web-1, web-2", "  no config"] {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    let after: Vec<_> = home.processes().iter().map(|p| p["pid"].clone()).collect();
    assert_eq!(after, before, "every old run goes on");
    wait_until("the end of the new run", SOON, || home.living_as("counter.sh").len() == 3);
    home.ok(&["stop", "web"]);
    home.run(&["reload", "web"]).refused(1, &["web is stopped", "pmdaemon start web"]);
}

#[test]
fn a_restart_of_what_is_gone_is_refused_and_the_run_goes_on() {
    let home = Home::new();
    let itself = home.file("itself.sh", "#!/bin/sh\nsleep 1000\n");
    std::fs::set_permissions(&itself, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let by_bash = home.file("by-bash.sh", "sleep 1000\n");
    for (name, script) in [("itself", &itself), ("by-bash", &by_bash)] {
        home.ok(&["start", script, "--name", name]);
        let pid = home.pid(name);
        std::fs::remove_file(script).unwrap();
        let gone = format!("the script {script} does not exist");
        home.run(&["restart", name]).refused(1, &[&gone, "it is left as it is"]);
        assert_eq!(home.pid(name), pid, "the run goes on");
    }
}

#[test]
fn a4_a_reload_never_leaves_a_process_without_a_run() {
    let home = Home::new();
    home.ok(&["start", &counter(&home), "--name", "web"]);
    let old = home.pid("web");
    let mut reload = home.command(&["reload", "web"]).spawn().unwrap();
    // Its number changes when the new run has proven itself; until then the old one is there.
    wait_until("the new run to take over", SOON, || {
        let lived = proc::lives(old);
        let now = home.pid("web");
        assert!(lived || now != old, "{old} ended before another took over");
        now != old
    });
    assert!(reload.wait().unwrap().success());
    wait_until_gone(&[old]);
    assert_eq!(home.process("web")["restarts"], 1);
    // A daemon that dies in the middle of it: the old run stays, the one on trial goes.
    let old = home.pid("web");
    let mut reload = home.command(&["reload", "web"]).spawn().unwrap();
    wait_until("two runs", SOON, || home.living_as("counter.sh").len() == 2);
    proc::kill_hard(home.keeper_and_daemon().1);
    wait_until("one run", SOON, || home.living_as("counter.sh").len() == 1);
    let _ = reload.wait();
    assert_eq!(home.pid("web"), old);
}

#[test]
fn a4_what_listens_by_itself_pauses_and_the_reload_says_so() {
    let home = Home::new();
    let script = home.file(
        "web.py",
        "import http.server\nhttp.server.HTTPServer(('127.0.0.1', 0), \
        http.server.SimpleHTTPRequestHandler).serve_forever()\n",
    );
    home.ok(&["start", &script, "--name", "web"]);
    let listens = || {
        let ports = home.api().get("/api/v1/ports");
        let listeners =
            ports["items"].as_array().unwrap().iter().flat_map(|port| port["listeners"].as_array().unwrap());
        listeners.into_iter().any(|listener| listener["id"] == 0)
    };
    wait_until("it listens", SOON, listens);
    let ran = home.run(&["reload", "web"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("Paused while they were reloaded: web."), "{ran:?}");
}

#[test]
fn k9_why_tells_the_last_end_and_what_came_of_it() {
    let home = Home::new();
    let script = home.file("job.sh", "#!/bin/bash\nfor i in $(seq 30); do echo line $i; done\nexit 7\n");
    home.ok(&["start", &script, "--name", "job", "--no-autostart", "--no-autorestart"]);
    assert!(home.ok(&["why", "job"]).contains("it was never started"));
    home.run(&["start", "job", "--json"]);
    wait_until("the end", SOON, || home.process("job")["status"] == "errored");
    let why = home.ok(&["why", "job"]);
    for words in ["job exited with code 7 after", "nobody asked for it", "20 lines before the end", "line 30"]
    {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert!(why.contains("next attempt  none: it was given up"), "{why}");
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["restart", "web"]);
    let why = home.ok(&["why", "web"]);
    for words in ["web was asked to end, to be restarted", "web started with pid", "not needed: it is up"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    let json = home.json(&["why", "web", "--json"]);
    assert_eq!(json[0]["end"]["type"], "process.exited", "{json}");
}
