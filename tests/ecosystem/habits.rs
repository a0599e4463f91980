//! What fingers do that know PM2 (rows J1, J5, J13).

use std::process::Command;

use crate::support::home::{PROGRAM, Ran, ran};
use crate::support::{Home, SOON, fixture, wait_until};

const LOOP: &str = "setInterval(() => {}, 1000);\n";

/// The program, called by a link of PM2's name.
fn pm2(home: &Home, args: &[&str]) -> Ran {
    let link = home.work().join("pm2");
    if !link.exists() {
        std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    }
    let own = home.command(&[]);
    let mut command = Command::new(&link);
    command.args(args).current_dir(home.work()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ran(&mut command)
}

fn names(home: &Home) -> Vec<String> {
    home.processes().iter().map(|process| process["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn k10_nothing_outside_the_named_apps_is_removed_with_prune() {
    let home = Home::new();
    home.file("app.js", LOOP);
    let app = |name: &str| format!("{{\"name\": \"{name}\", \"script\": \"app.js\"}}");
    let write =
        |apps: &[String]| drop(home.file("apps.json", &format!("{{\"apps\": [{}]}}", apps.join(", "))));
    write(&[app("web"), app("worker"), app("old")]);
    home.ok(&["apply", "apps.json", "--yes"]);
    write(&[app("web"), app("worker")]);
    assert_eq!(home.ok(&["plan", "apps.json", "--only", "web", "--prune"]), "1 app is as the file says.\n");
    home.ok(&["apply", "apps.json", "--only", "web", "--prune", "--yes"]);
    assert_eq!(names(&home), ["web", "worker", "old"]);
    home.ok(&["apply", "apps.json", "--prune", "--yes"]);
    assert_eq!(names(&home), ["web", "worker"], "the file has no old at all");
}

#[test]
fn a_reload_takes_what_ends_well_for_done_and_runs_no_job_between_its_times() {
    let home = Home::new();
    home.file("app.js", LOOP);
    home.file("once.sh", "echo ran\n");
    home.file("fails.sh", "exit 3\n");
    let once = r#""script": "once.sh", "autorestart": false"#;
    home.file(
        "apps.json",
        &format!(
            r#"{{"apps": [{{"name": "web", "script": "app.js"}}, {{"name": "once", {once}}},
            {{"name": "nightly", {once}, "cron_restart": "0 3 1 1 *"}}]}}"#
        ),
    );
    let count = |name: &str| home.ok(&["logs", name, "--raw"]).matches("ran").count();
    home.ok(&["start", "apps.json"]);
    let rest = |name: &str| home.process(name)["status"] == "stopped";
    wait_until("both have ended", SOON, || rest("once") && rest("nightly"));
    wait_until("what they said", SOON, || count("once") == 1 && count("nightly") == 1);
    for (turn, words) in
        [["startOrReload", "apps.json"], ["reload", "apps.json"], ["reload", "all"]].iter().enumerate()
    {
        let reloaded = home.run(words);
        assert_eq!(reloaded.code, 0, "{words:?}: {reloaded:?}");
        assert!(reloaded.out.contains("it ran and ended with exit code 0"), "{reloaded:?}");
        assert!(reloaded.out.contains("nightly (id 2) is stopped: left as it is."), "{reloaded:?}");
        wait_until("its line", SOON, || count("once") == turn + 2);
    }
    assert_eq!(count("nightly"), 1, "it runs at its time");
    // It may have failed before the start is answered.
    home.run(&["start", "fails.sh", "--name", "fails", "--no-autorestart"]);
    home.run(&["reload", "fails"]).refused(1, &["its new run ended with exit code 3"]);
}

#[test]
fn instance_var_names_a_variable_with_the_number_of_the_instance() {
    let home = Home::new();
    home.file("app.js", "console.log(`number ${process.env.WORKER}`); setInterval(() => {}, 1000);\n");
    home.file(
        "apps.json",
        r#"{"name": "web", "script": "app.js", "instances": 2, "instance_var": "WORKER"}"#,
    );
    let started = home.run(&["start", "apps.json"]);
    assert!(started.code == 0 && !started.err.contains("instance_var"), "{started:?}");
    home.wait_for_line("web-0", "number 0");
    home.wait_for_line("web-1", "number 1");
    assert_eq!(home.json(&["info", "web", "--json"])["instance_var"], "WORKER");
    assert_eq!(home.json(&["jlist"])[0]["pm2_env"]["instance_var"], "WORKER");
    assert_eq!(home.ok(&["plan", "apps.json"]), "1 app is as the file says.\n");
    home.file("bad.json", r#"{"name": "bad", "script": "app.js", "instance_var": "MY VAR"}"#);
    home.run(&["start", "bad.json"]).refused(1, &["\"MY VAR\"", "use letters, digits"]);
}

#[test]
fn what_a_file_says_of_several_apps_is_told_once() {
    let home = Home::new();
    home.file("app.js", LOOP);
    home.file(
        "apps.json",
        r#"{"apps": [{"name": "a", "script": "app.js", "env_production": {"X": "1"}},
        {"name": "b", "script": "app.js", "time": true},
        {"name": "c", "script": "app.js", "log_date_format": "YYYY"}]}"#,
    );
    let planned = home.run(&["plan", "apps.json", "--env", "production"]);
    let told: Vec<&str> = planned.err.lines().filter(|line| line.contains("apps.json")).collect();
    assert_eq!(told.len(), 2, "{planned:?}");
    let has = |words: &str| told.iter().filter(|line| line.contains(words)).count();
    assert_eq!(has("b, c have no env_production, so env alone counts; there is production."), 1, "{told:?}");
    assert_eq!(has("b, c: log_date_format and time shape what logs shows"), 1, "{told:?}");
    let one = home.run(&["plan", "apps.json", "--only", "b", "--env", "staging"]);
    assert!(one.err.contains("b has no env_staging"), "{one:?}");
}

#[test]
fn j1_by_pm2s_name_words_do_what_they_do_there() {
    let home = Home::new();
    let version = pm2(&home, &["-v"]);
    assert_eq!((version.code, version.out), (0, home.ok(&["--version"])));
    let script = home.file("say.sh", "for i in 1 2 3 4 5; do echo \"line $i\"; done\nexec sleep 1000\n");
    for name in ["a", "b"] {
        home.ok(&["start", &script, "--name", name]);
        home.wait_for_line(name, "line 5");
    }
    let shown = pm2(&home, &["logs", "--lines", "3", "--nostream"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert_eq!(shown.out.matches("line 5").count(), 2, "{shown:?}");
    assert_eq!(shown.out.matches("line ").count(), 6, "three of each: {shown:?}");
    home.ok(&["restart", "a"]);
    let previous = pm2(&home, &["logs", "--previous", "a"]);
    assert!(previous.code == 0 && previous.out.contains("line 5"), "{previous:?}");
    home.run(&["delete", "all"]).refused(1, &["--force"]);
    let deleted = pm2(&home, &["delete", "all"]);
    assert!(deleted.code == 0 && home.processes().is_empty(), "{deleted:?}");
}

#[test]
fn lines_of_a_common_file_are_shown_once_and_as_of_the_app() {
    let home = Home::new();
    let script = home.file("say.sh", "echo \"from $NODE_APP_INSTANCE\"\nexec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web", "-i", "2", "--merge-logs"]);
    let all = || home.ok(&["logs", "web"]);
    wait_until("both lines", SOON, || all().contains("from 0") && all().contains("from 1"));
    for words in [["logs", "web"], ["logs", "web-1"]] {
        let shown = home.ok(&words);
        assert_eq!((shown.matches("from 0").count(), shown.matches("from 1").count()), (1, 1), "{shown}");
        assert!(!shown.contains("web-0") && !shown.contains("web-1"), "{shown}");
    }
    home.run(&["logs", "--instance", "7", "web"]).refused(1, &["web has no instance 7", "there is 0, 1"]);
}

#[test]
fn names_of_variables_and_conditions_that_cannot_be_are_refused() {
    let home = Home::new();
    let script = fixture("loop.sh");
    home.ok(&["start", &script, "--name", "web"]);
    let start = ["start", &script, "--name", "other"];
    for words in [&["set", "web:BAD NAME", "x"][..], &[&start[..], &["--env", "BAD NAME=1"]].concat()] {
        let refused = home.run(words);
        assert!(refused.code == 2 && refused.err.contains("\"BAD NAME\" cannot be the name"), "{refused:?}");
    }
    home.run(&[&start[..], &["--depends-on", "web:happy"]].concat())
        .refused(1, &["web:happy", ":started, :ready, :healthy or :completed"]);
    assert_eq!(names(&home), ["web"]);
}
