//! `alert`, its rules and channels, and where else it is told that something fires.

use serde_json::{Value, json};

use crate::support::home::{fed, files_with};
use crate::support::{Home, SOON, fixture, wait_for, wait_until};

/// The key of a signature, and whatever else nobody is to see.
const SECRET: &str = "canary-5f1d-0123456789";

/// The alert of that rule, once it is in that state.
#[track_caller]
fn alert(home: &Home, rule: &str, state: &str) -> Value {
    wait_for(&format!("{rule} is {state}"), SOON, || {
        let all = home.json(&["alert", "--json"]);
        let of_rule = |alert: &&Value| alert["rule"] == rule && alert["state"] == state;
        all.as_array().unwrap().iter().find(of_rule).cloned()
    })
}

fn crash(home: &Home) {
    home.run(&[
        "start",
        &fixture("crash.sh"),
        "--name",
        "web",
        "--max-restarts",
        "1",
        "--restart-delay",
        "20",
    ]);
}

#[test]
fn what_fires_is_told_by_alert_list_and_status_until_it_is_over() {
    let home = Home::new();
    assert_eq!(home.ok(&["alert"]), "Nothing fires, and nothing has in the last day.\n");
    assert_eq!(home.ok(&["alert", "rules"]), "There are no rules. pmdaemon alert add makes one.\n");
    assert!(!home.ok(&["status"]).contains("alert"));
    let told = home.ok(&["alert", "add", "crashes", "--errored", "--severity", "critical"]);
    assert!(told.starts_with("crashes fires from now on for all apps: "), "{told}");
    assert!(told.contains("No channel is told"), "{told}");
    crash(&home);
    let firing = alert(&home, "crashes", "firing");
    assert_eq!((&firing["severity"], &firing["app"]), (&json!("critical"), &json!("web")), "{firing}");
    let text = home.ok(&["alert"]);
    assert!(text.starts_with("1 alert fires.\n\nfiring    critical  crashes: web "), "{text}");
    assert!(text.contains("about to fail"), "what it wrote before: {text}");
    assert_eq!(home.ok(&["alert", "list"]), text);
    assert!(home.ok(&["status"]).contains("\nalerts     1 alert fires: pmdaemon alert\n"));
    assert_eq!(home.json(&["status", "--json"])["alerts_firing"], 1);
    let list = home.run(&["list"]);
    assert!(list.err.contains("1 alert fires: pmdaemon alert"), "{list:?}");
    assert!(!list.out.contains("fires"), "the list stays a list: {list:?}");
    for quiet in [&["list", "--json"][..], &["list", "--mini-list"]] {
        assert!(!home.run(quiet).err.contains("fires"), "{quiet:?}");
    }
    let rules = home.ok(&["alert", "rules"]);
    assert!(rules.contains("crashes") && rules.contains("1 firing"), "{rules}");
    home.ok(&["delete", "web"]);
    alert(&home, "crashes", "resolved");
    let text = home.ok(&["alert"]);
    assert!(text.starts_with("Nothing fires.\n\nresolved  critical  crashes: web "), "{text}");
    assert!(text.contains(", over "), "{text}");
    assert!(!home.run(&["list"]).err.contains("fires"));
}

#[test]
fn a_rule_is_paused_resumed_and_removed_and_all_else_of_it_stays() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let add =
        ["alert", "add", "memory", "--memory", "90%", "--for", "5m", "--app", "web", "--cool-down", "1m"];
    let made = home.json(&[&add[..], &["--repeat", "4h", "--json"]].concat());
    assert_eq!(made["when"], json!({"memory": {"above_percent": 90, "for_ms": 300_000}}));
    assert_eq!((&made["cool_down_ms"], &made["repeat_ms"]), (&json!(60_000), &json!(14_400_000)));
    let rule = || home.json(&["alert", "rules", "--json"])[0].clone();
    assert_eq!(
        home.ok(&["alert", "pause", "memory"]),
        "memory tells nothing until pmdaemon alert resume memory.\n"
    );
    assert_eq!(home.ok(&["alert", "pause", "memory"]), "memory is paused already.\n");
    let mut paused = rule();
    assert_eq!(paused["paused"], true);
    paused["paused"] = json!(false);
    assert_eq!(paused, made, "nothing else of it has changed");
    assert!(home.ok(&["alert", "rules"]).contains("paused"));
    assert_eq!(home.ok(&["alert", "resume", "memory"]), "memory tells again.\n");
    assert_eq!(rule(), made);
    home.ok(&["alert", "remove", "memory"]);
    assert_eq!(home.json(&["alert", "rules", "--json"]), json!([]));
    home.run(&["alert", "remove", "memory"]).refused(1, &["memory"]);
    home.run(&["alert", "pause", "memory"]).refused(1, &["memory"]);
}

#[test]
fn a_command_is_told_what_fires_and_takes_a_test() {
    let home = Home::new();
    let script = home.file("tell.sh", "#!/bin/sh\ncat >> \"$1\"\necho >> \"$1\"\n");
    let told = home.work().join("told");
    let told = told.to_str().unwrap();
    let lines = || std::fs::read_to_string(told).unwrap_or_default();
    let add = ["alert", "channel", "add", "ops", "--command", "--", "/bin/sh", &script, told];
    let said = home.ok(&add);
    assert!(said.ends_with("Try it: pmdaemon alert channel test ops\n"), "{said}");
    assert_eq!(home.ok(&["alert", "channel", "test", "ops"]), "ops has taken a test alert.\n");
    assert!(!lines().is_empty(), "the command was run before the test was said to be taken");
    home.ok(&["alert", "add", "crashes", "--errored", "--channel", "ops"]);
    crash(&home);
    wait_until("the command is told", SOON, || lines().contains("crashes"));
    home.run(&["alert", "channel", "remove", "ops"]).refused(1, &["ops", "crashes"]);
    let list = home.ok(&["alert", "channel", "list"]);
    assert!(list.contains("ops") && list.contains("command"), "{list}");
    home.ok(&["alert", "remove", "crashes"]);
    home.ok(&["alert", "channel", "remove", "ops"]);
    assert_eq!(
        home.ok(&["alert", "channel", "list"]),
        "Alerts are told to nobody. pmdaemon alert channel add begins that.\n"
    );
}

#[test]
fn secrets_come_from_files_or_standard_input_and_are_never_shown() {
    let home = Home::new();
    let key = home.file("key", &format!("{SECRET}\n"));
    let headers = home.file("headers", &format!("Authorization=Bearer {SECRET}\n"));
    let channel = |name: &str, rest: &[&str], typed: &str| {
        let args = [&["alert", "channel", "add", name, "--json"], rest].concat();
        let ran = fed(&mut home.command(&args), typed);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{ran:?}");
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let typed = format!("{SECRET}\n");
    let url = "https://hooks.example/pmdaemon";
    let signed = channel("a", &["--webhook", url, "--secret-file", &key, "--header-file", &headers], "");
    assert_eq!((&signed["kind"], &signed["signed"]), (&json!("webhook"), &json!(true)));
    assert_eq!(
        channel("b", &["--webhook", url, "--secret-file", "-", "--format", "alertmanager"], &typed)["signed"],
        true
    );
    assert_eq!(channel("c", &["--webhook", url], "")["signed"], false);
    let slack = format!("https://hooks.slack.com/services/{SECRET}\n");
    assert_eq!(channel("d", &["--slack", "-"], &slack)["kind"], "slack");
    assert_eq!(
        channel("e", &["--ntfy", "https://ntfy.example/topic", "--token-file", &key], "")["kind"],
        "ntfy"
    );
    for args in
        [&["alert", "channel", "list"][..], &["alert", "channel", "list", "--json"], &["events"], &["audit"]]
    {
        assert!(!home.ok(args).contains(SECRET), "{args:?}");
    }
    let logs = files_with(&home.path(), SECRET);
    let logs: Vec<_> = logs.iter().filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    assert!(logs.is_empty(), "{logs:?}");
}

#[test]
fn what_is_no_rule_and_no_channel_is_refused_in_a_sentence() {
    let home = Home::new();
    home.ok(&["list"]);
    let rule = |args: &[&str], code: i32, words: &[&str]| {
        home.run(&[&["alert", "add", "rule"], args].concat()).refused(code, words);
    };
    rule(&[], 2, &["needs a condition", "--errored", "--disk"]);
    rule(&["--errored", "--disk", "10%"], 2, &["--errored and --disk", "a rule of each"]);
    rule(&["--errored", "--for", "1m"], 2, &["--for", "not for --errored"]);
    rule(&["--log", "("], 1, &["no pattern", "unclosed group"]);
    rule(&["--errored", "--channel", "nosuch"], 1, &["nosuch"]);
    rule(&["--errored", "--app", "nosuch"], 1, &["nosuch"]);
    rule(&["--disk", "200%"], 1, &["99"]);
    let channel = |args: &[&str], code: i32, words: &[&str]| {
        home.run(&[&["alert", "channel", "add", "one"], args].concat()).refused(code, words);
    };
    channel(&[], 2, &["none was given", "--webhook"]);
    channel(&["--slack", "https://a.example", "--discord", "https://b.example"], 2, &["more than one"]);
    channel(&["--command"], 2, &["behind --"]);
    channel(&["--webhook", "-", "--secret-file", "-"], 2, &["one thing only"]);
    channel(&["--webhook", "https://a.example", "--secret-file", "/no/such/file"], 1, &["/no/such/file"]);
    channel(&["--webhook", "ftp://a.example/"], 1, &["http"]);
    channel(&["--webhook", "http://169.254.169.254/"], 1, &["169.254.169.254"]);
    assert_eq!(home.json(&["alert", "rules", "--json"]), json!([]));
    assert_eq!(home.json(&["alert", "channel", "list", "--json"]), json!([]));
}

#[test]
fn doctor_tells_of_a_channel_that_is_failing() {
    let home = Home::new();
    home.ok(&["alert", "channel", "add", "ops", "--command", "--", "/bin/sh", "-c", "exit 3"]);
    let finding = || {
        let all = home.json(&["doctor", "--json"])["findings"].clone();
        all.as_array().unwrap().iter().find(|finding| finding["check"] == "alerts").cloned().unwrap()
    };
    assert_eq!(finding()["level"], "ok");
    home.ok(&["alert", "add", "crashes", "--errored", "--channel", "ops"]);
    crash(&home);
    let failing = || home.json(&["alert", "channel", "list", "--json"])[0]["status"] == "failing";
    wait_until("the command is missed", SOON, failing);
    let told = finding();
    assert_eq!(told["level"], "warning", "{told}");
    assert!(told["finding"].as_str().unwrap().starts_with("channel ops is failing"), "{told}");
    assert!(home.ok(&["alert", "channel", "list"]).contains("ops is failing: "));
}
