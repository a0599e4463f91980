//! Whatever programs write: shown right, never lost.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{Home, SOON, wait_until};

/// Writes what its standard input file holds, in the pieces that it is told, then waits.
const WRITER: &str = r#"
import os, sys, time
data = open(sys.argv[1], "rb").read()
piece = int(sys.argv[2])
for at in range(0, len(data), piece):
    part = data[at:at + piece]
    while part:
        part = part[os.write(1, part):]
open(sys.argv[1] + ".done", "w").close()
time.sleep(1000)
"#;

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// How many bytes each write has.
    piece: usize,
    /// Texts of the records.
    texts: Vec<String>,
}

fn cases() -> Vec<Case> {
    let case = |name, bytes: &[u8], piece, texts: &[&str]| Case {
        name,
        bytes: bytes.to_vec(),
        piece,
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    };
    let long = "x".repeat(100_000);
    let million = "ab😀".repeat(400_000);
    vec![
        case("long", format!("{long}\nshort\n").as_bytes(), 4096, &[&long, "short"]),
        case("huge", format!("{million}\nend\n").as_bytes(), 60_000, &[]),
        case("open", b"one\nno newline", 100, &["one", "no newline"]),
        case("nul", b"a\0b\n\0\0\n", 100, &["a\0b", "\0\0"]),
        case("bytes", b"\xff\xfe bad\nfine\n\xc3\n", 100, &["\u{FFFD}\u{FFFD} bad", "fine", "\u{FFFD}"]),
        case("smile", "a😀b\n😀\n".as_bytes(), 1, &["a😀b", "😀"]),
        case("ansi", b"\x1b[31mred\x1b[0m\n10%\r20%\n", 100, &["\u{1b}[31mred\u{1b}[0m", "10%\r20%"]),
        case("crlf", b"one\r\n\r\n\n", 100, &["one\r", "\r", ""]),
    ]
}

#[test]
fn odd_content_is_shown_right_and_never_lost() {
    let home = Home::new();
    let script = home.file("odd.py", WRITER);
    let cases = cases();
    for case in &cases {
        let data = home.file(case.name, "");
        std::fs::write(&data, &case.bytes).unwrap();
        home.ok(&["start", &script, "--name", case.name, "--", &data, &case.piece.to_string()]);
    }
    let api = home.api();
    for Case { name, bytes, texts, .. } in &cases {
        wait_until(name, SOON, || home.work().join(format!("{name}.done")).exists());
        // The command gives the bytes.
        let raw = || {
            let output =
                home.command(&["logs", name, "--raw", "--lines", "1000"]).stderr(Stdio::null()).output();
            output.unwrap().stdout
        };
        wait_until(&format!("{name}: all of it"), SOON, || raw().len() == bytes.len());
        assert!(raw() == *bytes, "{name}: --raw is not what was written");
        // The text of the API is the same.
        let plain = api.request("GET", &format!("/api/v1/apps/{name}/logs?tail=1000"));
        let plain = api.block_on(async {
            plain.header("Accept", "text/plain").send().await.unwrap().bytes().await.unwrap()
        });
        assert!(plain == bytes, "{name}: text/plain is not what was written");
        // Records have the texts.
        let records = api.send(api.request("GET", &format!("/api/v1/apps/{name}/logs?tail=1000")));
        let records: Vec<Value> =
            records.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let got: Vec<&str> = records.iter().map(|record| record["text"].as_str().unwrap()).collect();
        if *name == "huge" {
            let partial: Vec<bool> = records.iter().map(|record| record["partial"] == true).collect();
            assert_eq!(partial, [true, true, false, false], "pieces of at most 1 MiB");
            assert!(got.iter().all(|text| text.len() <= 1 << 20 && !text.contains('\u{FFFD}')));
            assert!(
                got.concat().as_bytes() == bytes.iter().copied().filter(|b| *b != b'\n').collect::<Vec<_>>()
            );
        } else {
            assert_eq!(got, *texts, "{name}");
        }
        assert!(records.iter().all(|record| record["ts"].is_string()), "{name}: each line has a time");
        // An unfinished line says so, and bytes that are not UTF-8 are there, too.
        if *name == "open" {
            assert_eq!(records[1]["partial"], true);
        }
        if *name == "bytes" {
            assert_eq!(records[0]["base64"], "//4gYmFk");
        }
    }
    // Colours are text and how it looks.
    let runs = api.send(api.request("GET", "/api/v1/apps/ansi/logs?ansi=runs"));
    let runs: Vec<Value> = runs.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&runs[0]["text"], &runs[0]["runs"]), (&"red".into(), &serde_json::json!([[0, 3, "f1"]])));
    assert_eq!(runs[1]["text"], "20%");
}
