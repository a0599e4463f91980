//! A reader that is cut off again and again gets every byte once (acceptance row K13).

use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::Value;

use super::disk;
use crate::support::{Api, Home, SOON, proc, wait_for, wait_until};

/// Writes lines with bytes of every kind, cut in odd places, until a file says that it is enough.
const WRITER: &str = r#"
import os, random, sys, time
random.seed(5)
number = 0
while not os.path.exists("enough"):
    out = b""
    for _ in range(random.randrange(1, 40)):
        number += 1
        noise = bytes(random.choices(range(256), k=random.randrange(0, 60)))
        out += b"%d " % number + noise + b"\xf0\x9f\x98\x80" + random.choice([b"\n", b"\n", b"\r\n", b""])
    while out:
        cut = random.randrange(1, len(out) + 1)
        os.write(1, out[:cut])
        out = out[cut:]
    time.sleep(0.003)
os.write(1, b"the end\n")
time.sleep(1000)
"#;

/// Bound for reading everything once more on a busy machine.
const LONG: Duration = Duration::from_secs(400);

/// Randomness that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What a reader has, and where it was when it had it.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    cursor: Option<String>,
}

impl Reader {
    fn take(&mut self, line: &[u8]) {
        let record: Value = serde_json::from_slice(line).unwrap();
        if let Some(ctl) = record["ctl"].as_str() {
            assert_ne!(ctl, "gone", "nothing is removed here: {record}");
            if ctl == "cursor" {
                self.cursor = record["c"].as_str().map(str::to_owned);
            }
            return;
        }
        match record["base64"].as_str() {
            Some(text) => {
                self.bytes.extend(base64::engine::general_purpose::STANDARD.decode(text).unwrap());
            }
            None => self.bytes.extend_from_slice(record["text"].as_str().unwrap().as_bytes()),
        }
        if record["partial"] != true {
            self.bytes.push(b'\n');
        }
        self.cursor = Some(record["c"].as_str().unwrap().to_owned());
    }

    fn path(&self) -> String {
        let from = self.cursor.as_ref().map_or("tail=100000".to_owned(), |cursor| format!("after={cursor}"));
        format!("/api/v1/apps/w/logs?follow=true&stream=out&{from}")
    }

    /// Reads until so many bytes have come, then leaves in the middle of whatever it is.
    fn follow(&mut self, api: &Api, bytes: usize, enough: impl Fn(&Reader) -> bool) -> Result<(), String> {
        let request = api.request("GET", &self.path());
        api.block_on(async {
            let mut answer = request.send().await.map_err(|e| e.to_string())?;
            if answer.status() != 200 {
                return Err(answer.text().await.unwrap_or_default());
            }
            let mut came = 0;
            let mut rest = Vec::new();
            while came < bytes && !enough(self) {
                let Some(chunk) = answer.chunk().await.map_err(|e| e.to_string())? else { break };
                let chunk = &chunk[..chunk.len().min(bytes - came)];
                came += chunk.len();
                rest.extend_from_slice(chunk);
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    self.take(&line);
                }
            }
            Ok(())
        })
    }
}

/// `LOG_CUTS=200 cargo nextest run --test log_read_tests -E 'test(cut_off)'` is the long form.
#[test]
fn a_follower_that_is_cut_off_again_and_again_gets_every_byte_once() {
    let cuts: u64 = std::env::var("LOG_CUTS").map_or(40, |text| text.parse().unwrap());
    let home = Home::new();
    let script = home.file("w.py", WRITER);
    home.ok(&["start", &script, "--log-max-size", "32K", "--log-max-files", "none"]);
    let mut api = home.api();
    let mut dice = Dice(11);
    let mut reader = Reader::default();
    let begun = Instant::now();
    for cut in 0..cuts {
        if cut % 10 == 9 {
            let (_, daemon) = home.keeper_and_daemon();
            proc::kill_hard(daemon);
            wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
            api = home.api();
        }
        let bytes = 1 + dice.below(30_000) as usize;
        wait_for("an answer", SOON, || reader.follow(&api, bytes, |_| false).ok());
    }
    std::fs::write(home.work().join("enough"), "").unwrap();
    let log = home.path().join("logs/w-out.log");
    let expected = disk::settled(&log, b"the end\n");
    wait_until("the rest", LONG, || {
        let done = |reader: &Reader| reader.bytes.len() >= expected.len();
        let _ = reader.follow(&api, usize::MAX, done);
        done(&reader)
    });
    let same = reader.bytes.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    assert!(
        reader.bytes == expected,
        "after {same} of {} bytes it has something else; {} came",
        expected.len(),
        reader.bytes.len()
    );
    let segments = disk::closed(&log).len();
    assert!(segments as u64 >= cuts / 20, "{segments} segments were closed meanwhile");
    println!("{cuts} cuts, {} bytes, {segments} segments, {:?}", expected.len(), begun.elapsed());
}
