//! What can be asked of the API.

use std::io::Read;

use serde_json::Value;

use crate::support::{Api, Home, SOON, wait_until};

/// Writes what is in a file and goes on when it grows.
fn start(home: &Home, name: &str, text: &str, options: &[&str]) {
    let file = home.file(&format!("{name}.in"), text);
    let script = home.file("cat.sh", "exec tail -n +1 -f $1");
    let command = ["start", &script, "--interpreter", "sh", "--name", name];
    home.ok(&[&command[..], options, &["--", &file]].concat());
    if let Some(last) = text.lines().last() {
        home.wait_for_line(name, last);
    }
}

fn records(api: &Api, path: &str) -> Vec<Value> {
    let answer = api.send(api.request("GET", path));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/x-ndjson", "{path}");
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["text"].as_str().unwrap_or_else(|| panic!("{record}"))).collect()
}

/// The first bytes of an answer that does not end, up to something.
fn read_until(api: &Api, request: reqwest::RequestBuilder, end: &str) -> String {
    api.block_on(async {
        let mut answer = request.send().await.unwrap();
        let mut text = String::new();
        while !text.contains(end) {
            let chunk = answer.chunk().await.unwrap().unwrap_or_else(|| panic!("{end:?} is not in {text:?}"));
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    })
}

#[test]
fn lines_are_chosen_by_number_pattern_level_and_stream() {
    let home = Home::new();
    let text = "INFO one\nWARN two\n[ERROR] three\n{\"level\":50,\"msg\":\"four\"}\nplain five\n";
    start(&home, "web", text, &[]);
    let api = home.api();
    let check = |query: &str, expected: &[&str]| {
        let records = records(&api, &format!("/api/v1/apps/web/logs?{query}"));
        assert_eq!(texts(&records), expected, "{query}");
    };
    let four = "{\"level\":50,\"msg\":\"four\"}";
    check("tail=2", &[four, "plain five"]);
    check("tail=0", &[]);
    check("level=warn", &["WARN two", "[ERROR] three", four]);
    check("level=error&tail=1", &[four]);
    check("grep=o%5Bne%5D", &["INFO one"]);
    check("grep=t&limit=1", &["WARN two"]);
    check("grep=t&tail=1", &["[ERROR] three"]);
    check("stream=err", &[]);
    check("since=1h&limit=2", &["INFO one", "WARN two"]);
    check("until=1h", &[]);
    check("instances=0&tail=1", &["plain five"]);
    check("instances=1", &[]);
    let all = records(&api, "/api/v1/apps/web/logs");
    let levels: Vec<Option<&str>> = all.iter().map(|record| record["level"].as_str()).collect();
    assert_eq!(levels, [Some("info"), Some("warn"), Some("error"), Some("error"), None]);
    // A time that a record has finds that record.
    let ts = all[0]["ts"].as_str().unwrap();
    check(&format!("since={ts}"), &texts(&all));
}

#[test]
fn pages_go_back_and_on_exactly() {
    let home = Home::new();
    let text: String = (1..=50).map(|i| format!("line {i}\n")).collect();
    start(&home, "web", &text, &[]);
    let api = home.api();
    let all = records(&api, "/api/v1/apps/web/logs?tail=100");
    assert_eq!(all.len(), 50);
    let mut back = Vec::new();
    let mut path = "/api/v1/apps/web/logs?tail=7".to_owned();
    loop {
        let page = records(&api, &path);
        let Some(first) = page.first() else { break };
        path = format!("/api/v1/apps/web/logs?before={}&limit=7", first["c"].as_str().unwrap());
        back = [page, back].concat();
    }
    assert_eq!(back, all);
    let after = records(&api, &format!("/api/v1/apps/web/logs?after={}", all[30]["c"].as_str().unwrap()));
    assert_eq!(after, all[31..]);
    // The process's own route, and that of everything, know the same places.
    let after = records(&api, &format!("/api/v1/logs?after={}&limit=3", all[30]["c"].as_str().unwrap()));
    assert_eq!(texts(&after), ["line 32", "line 33", "line 34"]);
}

#[test]
fn several_apps_are_one_stream_in_order_of_time() {
    let home = Home::new();
    start(&home, "a", "a1\n", &[]);
    start(&home, "b", "b1\n", &[]);
    start(&home, "c", "c1\n", &[]);
    let api = home.api();
    let check = |query: &str, expected: &[&str]| {
        assert_eq!(texts(&records(&api, &format!("/api/v1/logs?{query}"))), expected, "{query}");
    };
    check("", &["a1", "b1", "c1"]);
    check("tail=2", &["b1", "c1"]);
    check("refs=a,c", &["a1", "c1"]);
    check("refs=/%5E%5Bab%5D%24/", &["a1", "b1"]);
    let unknown = api.send(api.request("GET", "/api/v1/logs?refs=a,nobody"));
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[test]
fn event_streams_go_on_where_they_broke() {
    let home = Home::new();
    start(&home, "web", "one\ntwo\n", &[]);
    let api = home.api();
    let events = |last: Option<&str>| {
        let request = api.request("GET", "/api/v1/apps/web/logs?follow=true&tail=1");
        let request = request.header("Accept", "text/event-stream");
        match last {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        }
    };
    let text = read_until(&api, events(None), "\"two\"");
    assert!(text.starts_with("id: ") && text.contains("event: ctl\ndata: {\"ctl\":\"cursor\""), "{text}");
    assert!(!text.contains("\"one\""), "{text}");
    let id = text.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().to_owned();
    let mut file = std::fs::OpenOptions::new().append(true).open(home.work().join("web.in")).unwrap();
    std::io::Write::write_all(&mut file, b"three\n").unwrap();
    let text = read_until(&api, events(Some(&id)), "\"three\"");
    assert!(!text.contains("\"two\""), "{text}");
}

/// Row 39 of the security checklist.
#[test]
fn a_download_is_a_file_that_nobody_opens_as_a_page() {
    let home = Home::new();
    let text: String = (1..=2000).map(|i| format!("line {i}\n")).collect();
    start(&home, "web", &text, &[]);
    let api = home.api();
    let answer = api.send(api.request("GET", "/api/v1/apps/web/logs?download=true"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"web.log\"");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert!(answer.text == text, "all of it, in text");
    let packed = api.request("GET", "/api/v1/apps/web/logs?download=true").header("Accept-Encoding", "gzip");
    let (encoding, packed) = api.block_on(async {
        let answer = packed.send().await.unwrap();
        let encoding = answer.headers().get("content-encoding").cloned();
        (encoding, answer.bytes().await.unwrap())
    });
    assert_eq!(encoding.unwrap(), "gzip");
    let python = "import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    let mut child = std::process::Command::new("python3")
        .args(["-c", python])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &packed).unwrap();
    let mut unpacked = String::new();
    child.stdout.take().unwrap().read_to_string(&mut unpacked).unwrap();
    child.wait().unwrap();
    assert!(unpacked == text && packed.len() < text.len() / 2);
    // A follower gets its lines at once, so they are not compressed.
    let request = api.request("GET", "/api/v1/apps/web/logs?follow=true").header("Accept-Encoding", "gzip");
    assert!(read_until(&api, request, "line 2000").contains("line 1999"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let home = Home::new();
    start(&home, "web", "one\n", &[]);
    let api = home.api();
    let check = |query: &str, code: &str, words: &str| {
        let answer = api.send(api.request("GET", &format!("/api/v1/apps/web/logs?{query}")));
        let problem = answer.is_problem(400, code);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{query}: {problem}");
    };
    check("after=nonsense!", "invalid_cursor", "\"c\" of a record");
    check("before=AAAA", "invalid_cursor", "\"c\" of a record");
    check("grep=a(b", "invalid_pattern", "unclosed group, at character 2");
    check(&format!("grep={}", "x".repeat(513)), "invalid_pattern", "512 are allowed");
    check("level=loud", "invalid_query", "trace, debug, info");
    check("since=tomorrow", "invalid_time", "10m");
    check("tail=-1", "invalid_query", "0 to 100000");
    check("tail=many", "invalid_query", "");
    check("stream=sys", "invalid_query", "events=true");
    check("lines=5", "unknown_parameter", "\"lines\"");
    check("follow=true&until=1m", "conflicting_parameters", "no end");
}

#[test]
fn the_previous_run_is_what_was_said_before_the_restart() {
    let home = Home::new();
    let script = home.file("runs.sh", "echo $$ >> pids; echo run $(wc -l < pids); exec sleep 1000");
    home.ok(&["start", &script, "--interpreter", "sh", "--name", "web"]);
    home.wait_for_line("web", "run 1");
    let api = home.api();
    assert!(records(&api, "/api/v1/apps/web/logs?previous=true").is_empty(), "no run is over");
    for run in 2..=3 {
        home.ok(&["restart", "web"]);
        home.wait_for_line("web", &format!("run {run}"));
    }
    assert_eq!(texts(&records(&api, "/api/v1/apps/web/logs?previous=true")), ["run 2"]);
    home.ok(&["stop", "web"]);
    assert_eq!(texts(&records(&api, "/api/v1/apps/web/logs?previous=true")), ["run 3"]);
}

#[test]
fn what_happened_is_merged_in_between_the_lines() {
    let home = Home::new();
    let script = home.file("runs.sh", "echo hello; exec sleep 1000");
    home.ok(&["start", &script, "--interpreter", "sh", "--name", "web"]);
    home.wait_for_line("web", "hello");
    home.ok(&["restart", "web"]);
    wait_until("a second hello", SOON, || home.ok(&["logs", "web", "--raw"]) == "hello\nhello\n");
    let api = home.api();
    let all = records(&api, "/api/v1/apps/web/logs?events=true&since=1h");
    let streams: Vec<&str> = all.iter().map(|record| record["stream"].as_str().unwrap()).collect();
    let said: Vec<usize> = (0..all.len()).filter(|i| streams[*i] == "out").collect();
    assert_eq!(said.len(), 2, "{all:?}");
    let between = &all[said[0] + 1..said[1]];
    assert!(between.iter().all(|record| record["stream"] == "sys"), "{all:?}");
    assert!(between.iter().any(|record| record["text"].as_str().unwrap().contains("ended")), "{all:?}");
    let request = api.request("GET", "/api/v1/apps/web/logs?events=true&follow=true&tail=0");
    std::thread::scope(|scope| {
        scope.spawn(|| home.ok(&["restart", "web"]));
        read_until(&api, request, "\"stream\":\"sys\"");
    });
}

#[test]
fn pmdaemons_own_log_is_for_admins() {
    let home = Home::new();
    start(&home, "web", "one\n", &[]);
    let api = home.api();
    let answer = api.send(api.request("GET", "/api/v1/system/log?tail=3"));
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(!answer.text.is_empty() && home.daemon_log().contains(answer.text.trim_end()), "{answer:?}");
    let bare = api.send(api.bare("GET", "/api/v1/system/log"));
    assert_eq!(bare.status, 401, "{bare:?}");
}
