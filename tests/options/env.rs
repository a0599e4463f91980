//! Where variables come from: the caller, files, `--env`, and us (rows J15 and K17).

use crate::support::home::ran;
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// Tells four variables, and stays.
const TELLS: &str = "echo \"A=$A B=$B C=$C PORT=$PORT.\"\nexec sleep 1000\n";

#[test]
fn j15_files_win_over_the_caller_and_declared_variables_over_files() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    home.file("one.env", "A=file\nB=file\nC=file\nPORT=1\n");
    home.file("two.env", "B=second\n");
    let mut start = home.command(&["start", &script, "--name", "web", "--env-file", "one.env"]);
    start.args(["--env-file", "two.env", "--env", "C=declared", "--port", "auto:21000-21999", "--cwd", "/"]);
    let ran = ran(start.env("A", "caller").env("B", "caller").env("C", "caller"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let port = home.process("web")["ports"][0].clone();
    home.wait_for_line("web", &format!("A=file B=second C=declared PORT={port}."));
}

#[test]
fn k17_an_env_file_is_read_at_each_start_and_its_values_are_kept_and_shown_nowhere() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    let file = home.file(".env", "A=canary1\n");
    home.ok(&["start", &script, "--name", "web", "--env-file", ".env"]);
    home.wait_for_line("web", "A=canary1 B=");
    home.file(".env", "A=canary2\nB=new\n");
    // By a restart, by a crash, and by the next daemon.
    home.ok(&["restart", "web"]);
    home.wait_for_line("web", "A=canary2 B=new");
    home.file(".env", "A=canary3\n");
    proc::kill_hard(home.pid("web"));
    home.wait_for_line("web", "A=canary3 B=");
    home.file(".env", "A=canary4\n");
    proc::kill_hard(home.keeper_and_daemon().1);
    wait_until("the next daemon restarts it", SOON, || home.run(&["restart", "web"]).code == 0);
    home.wait_for_line("web", "A=canary4 B=");
    let info = home.ok(&["info", "web"]);
    assert!(info.lines().any(|line| line == format!("env files      {file}")), "{info}");
    let shown = [info, home.ok(&["info", "web", "--json"]), home.ok(&["events"]), home.daemon_log()];
    let pm2 = home.api().get("/api/processes").to_string();
    for text in shown.iter().chain([&pm2]) {
        assert!(!text.contains("canary"), "{text}");
    }
    for kept in ["store.db", "store.db-wal"] {
        let bytes = std::fs::read(home.path().join(kept)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{kept}");
    }
}

#[test]
fn k17_a_file_that_is_missing_or_wrong_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    let check = |file: &str, words: &[&str]| {
        home.run(&["start", &script, "--env-file", file]).refused(1, words);
        assert_eq!(home.ok(&["list"]), "no processes\n");
    };
    let missing = home.work().join("missing.env").display().to_string();
    check("missing.env", &[&missing, "does not exist"]);
    home.file("bad.env", "A=1\nno secret of yours\n");
    check("bad.env", &["bad.env is wrong in line 2", "NAME=value"]);
    check("/", &["is not a file"]);
    let told = home.run(&["start", &script, "--env-file", "bad.env"]).err;
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn k17_a_file_that_went_missing_fails_that_start_with_the_sentence() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    let file = home.file(".env", "A=1\n");
    home.ok(&["start", &script, "--name", "web", "--env-file", ".env"]);
    home.wait_for_line("web", "A=1 B=");
    std::fs::remove_file(&file).unwrap();
    // What runs is not stopped for a start that must fail.
    let pid = home.pid("web");
    let sentence = ["web cannot be started", &file, "does not exist"];
    home.run(&["restart", "web"]).refused(1, &sentence);
    home.run(&["restart", "web", "--port", "auto:26000-26999"]).refused(1, &sentence);
    assert_eq!(home.run(&["restart", "all"]).code, 1);
    assert_eq!(home.pid("web"), pid);
    proc::kill_hard(pid);
    let process = wait_for("the next start fails", SOON, || {
        Some(home.process("web")).filter(|process| process["status"] == "errored")
    });
    assert!(process["reason"].as_str().unwrap().contains(&file), "{process}");
    home.run(&["start", "web"]).refused(1, &[&file]);
    home.file(".env", "A=again\n");
    home.ok(&["start", "web"]);
    home.wait_for_line("web", "A=again B=");
    home.ok(&["delete", "web"]);
    assert_eq!(home.living_as("sleep 1000"), [0i64; 0]);
}

#[test]
fn k17_the_compatible_route_takes_one_file_or_several() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    let (one, two) = (home.file("with space.env", "A=one\n"), home.file("two.env", "B=two\n"));
    let api = home.api();
    for (name, files, told) in [
        ("single", serde_json::json!(one), "A=one B= "),
        ("several", serde_json::json!([one, two]), "A=one B=two "),
    ] {
        let app = serde_json::json!({"script": script, "name": name, "env_file": files});
        assert_eq!(api.post("/api/processes", &app).status, 201);
        home.wait_for_line(name, told);
    }
    let app =
        serde_json::json!({"script": script, "name": "none", "env_file": "missing.env", "cwd": home.work()});
    let problem = api.post("/api/processes", &app).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/env_file", "{problem}");
}

#[test]
fn j15_a_health_check_by_a_script_has_the_variables_of_the_files() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    home.file(".env", "A=healthy\n");
    let check = home.file("check.sh", "test \"$A\" = healthy\n");
    home.ok(&["start", &script, "--env-file", ".env", "--health-check-script", &check, "--wait-ready"]);
    assert_eq!(home.process("tell")["health"], "healthy");
}

#[test]
fn j15_filtered_variables_are_not_inherited() {
    let home = Home::new();
    let script = home.file("tell.sh", "echo \"[$AWS_KEY$MY_TOKEN$KEEP]\"; exec sleep 1000\n");
    let mut start = home.command(&["start", &script, "--name", "web", "--filter-env", "AWS_,TOKEN"]);
    let ran = ran(start.env("AWS_KEY", "a").env("MY_TOKEN", "b").env("KEEP", "kept"));
    assert_eq!(ran.code, 0, "{ran:?}");
    home.wait_for_line("web", "[kept]");
    assert!(home.ok(&["info", "web"]).contains("AWS_ TOKEN"));
    assert_eq!(home.run(&["start", &script, "--filter-env", ""]).code, 2);
}

#[test]
fn j15_restart_keeps_the_callers_variables_and_update_env_rebuilds_them_from_zero() {
    let home = Home::new();
    let script = home.file("tell.sh", TELLS);
    let with = |args: &[&str], a: Option<&str>, b: Option<&str>| {
        let mut command = home.command(args);
        for (name, value) in [("A", a), ("B", b)].into_iter().filter_map(|(n, v)| Some((n, v?))) {
            command.env(name, value);
        }
        let ran = ran(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    let count = |line: &str| home.ok(&["logs", "web", "--raw"]).matches(line).count();
    with(&["start", &script, "--name", "web", "--env", "C=declared"], Some("1"), Some("1"));
    home.wait_for_line("web", "A=1 B=1 C=declared");
    with(&["restart", "web"], Some("2"), None);
    wait_until("the same variables again", SOON, || count("A=1 B=1 C=declared") == 2);
    with(&["restart", "web", "--update-env"], Some("2"), None);
    home.wait_for_line("web", "A=2 B= C=declared");
    with(&["restart", "web"], None, Some("3"));
    wait_until("it stays so", SOON, || count("A=2 B= C=declared") == 2);
    with(&["reload", "web", "-a"], None, Some("3"));
    home.wait_for_line("web", "A= B=3 C=declared");
    // An unknown name is refused, and the others are done.
    let ran = home.run(&["restart", "--update-env", "nobody", "web"]);
    assert!(ran.code == 1 && ran.err.contains("nobody") && ran.out.contains("Restarted web"), "{ran:?}");
}

#[test]
fn j15_who_may_operate_an_app_may_not_change_its_environment() {
    let home = Home::new();
    home.ok(&["list"]);
    let api = home.api();
    let body = serde_json::json!({"variables": {"LD_PRELOAD": "/tmp/evil.so"}});
    let put = |request: reqwest::RequestBuilder| api.send(request.json(&body));
    assert_eq!(put(api.bare("PUT", "/api/v1/apps/web/inherited-env")).status, 401);
    put(api.request("PUT", "/api/v1/apps/web/inherited-env")).is_problem(404, "app_not_found");
    home.ok(&["start", "sleep", "--name", "web", "--", "1000"]);
    let bad = serde_json::json!({"variables": {"A=B": "x"}});
    let answer = api.send(api.request("PUT", "/api/v1/apps/web/inherited-env").json(&bad));
    answer.is_problem(422, "invalid_value");
    assert_eq!(put(api.request("PUT", "/api/v1/apps/web/inherited-env")).status, 204);
}
