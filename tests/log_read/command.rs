//! What can be typed.

use crate::support::{Home, SOON, wait_until};

fn start(home: &Home, name: &str, text: &str) {
    let file = home.file(&format!("{name}.in"), text);
    let script = home.file("cat.sh", "exec tail -n +1 -f $1");
    home.ok(&["start", &script, "--interpreter", "sh", "--name", name, "--", &file]);
    if let Some(last) = text.lines().last() {
        home.wait_for_line(name, last);
    }
}

#[test]
fn lines_are_chosen_as_the_api_does() {
    let home = Home::new();
    start(&home, "web", "INFO one\nWARN two\nERROR three\nfour\n");
    let check = |args: &[&str], expected: &str| {
        let shown = home.ok(&[&["logs", "web", "--raw"], args].concat());
        assert_eq!(shown, expected, "{args:?}");
    };
    check(&["--lines", "1"], "four\n");
    check(&["--grep", "t[wh]"], "WARN two\nERROR three\n");
    check(&["--grep", "t[wh]", "--lines", "1"], "ERROR three\n");
    check(&["--level", "error"], "ERROR three\n");
    check(&["--since", "1h"], "INFO one\nWARN two\nERROR three\nfour\n");
    check(&["--until", "1h"], "");
    check(&["--instance", "0", "--lines", "1", "--nostream"], "four\n");
    let ran = home.run(&["logs", "web", "--grep", "nothing"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "web: no such lines\n"));
    home.run(&["logs", "web", "--grep", "a("]).refused(1, &["unclosed group", "character 2"]);
    home.run(&["logs", "web", "--level", "loud"]).refused(1, &["loud", "warn"]);
    let ran = home.run(&["logs", "web", "--since", "later"]);
    assert!(ran.code == 2 && ran.err.contains("10m"), "{ran:?}");
}

#[test]
fn lines_are_shown_with_name_time_and_as_pairs() {
    let home = Home::new();
    start(&home, "web", "WARN one\n");
    assert_eq!(home.ok(&["logs", "web"]), "web | WARN one\n");
    let timed = home.ok(&["logs", "web", "--timestamps"]);
    let (time, rest) = timed.split_at(23);
    assert_eq!(rest, "  web | WARN one\n", "{timed}");
    assert!(time.starts_with("20") && time.as_bytes()[19] == b'.', "{timed}");
    let pairs = home.ok(&["logs", "web", "--format"]);
    assert!(pairs.starts_with("timestamp=20"), "{pairs}");
    assert!(pairs.ends_with(" app=web id=0 type=out level=warn message=\"WARN one\"\n"), "{pairs}");
}

#[test]
fn several_apps_are_interleaved_and_unknown_ones_are_told() {
    let home = Home::new();
    start(&home, "a", "a1\n");
    start(&home, "b", "b1\n");
    start(&home, "c", "");
    assert_eq!(home.ok(&["logs", "b", "a"]), "a | a1\nb | b1\n");
    assert_eq!(home.ok(&["logs", "/^[ab]$/"]), "a | a1\nb | b1\n");
    assert_eq!(home.ok(&["logs", "--lines", "1"]), "b | b1\n");
    let ran = home.run(&["logs", "nobody", "b"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "b | b1\n"), "{ran:?}");
    assert!(ran.err.contains("nobody"), "{ran:?}");
    let ran = home.run(&["logs", "c"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "c: no log yet\n"));
}

#[test]
fn followers_of_several_apps_see_all_of_them_until_they_are_deleted() {
    let home = Home::new();
    start(&home, "a", "a1\n");
    start(&home, "b", "b1\n");
    let out = std::fs::File::create(home.work().join("shown")).unwrap();
    let mut child = home.command(&["logs", "a", "b", "--follow"]).stdout(out).spawn().unwrap();
    let shown = || std::fs::read_to_string(home.work().join("shown")).unwrap();
    wait_until("the lines that are there", SOON, || shown() == "a | a1\nb | b1\n");
    let add = |name: &str, text: &str| {
        let file = std::fs::OpenOptions::new().append(true).open(home.work().join(format!("{name}.in")));
        std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
    };
    add("b", "b2\n");
    wait_until("a line of b", SOON, || shown().ends_with("b | b2\n"));
    add("a", "prompt: ");
    wait_until("a line without newline", SOON, || shown().ends_with("a | prompt: \n"));
    home.ok(&["delete", "a", "b"]);
    wait_until("its end", SOON, || child.try_wait().unwrap().is_some_and(|status| status.success()));
}

#[test]
fn pmdaemon_says_what_it_did() {
    let home = Home::new();
    start(&home, "web", "one\n");
    let log = home.ok(&["logs", "--daemon", "--lines", "50"]);
    assert!(log.contains("web"), "{log}");
    let ran = home.run(&["logs", "web", "--daemon"]);
    assert!(ran.code == 2, "{ran:?}");
}

#[test]
fn a_follower_of_all_sees_every_line_of_apps_that_are_deleted_and_defined_anew_at_once() {
    let home = Home::new();
    let script = home
        .file("say.sh", "trap 'echo end $1; exit' INT TERM; echo begin $1; while :; do sleep 1 & wait; done");
    home.ok(&["list"]);
    let api = home.api();
    let define = |round: u32| {
        let app = serde_json::json!({
            "script": script, "name": "web", "interpreter": "sh", "args": [round.to_string()], "cwd": home.work()});
        assert_eq!(api.post("/api/v1/apps?wait=20s", &app).status, 201);
    };
    define(0);
    home.wait_for_line("web", "begin 0");
    let out = std::fs::File::create(home.work().join("shown")).unwrap();
    let mut child = home.command(&["logs", "--follow", "--raw"]).stdout(out).spawn().unwrap();
    let shown = || std::fs::read_to_string(home.work().join("shown")).unwrap();
    wait_until("the line that is there", SOON, || shown() == "begin 0\n");
    let rounds = 12;
    for round in 1..=rounds {
        assert_eq!(api.send(api.request("DELETE", "/api/v1/apps/web?wait=20s")).status, 200);
        define(round);
        // One that comes and goes between two looks leaves nothing to read.
        let begun = format!("begin {round}\n");
        wait_until("its first line", SOON, || shown().ends_with(&begun));
    }
    let expected: String = (0..rounds).map(|round| format!("begin {round}\nend {round}\n")).collect();
    let expected = format!("{expected}begin {rounds}\n");
    assert_eq!(shown(), expected);
    child.kill().unwrap();
    child.wait().unwrap();
}
