//! Rows of the acceptance page that no other test shows.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::home::ran;
use crate::support::{Home, SOON, fixture, proc, wait_until};

#[test]
fn r7_a_default_name_is_made_to_fit_the_rule_with_a_notice() {
    let home = Home::new();
    home.file("9 lives!.sh", "exec sleep 1000\n");
    let ran = home.run(&["start", "9 lives!.sh"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("Started _9-lives- (id 0"), "{ran:?}");
    assert!(ran.err.contains("The app is named _9-lives-, because \"9 lives!\" is no name"), "{ran:?}");
    let quiet = home.run(&["start", &fixture("loop.sh")]);
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""), "{quiet:?}");
}

#[test]
fn d6_a_directory_that_is_missing_is_told_whatever_apps_there_are() {
    let home = Home::new();
    home.file("app.sh", "exec sleep 1000\n");
    for name in ["one", "two"] {
        home.ok(&["start", "app.sh", "--name", name]);
    }
    home.run(&["start", "app.sh", "--cwd", "/no/such/dir"]).refused(1, &["/no/such/dir", "does not exist"]);
    assert_eq!(home.processes().len(), 2);
}

#[test]
fn r10_sizes_and_times_that_are_none_are_refused_with_an_example() {
    let home = Home::new();
    let check = |args: &[&str], word: &str| {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(word), "{args:?}: {ran:?}");
    };
    for option in ["--kill-timeout", "--min-uptime", "--exp-backoff-restart-delay"] {
        for value in ["0", "-5s", "-5", "soon", ""] {
            check(&["start", "x", option, value], "5s");
        }
    }
    for value in ["-5s", "soon", ""] {
        check(&["start", "x", "--restart-delay", value], "5s");
    }
    for option in ["--wait-timeout", "--health-check-timeout", "--health-check-interval"] {
        check(&["start", "x", option, "30"], "30s");
        check(&["start", "x", option, "-30s"], "5s");
    }
    check(&["monit", "--interval", "-1"], "5s");
    assert!(!home.path().exists(), "no daemon was started for that");
}

#[test]
fn a9_max_is_one_per_cpu_and_each_process_knows_its_number() {
    let home = Home::new();
    let script =
        home.file("n.sh", "echo \"I am $NODE_APP_INSTANCE=$PM2_INSTANCE_ID on $PORT\"; exec sleep 1000\n");
    let cpus = std::thread::available_parallelism().unwrap().get();
    home.ok(&["start", &script, "--name", "web", "-i", "max", "--port", "auto:24000-24999"]);
    assert_eq!(home.processes().len(), cpus);
    for instance in 0..cpus {
        let name = if cpus == 1 { "web".to_owned() } else { format!("web-{instance}") };
        let port = home.process(&name)["ports"][0].clone();
        home.wait_for_line(&name, &format!("I am {instance}={instance} on {port}"));
    }
    home.ok(&["start", &script, "--name", "less", "--instances", "-1"]);
    let less = home.processes().iter().filter(|p| p["app"] == "less").count();
    assert_eq!(less, (cpus - 1).max(1));
    let zero = home.run(&["start", &script, "--name", "none", "-i", "0"]);
    assert!(zero.code == 2 && zero.err.contains("use max"), "{zero:?}");
}

#[test]
fn a13_the_stop_signal_is_per_app() {
    let home = Home::new();
    let script =
        home.file("int.sh", "trap 'echo got INT; exit 0' INT\necho up\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &script, "--kill-signal", "INT", "--kill-timeout", "60s"]);
    home.wait_for_line("int", "up");
    let ran = home.run(&["stop", "int"]);
    assert!(ran.code == 0 && ran.took < SOON, "{ran:?}");
    home.wait_for_line("int", "got INT");
}

#[test]
fn r12_a_crash_shows_everywhere_within_a_second() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "web", "--no-autorestart", "--", "1000"]);
    let api = home.api();
    let pid = home.pid("web");
    let begun = Instant::now();
    proc::kill_hard(pid);
    let seen = || {
        api.get("/api/v1/processes")["items"][0]["status"] == "errored"
            && api.get("/api/processes")[0]["pm2_env"]["status"] == "errored"
            && api.send(api.request("GET", "/")).text.contains("errored")
    };
    wait_until("it is errored in both APIs and on the page", Duration::from_secs(1), seen);
    assert_eq!(home.process("web")["pid"], json!(null));
    println!("seen after {:?}", begun.elapsed());
}

#[test]
fn d16_several_at_once_are_each_told_and_one_failure_is_exit_1() {
    let home = Home::new();
    for name in ["one", "two"] {
        home.ok(&["start", "sleep", "--name", name, "--", "1000"]);
    }
    for verb in ["restart", "reload", "info", "logs", "stop", "delete"] {
        let ran = home.run(&[verb, "one", "nobody", "two"]);
        assert_eq!(ran.code, 1, "{verb}: {ran:?}");
        assert!(ran.err.contains("nobody"), "{verb}: {ran:?}");
        if verb != "logs" {
            assert!(ran.out.contains("one") && ran.out.contains("two"), "{verb}: {ran:?}");
        }
    }
    assert_eq!(home.processes().len(), 0);
}

#[test]
fn r6_every_command_that_prints_data_prints_json_alone() {
    let home = Home::new();
    let first = home.run(&["list", "--json"]);
    assert!(first.err.contains("Started the pmdaemon daemon."), "{first:?}");
    assert_eq!(first.out.trim(), "[]");
    home.ok(&["start", "sh", "--name", "web", "--json", "--", "-c", "echo hi; exec sleep 1000"]);
    home.wait_for_line("web", "hi");
    let verbs: [&[&str]; 12] = [
        &["list"],
        &["info", "web"],
        &["why", "web"],
        &["ports"],
        &["events"],
        &["status"],
        &["doctor"],
        &["restart", "web"],
        &["scale", "web", "2"],
        &["reset", "web"],
        &["stop", "web"],
        &["delete", "web"],
    ];
    for verb in verbs {
        home.json(&[verb, &["--json"]].concat());
    }
    home.ok(&["start", "sh", "--name", "web", "--", "-c", "echo hi; exec sleep 1000"]);
    home.wait_for_line("web", "hi");
    for line in home.ok(&["logs", "web", "--json"]).lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

#[test]
fn e1_arguments_are_those_of_the_script_alone() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let start = ["start", "app.js", "--node-args=--trace-warnings", "--", "--foo", "bar"];
    assert_eq!(ran(&mut home.command(&start)).code, 0);
    let list = home.api().get("/api/processes");
    assert_eq!(list[0]["pm2_env"]["args"], json!(["--foo", "bar"]), "{list}");
    assert_eq!(list[0]["pm2_env"]["node_args"], json!(["--trace-warnings"]), "{list}");
}

#[test]
fn a2_the_port_is_free_and_the_tree_gone_when_stop_returns() {
    let home = Home::new();
    let script = home.file(
        "server.py",
        "import http.server, os\n\
         http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.BaseHTTPRequestHandler)\\\n\
         .serve_forever()\n",
    );
    for _ in 0..3 {
        home.ok(&[
            "start",
            &script,
            "--name",
            "web",
            "--port",
            "auto:25000-25999",
            "--wait-ready",
            "--min-uptime",
            "1ms",
        ]);
        let port = home.process("web")["ports"][0].as_u64().unwrap() as u16;
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok(), "it serves on {port}");
        home.ok(&["stop", "web"]);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "{port} is closed");
        assert_eq!(home.process("web")["ports"], json!([]));
        home.ok(&["delete", "web"]);
    }
}

#[test]
fn b3_uptime_is_since_this_run_in_ms_since_1970_and_in_seconds() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "web", "--", "1000"]);
    let api = home.api();
    let begun = Instant::now();
    let env = || api.get("/api/processes")[0]["pm2_env"].clone();
    wait_until("a second has passed", SOON, || env()["uptime_seconds"] == 1);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let age = jiff::Timestamp::now().as_millisecond() - env()["pm_uptime"].as_i64().unwrap();
    assert!((1000..10_000).contains(&age), "{age}");
    home.ok(&["stop", "web"]);
    assert_eq!((&env()["uptime_seconds"], &env()["pm_uptime"]), (&json!(0), &json!(0)));
    assert!(home.ok(&["list"]).lines().any(|line| line.contains("stopped    -       -")));
}

#[test]
fn r8_an_ambiguous_name_is_refused_with_the_candidates() {
    let home = Home::new();
    for namespace in ["blue", "green"] {
        home.ok(&["start", "sleep", "--name", "web", "--namespace", namespace, "--", "1000"]);
    }
    home.run(&["stop", "web"]).refused(1, &["blue:web", "green:web"]);
    home.api().send(home.api().request("POST", "/api/v1/apps/web/stop")).is_problem(409, "ambiguous_ref");
    assert_eq!(home.ok(&["stop", "green:web"]), "Stopped green:web (id 1).\n");
    let status = |id: usize| home.processes()[id]["status"].clone();
    assert_eq!((status(0), status(1)), (json!("online"), json!("stopped")));
    // An id is never reused.
    home.ok(&["delete", "1"]);
    assert!(home.ok(&["start", "sleep", "--name", "next", "--", "1000"]).contains("id 2"));
}

#[test]
fn d21_a_question_is_answered_by_no_unless_it_is_yes() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "web", "-i", "2", "--", "1000"]);
    let ask = |answer: &str| {
        let line = format!("printf '{answer}\\n' | script -qec \"$PMD delete all\" /dev/null");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &line]).env("PMD", crate::support::home::PROGRAM);
        ran(command.env("PMDAEMON_HOME", home.path()).env("TERM", "dumb"))
    };
    for answer in ["n", "", "no", "maybe"] {
        let told = ask(answer);
        assert!(told.out.contains("Stop and delete all 2 processes? [y/N]"), "{told:?}");
        assert!(told.code == 1 && told.out.contains("Nothing deleted."), "{answer:?}: {told:?}");
        assert_eq!(home.processes().len(), 2);
    }
    let told = ask("y");
    assert!(told.code == 0 && told.out.contains("Stopped 2, deleted 2."), "{told:?}");
    assert_eq!(home.processes().len(), 0);
}
