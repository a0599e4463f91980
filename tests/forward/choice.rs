//! What is sent, and what is refused.

use super::receiver::Receiver;
use crate::support::{Home, SOON, wait_until};

fn say(home: &Home, name: &str, script: &str) {
    let path = home.file(&format!("{name}.sh"), &format!("{script}\nexec sleep 1000\n"));
    home.ok(&["start", &path, "--name", name]);
}

#[test]
fn only_chosen_lines_are_sent_by_datagram_with_their_severity() {
    let home = Home::new();
    say(&home, "old", "echo before");
    home.wait_for_line("old", "before");
    say(&home, "web", "echo start");
    let socket = home.work().join("dev.log");
    let udp = Receiver::start(&home, "udp", "0");
    let unix = Receiver::start(&home, "unix", socket.to_str().unwrap());
    let to = format!("udp://127.0.0.1:{}", udp.address);
    home.ok(&[
        "forward",
        "add",
        "a",
        "--syslog",
        &to,
        "--app",
        "web",
        "--level",
        "warn",
        "--facility",
        "local0",
    ]);
    let to = format!("unix://{}", socket.display());
    home.ok(&["forward", "add", "b", "--syslog", &to, "--stream", "err"]);
    home.ok(&["delete", "web"]);
    let go = home.work().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", go.display());
    let lines = "echo INFO fine; echo 'WARN close'; echo 'ERROR it is over' >&2; echo bare >&2";
    say(&home, "web", &format!("{wait}; {lines}"));
    let pid = home.pid("web");
    std::fs::write(go, "").unwrap();
    let has = |receiver: &Receiver, text: &str| receiver.lines().iter().any(|line| line.ends_with(text));
    wait_until("lines by udp", SOON, || has(&udp, "WARN close") && has(&udp, "ERROR it is over"));
    wait_until("lines by a socket", SOON, || has(&unix, "bare"));
    let (warning, error) = (format!("132 web {pid} "), format!("131 web {pid} "));
    let by_udp = udp.lines();
    assert!(by_udp.iter().all(|line| line.starts_with(&warning) || line.starts_with(&error)), "{by_udp:?}");
    let by_unix = unix.lines();
    let of_web = format!("11 web {pid} ");
    assert!(
        by_unix.iter().all(|line| line.starts_with(&of_web) && line.contains("stream=\"err\"")),
        "{by_unix:?}"
    );
    for receiver in [&udp, &unix] {
        assert!(!has(receiver, "before") && !has(receiver, "INFO fine"), "{:?}", receiver.lines());
        receiver.nothing_was_bad();
    }
}

#[test]
fn a_test_line_arrives_or_is_refused_with_the_reason() {
    let home = Home::new();
    let mut receiver = Receiver::start(&home, "http", "0");
    let url = format!("http://127.0.0.1:{}/in?key=s3cr3t", receiver.address);
    let shown = home.json(&["forward", "add", "a", "--http", &url, "--header", "X-Key=s3cr3t", "--json"]);
    assert_eq!(shown["headers"], serde_json::json!({"x-key": "***"}));
    home.ok(&["forward", "test", "a"]);
    assert!(receiver.lines()[0].contains("a test of the forward a"), "{:?}", receiver.lines());
    receiver.nothing_was_bad();
    receiver.end();
    home.run(&["forward", "test", "a"]).refused(1, &["cannot be reached"]);
    for answer in
        [home.ok(&["forward", "list", "--json"]), home.ok(&["forward", "list"]), home.ok(&["events"])]
    {
        assert!(!answer.contains("s3cr3t"), "{answer}");
    }
    assert!(!home.daemon_log().contains("s3cr3t"));
}

#[test]
fn what_cannot_be_is_refused_with_one_sentence() {
    let home = Home::new();
    let refused = |args: &[&str], words: &[&str]| {
        home.run(&[&["forward", "add"], args].concat()).refused(1, words);
    };
    refused(&["a", "--syslog", "logs.example:514"], &["udp://host:514"]);
    refused(&["a", "--syslog", "udp://"], &["udp://host:514"]);
    refused(&["a", "--http", "ftp://h/"], &["https://host/path"]);
    refused(&["a", "--http", "http://me:s3cr3t@h/"], &["as a header"]);
    refused(&["../a", "--syslog", "udp://h"], &["a"]);
    refused(&["a", "--syslog", "udp://h", "--level", "loud"], &["loud", "warn"]);
    refused(&["a", "--syslog", "udp://h", "--facility", "loud"], &["local0"]);
    refused(&["a", "--syslog", "udp://h", "--app", "nosuch"], &["nosuch"]);
    assert_eq!(home.run(&["forward", "add", "a"]).code, 2);
    home.ok(&["forward", "add", "a", "--syslog", "udp://127.0.0.1:9"]);
    refused(&["a", "--syslog", "udp://127.0.0.1:9"], &["already"]);
    home.run(&["forward", "remove", "b"]).refused(1, &["no forward b"]);
    let api = home.api();
    let token = home.ok(&["token", "create", "ops", "--role", "deployer"]);
    let request = api.bare("DELETE", "/api/v1/forwards/a").bearer_auth(token.trim());
    api.send(request).is_problem(403, "forbidden");
}
