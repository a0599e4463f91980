//! What it costs to capture logs: `cargo bench --bench log_capture`.
//!
//! For writes of 64 KiB and for one line of 100 bytes per write: CPU seconds of the keeper per
//! gigabyte (10^9 bytes), how fast the program writes compared with a pipe that is read at once, and
//! whether every numbered line is there once and in order. Medians of `ROUNDS` (5), in each of which
//! the pipe is measured right before the log. `MEGABYTES` (1000) and `LINE_MEGABYTES` (200) can be set;
//! `LOG_DIR` is where the logs go, by default a temporary directory.

#[allow(dead_code)]
#[path = "../keeper/rig.rs"]
mod rig;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pmdaemon::keeper::protocol::{Launch, Logs, Segments};
use rig::Rig;

/// Numbered lines of 100 bytes: how many, and how many in each write. Prints its own time, wall and
/// CPU, to standard error.
const WRITER: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
    long count = atol(argv[1]), each = atol(argv[2]), done = 0;
    char *block = malloc(each * 100 + 1);
    struct timespec a, b, cpu;
    clock_gettime(CLOCK_MONOTONIC, &a);
    while (done < count) {
        long many = count - done < each ? count - done : each;
        memset(block, '.', many * 100);
        for (long i = 0; i < many; i++) {
            char number[24];
            int length = sprintf(number, "%012ld", done + i + 1);
            memcpy(block + i * 100, number, length);
            block[i * 100 + 99] = '\n';
        }
        for (long at = 0; at < many * 100;) {
            long written = write(1, block + at, many * 100 - at);
            if (written < 0) return 1;
            at += written;
        }
        done += many;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    fprintf(stderr, "%.6f %.6f", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9, cpu.tv_sec + cpu.tv_nsec / 1e9);
    return 0;
}
"#;

fn main() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (blocks, lines) = (number("MEGABYTES", 1000), number("LINE_MEGABYTES", 200));
    let rounds = number("ROUNDS", 5);
    let dir = tempfile::tempdir_in(std::env::var("LOG_DIR").unwrap_or_else(|_| "/tmp".to_owned())).unwrap();
    let writer = dir.path().join("writer");
    fs::write(dir.path().join("writer.c"), WRITER).unwrap();
    let built = Command::new("cc").args(["-O2", "-o"]).arg(&writer).arg(dir.path().join("writer.c")).status();
    assert!(built.unwrap().success());
    println!("medians of {rounds} rounds; in every round all lines were there once and in order");
    for (what, megabytes, each) in [("64 KiB a write", blocks, 655), ("100 bytes a write", lines, 1)] {
        for (how, max_size) in [("one file", None), ("10 MiB segments", Some(10 << 20))] {
            let round = |_| {
                let pipe = into_a_pipe(&writer, megabytes, each);
                let (cpu, app) = captured(&writer, dir.path(), megabytes, each, max_size);
                [cpu, app.0, app.1, pipe.0, pipe.1]
            };
            let all: Vec<[f64; 5]> = (0..rounds).map(round).collect();
            let [cpu, wall, app_cpu, pipe_wall, pipe_cpu] =
                std::array::from_fn(|figure| median(all.iter().map(|round| round[figure])));
            let gigabytes = megabytes as f64 / 1000.0;
            println!(
                "{what:>17}, {how:>15}: keeper {:.2} CPU s/GB; program {:>5.0} MB/s, {:.2} CPU s/GB; into a pipe that \
                 is read at once {:>5.0} MB/s, {:.2} CPU s/GB; {:.2} times as fast as that",
                cpu / gigabytes,
                megabytes as f64 / wall,
                app_cpu / gigabytes,
                megabytes as f64 / pipe_wall,
                pipe_cpu / gigabytes,
                pipe_wall / wall,
            );
        }
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn into_a_pipe(writer: &Path, megabytes: u64, each: u64) -> (f64, f64) {
    let mut child = Command::new(writer)
        .args([(megabytes * 10_000).to_string(), each.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 20];
    while output.read(&mut buffer).unwrap() > 0 {}
    let said = child.wait_with_output().unwrap().stderr;
    times(&String::from_utf8(said).unwrap())
}

fn captured(
    writer: &Path,
    dir: &Path,
    megabytes: u64,
    each: u64,
    max_size: Option<u64>,
) -> (f64, (f64, f64)) {
    let mut rig = Rig::new();
    let logs = dir.join("logs");
    let launch = rig.program(writer, &[&(megabytes * 10_000).to_string(), &each.to_string()]);
    let launch = Launch {
        out_file: logs.join("out"),
        err_file: logs.join("err"),
        logs: Logs { segments: Segments { max_size, max_age: None }, ..Logs::default() },
        ..launch
    };
    let before = cpu_seconds(rig.keeper_pid());
    let (run, _) = rig.launch(launch);
    let deadline = Instant::now() + Duration::from_secs(600);
    while fs::metadata(logs.join("err")).map_or(0, |meta| meta.len()) == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    rig.ended(run);
    let cpu = cpu_seconds(rig.keeper_pid()) - before;
    check(&logs, megabytes * 10_000);
    let app = times(&fs::read_to_string(logs.join("err")).unwrap());
    fs::remove_dir_all(&logs).unwrap();
    (cpu, app)
}

/// Every line is there once and in order, over all segments.
fn check(logs: &Path, count: u64) {
    let names = fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut segments: Vec<String> =
        names.filter(|name| name.starts_with("out.0") && !name.ends_with(".idx")).collect();
    segments.sort();
    segments.push("out".to_owned());
    let mut expected = 0;
    for segment in segments {
        for line in fs::read(logs.join(segment)).unwrap().chunks(100) {
            expected += 1;
            let number: u64 = std::str::from_utf8(&line[..12]).unwrap().parse().unwrap();
            assert!(number == expected && line.ends_with(b"\n"), "line {expected} is {number}");
        }
    }
    assert_eq!(expected, count);
}

fn times(text: &str) -> (f64, f64) {
    let (wall, cpu) = text.trim().split_once(' ').unwrap();
    (wall.parse().unwrap(), cpu.parse().unwrap())
}

/// User and system time so far.
fn cpu_seconds(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) as f64 / 100.0
}
