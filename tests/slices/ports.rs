//! `--port`: who gets which, who is refused, and what survives.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::support::{Home, SOON, fixture, proc, wait_for, wait_until};

/// The first of so many consecutive ports that are free. Tests run in processes of their own and
/// begin at different places, below the ports that the kernel gives out by itself.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let place = (std::process::id() % 600) as u16 * 20;
    wait_for("enough free ports in a row", SOON, || {
        let first = 21_000 + (place + NEXT.fetch_add(count, Ordering::Relaxed)) % 11_000;
        let all_free = (first..first + count).all(|port| TcpListener::bind(("0.0.0.0", port)).is_ok());
        all_free.then_some(first)
    })
}

pub fn ports(process: &Value) -> Vec<u64> {
    process["ports"].as_array().expect("ports").iter().filter_map(Value::as_u64).collect()
}

/// Names and ports of what is listed, by id.
fn listed(home: &Home) -> Vec<(String, Vec<u64>)> {
    let name = |process: &Value| process["name"].as_str().expect("a name").to_owned();
    home.processes().iter().map(|process| (name(process), ports(process))).collect()
}

pub fn port_of(home: &Home, name: &str) -> u64 {
    let process = home.process(name);
    match ports(&process).as_slice() {
        [port] => *port,
        _ => panic!("{name} has not one port: {process}"),
    }
}

#[test]
fn the_port_is_in_the_environment_and_in_every_view() {
    let home = Home::new();
    let port = free_ports(1);
    home.ok(&[
        "start",
        &fixture("server.py"),
        "--name",
        "web",
        "--port",
        &port.to_string(),
        "--env",
        "PORT=1",
    ]);
    assert_eq!(home.wait_for_line("web", "listening on"), format!("listening on {port}"));
    let web = home.process("web");
    assert_eq!((ports(&web), &web["port_overridden"]), (vec![u64::from(port)], &json!(false)), "{web}");
    assert!(home.ok(&["list"]).contains(&port.to_string()));
    assert!(
        home.ok(&["info", "web"])
            .lines()
            .any(|line| line.starts_with("port") && line.ends_with(&port.to_string()))
    );
    let row = &home.json(&["ports", "--json"])[0];
    assert_eq!((&row["port"], &row["reserved_by"][0]["name"]), (&json!(port), &json!("web")), "{row}");
    assert_eq!(row["listeners"][0]["id"], 0, "{row}");
    assert_eq!(row.get("conflict"), None, "{row}");
    assert_eq!(home.api().get("/api/processes")[0]["pm2_env"]["PORT"], port);
    home.ok(&["stop", "web"]);
    assert_eq!(ports(&home.process("web")), Vec::<u64>::new());
}

#[test]
fn instances_get_the_ports_of_a_range_in_order() {
    let home = Home::new();
    let first = free_ports(4);
    let range = format!("{first}-{}", first + 3);
    home.ok(&["start", &fixture("server.py"), "--name", "web", "-i", "3", "--port", &range]);
    for instance in 0..3 {
        let line = home.wait_for_line(&format!("web-{instance}"), "listening on");
        assert_eq!(line, format!("listening on {}", first + instance));
    }
    // What the range has beyond the instances is free.
    let last = (first + 3).to_string();
    home.ok(&["start", &fixture("server.py"), "--name", "api", "--port", &last]);
}

#[test]
fn a_conflict_names_the_owner_and_nothing_starts() {
    let home = Home::new();
    let first = free_ports(3);
    let script = fixture("loop.sh");
    let [one, two, three] = [first, first + 1, first + 2].map(|port| port.to_string());
    home.ok(&["start", &script, "--name", "api", "--port", &one]);
    let foreign = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let refused = |ports: &str, instances: &str, words: &[&str]| {
        let ran = home.run(&["start", &script, "--name", "web", "-i", instances, "--port", ports]);
        ran.refused(1, words);
        assert_eq!(home.processes().len(), 1, "{ran:?}");
    };
    refused(&one, "1", &[&format!("port {one} is used by api (id 0)")]);
    let pid = format!(", pid {})", std::process::id());
    let by_us = [format!("port {two} is used by another program ("), pid];
    refused(&two, "1", &[&by_us[0], &by_us[1]]);
    refused(&format!("{two}-{three}"), "2", &[&by_us[0], &by_us[1]]);
    refused(&format!("{two}-{three}"), "3", &["2 ports", "3 processes"]);
    refused(&format!("auto:{one}-{two}"), "1", &["auto:", "api (id 0)", &by_us[1]]);
    let api = home.api();
    let answer = api.post("/api/v1/apps", &json!({"script": script, "name": "web", "port": one}));
    answer.is_problem(409, "port_taken");
    let answer = api.post("/api/processes", &json!({"script": script, "name": "web", "port": first}));
    answer.is_problem(409, "port_taken");
    let answer = api.post("/api/processes", &json!({"script": script, "name": "web", "port": first + 2}));
    assert_eq!(answer.status, 201, "{answer:?}");
    drop(foreign);
}

#[test]
fn what_is_no_port_is_refused_with_the_three_forms() {
    let home = Home::new();
    let script = fixture("loop.sh");
    for bad in ["0", "70000", "3005-3000", "http", "", "auto:", "auto:1-5000", "-1"] {
        let forms = ["3000", "3000-3005", "auto:4000-4100"];
        home.run(&["start", &script, "--port", bad]).refused(1, &forms);
    }
    assert_eq!(home.processes().len(), 0);
}

#[test]
fn a_stopped_app_finds_out_when_it_starts_that_its_port_is_taken() {
    let home = Home::new();
    let port = free_ports(1).to_string();
    let script = fixture("loop.sh");
    home.ok(&["start", &script, "--name", "web", "--port", &port]);
    home.ok(&["stop", "web"]);
    home.ok(&["start", &script, "--name", "api", "--port", &port]);
    let conflict = home.json(&["ports", "--json"])[0]["conflict"].as_str().map(str::to_owned);
    let told = format!("port {port} is wanted by web (id 0) and api (id 1): only one of them can run");
    assert_eq!(conflict, Some(told));
    home.run(&["start", "web"]).refused(1, &[&format!("port {port} is used by api (id 1)")]);
    home.run(&["restart", "web"]).refused(1, &["is used by api (id 1)"]);
    assert_eq!(home.process("web")["status"], "stopped");
    home.ok(&["delete", "api"]);
    home.ok(&["start", "web"]);
}

#[test]
fn eight_at_once_get_eight_ports_and_the_ninth_none() {
    let home = Home::new();
    let first = free_ports(8);
    let range = format!("auto:{first}-{}", first + 7);
    let script = fixture("loop.sh");
    home.ok(&["list"]);
    let start =
        |n: u16| home.command(&["start", &script, "--name", &format!("w{n}"), "--port", &range]).spawn();
    let started: Vec<_> = (0..8).map(|n| start(n).unwrap()).collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let mut given: Vec<u64> = listed(&home).into_iter().flat_map(|(_, ports)| ports).collect();
    given.sort_unstable();
    assert_eq!(given, (first..first + 8).map(u64::from).collect::<Vec<_>>());
    home.run(&["start", &script, "--name", "w8", "--port", &range]).refused(1, &["no port of", "w0 (id"]);
}

#[test]
fn ports_are_kept_over_crashes_and_over_the_ends_of_daemon_and_keeper() {
    let home = Home::new();
    let first = free_ports(6);
    let range = format!("auto:{first}-{}", first + 5);
    home.ok(&["start", &fixture("loop.sh"), "--name", "gone", "--port", &range]);
    home.ok(&["start", &fixture("server.py"), "--name", "web", "-i", "2", "--port", &range]);
    home.ok(&["delete", "gone"]);
    let before: Vec<_> = listed(&home);
    assert_eq!(before[0], ("web-0".to_owned(), vec![u64::from(first) + 1]));
    let same = |what: &str| {
        wait_until(&format!("all online after {what}"), SOON, || {
            let all = home.processes();
            all.len() == 2 && all.iter().all(|process| process["status"] == "online")
        });
        assert_eq!(listed(&home), before, "after {what}");
        let next = home.run(&[
            "start",
            &fixture("loop.sh"),
            "--name",
            "next",
            "--port",
            &before[0].1[0].to_string(),
        ]);
        next.refused(1, &["is used by web-0"]);
    };
    let old = home.pid("web-0");
    proc::kill_hard(old);
    wait_until("a new run", SOON, || home.process("web-0")["pid"].as_i64().is_some_and(|pid| pid != old));
    same("a crash");
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    same("the end of the daemon");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    wait_until("a new keeper", SOON, || {
        home.json(&["status", "--json"])["daemon"]["keeper_pid"].as_i64().is_some_and(|pid| pid != keeper)
    });
    same("the end of the keeper");
    let (keeper, _) = home.keeper_and_daemon();
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    same("the end of both");
}

#[test]
fn a_port_that_another_program_took_parks_a_fixed_app_and_moves_an_auto_one() {
    let home = Home::new();
    let first = free_ports(3);
    let script = fixture("loop.sh");
    let auto = format!("auto:{}-{}", first + 1, first + 2);
    home.ok(&["start", &script, "--name", "fixed", "--port", &first.to_string()]);
    home.ok(&["start", &script, "--name", "auto", "--port", &auto]);
    // They never listen, so that somebody else can.
    let _foreign = [first, first + 1].map(|port| TcpListener::bind(("0.0.0.0", port)).unwrap());
    let conflict = home.ok(&["ports"]);
    assert!(
        conflict.contains(&format!("port {first} is for fixed (id 0) and is used by another program")),
        "{conflict}"
    );
    proc::kill_hard(home.pid("fixed"));
    wait_until("fixed is parked", SOON, || home.process("fixed")["status"] == "errored");
    let reason = home.process("fixed")["reason"].as_str().map(str::to_owned).unwrap_or_default();
    assert!(reason.starts_with(&format!("port {first} is used by another program (")), "{reason}");
    proc::kill_hard(home.pid("auto"));
    wait_until("auto has moved", SOON, || ports(&home.process("auto")) == [u64::from(first) + 2]);
    wait_until("auto runs", SOON, || home.process("auto")["status"] == "online");
    assert_eq!(home.process("auto")["restarts"], 1);
}

#[test]
fn a_restart_on_another_port_lasts_until_the_next_plain_one() {
    let home = Home::new();
    let first = free_ports(4);
    let [one, two, three] = [first, first + 1, first + 2].map(|port| port.to_string());
    home.ok(&["start", &fixture("server.py"), "--name", "web", "--port", &one]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "api", "--port", &three]);
    home.run(&["restart", "web", "--port", &three]).refused(1, &["is used by api (id 1)"]);
    home.run(&["restart", "web", "--port", "x"]).refused(1, &["auto:4000-4100"]);
    assert_eq!(home.process("web")["restarts"], 0, "a refused restart does not touch what runs");
    home.ok(&["restart", "web", "--port", &two]);
    let moved = || (port_of(&home, "web"), home.process("web")["port_overridden"].clone());
    assert_eq!(moved(), (u64::from(first) + 1, json!(true)));
    home.wait_for_line("web", &format!("listening on {two}"));
    assert!(home.ok(&["list"]).contains(&format!("{two} (this run)")));
    assert_eq!(home.json(&["info", "web", "--json"])["port"], json!(one), "the definition is as it was");
    let old = home.pid("web");
    proc::kill_hard(old);
    wait_until("web is back", SOON, || home.process("web")["pid"].as_i64().is_some_and(|pid| pid != old));
    assert_eq!(moved(), (u64::from(first) + 1, json!(true)), "a crash keeps it");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(moved(), (u64::from(first) + 1, json!(true)), "a new daemon keeps it");
    home.ok(&["restart", "web"]);
    assert_eq!(moved(), (u64::from(first), json!(false)));
    home.ok(&["restart", "web", "--port", &format!("auto:{three}-{}", first + 3)]);
    assert_eq!(port_of(&home, "web"), u64::from(first) + 3);
}

#[test]
fn a_range_for_one_run_is_spread_over_the_instances() {
    let home = Home::new();
    let first = free_ports(5);
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2"]);
    let range = format!("{first}-{}", first + 1);
    home.run(&["restart", "web", "--port", &first.to_string()]).refused(1, &["range such as"]);
    home.ok(&["restart", "web", "--port", &range]);
    let given: Vec<_> = listed(&home).into_iter().flat_map(|(_, ports)| ports).collect();
    assert_eq!(given, [u64::from(first), u64::from(first) + 1]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "api", "--port", &(first + 3).to_string()]);
    // One of the two is not to be had: neither is restarted.
    let range = format!("{}-{}", first + 2, first + 3);
    home.run(&["restart", "web", "--port", &range]).refused(1, &["is used by api (id 2)"]);
    assert_eq!(home.process("web-0")["restarts"], 1);
    home.ok(&["restart", "web"]);
    assert_eq!(listed(&home)[0].1, Vec::<u64>::new());
}
