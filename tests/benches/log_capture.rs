//! What it costs to capture logs: `cargo bench --bench log_capture`.
//!
//! For writes of 64 KiB and for one line of 100 bytes per write: CPU seconds of the keeper per
//! gigabyte (10^9 bytes), how fast the program writes compared with a pipe that is read at once (a
//! new pipe holds 64 KiB, the ones of services 1 MiB: both, read with as much at once), and whether
//! every numbered line is there once and in order. Beside them the floor of that moment: what
//! `cat >file` needs for what the same program writes, and what the kernel needs to write as much
//! from memory. Medians of `ROUNDS` (5), in each of which all are measured right after each other.
//!
//! On a virtual machine whose host takes back memory that was freed (free page reporting), the first
//! byte into each page that comes back costs more than everything that is measured here: a plain
//! `write` of a gigabyte takes 0.2 or 1.3 seconds of CPU. So before everything that is measured a file
//! as long is written in the same way and removed, and its pages are used again. `COLD=1` omits that.
//!
//! `MEGABYTES` (1000) and `LINE_MEGABYTES` (200) can be set; `LOG_DIR` is where the logs go, by default
//! a temporary directory.

#[allow(dead_code)]
#[path = "../keeper/rig.rs"]
mod rig;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
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
            let bench = Bench { writer: &writer, dir: dir.path(), megabytes, each, max_size };
            let all: Vec<[f64; 9]> = (0..rounds).map(|_| bench.round()).collect();
            let [keeper, rate, app, pipe_rate, pipe_app, wide_rate, wide_app, cat, floor] =
                std::array::from_fn(|figure| median(all.iter().map(|round| round[figure])));
            // Of what was measured right after each other: the machine is quicker in one round than in another.
            let ratio = |of: usize, to: usize| median(all.iter().map(|round| round[of] / round[to]));
            println!(
                "{what:>17}, {how:>15}: keeper {keeper:.2} CPU s/GB (cat {cat:.2}, write alone {floor:.2}); program \
                 {rate:>4.0} MB/s, {app:.2} CPU s/GB (into a pipe that is read at once {pipe_rate:>4.0} MB/s, \
                 {pipe_app:.2}; into one of 1 MiB {wide_rate:>4.0} MB/s, {wide_app:.2}): {:.2} times as fast, {:.2}",
                ratio(1, 3),
                ratio(1, 5),
            );
        }
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// One row of what is printed.
struct Bench<'a> {
    writer: &'a Path,
    dir: &'a Path,
    megabytes: u64,
    each: u64,
    max_size: Option<u64>,
}

impl Bench<'_> {
    /// CPU seconds of the keeper per gigabyte; megabytes per second and CPU seconds per gigabyte of
    /// the program; the same into a pipe, and into one of 1 MiB; CPU seconds per gigabyte of `cat`, and
    /// of writing alone.
    fn round(&self) -> [f64; 9] {
        let (pipe, pipe_app) = self.writes_into_a_pipe(64 * 1024);
        let (wide, wide_app) = self.writes_into_a_pipe(1 << 20);
        let (keeper, wall, app) = self.warm(Bench::captured);
        let cat = self.warm(Bench::through_cat);
        let floor = self.warm(Bench::written);
        let megabytes = self.megabytes as f64;
        let per_gigabyte = 1000.0 / megabytes;
        [
            keeper * per_gigabyte,
            megabytes / wall,
            app * per_gigabyte,
            megabytes / pipe,
            pipe_app * per_gigabyte,
            megabytes / wide,
            wide_app * per_gigabyte,
            cat * per_gigabyte,
            floor * per_gigabyte,
        ]
    }

    /// Measured with pages that the host has given already.
    fn warm<T>(&self, measured: fn(&Self) -> T) -> T {
        if std::env::var_os("COLD").is_none() {
            measured(self);
        }
        measured(self)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.writer);
        command.args(self.args()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn args(&self) -> [String; 2] {
        [(self.megabytes * 10_000).to_string(), self.each.to_string()]
    }

    /// Wall and CPU seconds of the program.
    fn writes_into_a_pipe(&self, room: usize) -> (f64, f64) {
        let mut child = self.command().spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        fcntl(&output, FcntlArg::F_SETPIPE_SZ(room as i32)).unwrap();
        let mut buffer = vec![0; room];
        while output.read(&mut buffer).unwrap() > 0 {}
        let said = child.wait_with_output().unwrap().stderr;
        times(&String::from_utf8(said).unwrap())
    }

    /// CPU seconds of the keeper, then wall and CPU seconds of the program.
    fn captured(&self) -> (f64, f64, f64) {
        let mut rig = Rig::new();
        let logs = self.dir.join("logs");
        let launch = rig.program(self.writer, &self.args().each_ref().map(String::as_str));
        let launch = Launch {
            out_file: logs.join("out"),
            err_file: logs.join("err"),
            logs: Logs { segments: Segments { max_size: self.max_size, max_age: None }, ..Logs::default() },
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
        check(&logs, self.megabytes * 10_000);
        let (wall, app) = times(&fs::read_to_string(logs.join("err")).unwrap());
        fs::remove_dir_all(&logs).unwrap();
        (cpu, wall, app)
    }

    /// CPU seconds of `cat >file`.
    fn through_cat(&self) -> f64 {
        let path = self.dir.join("cat");
        let mut child = self.command().spawn().unwrap();
        let before = cpu_of(UsageWho::RUSAGE_CHILDREN);
        let output = child.stdout.take().unwrap();
        let cat = Command::new("cat").stdin(output).stdout(File::create(&path).unwrap()).status();
        assert!(cat.unwrap().success());
        // Of children that were waited for: the program was not.
        let cpu = cpu_of(UsageWho::RUSAGE_CHILDREN) - before;
        child.wait().unwrap();
        fs::remove_file(path).unwrap();
        cpu
    }

    /// CPU seconds of the kernel for writing as much from memory, 64 KiB at once.
    fn written(&self) -> f64 {
        let (path, piece) = (self.dir.join("written"), vec![b'.'; 64 * 1024]);
        let mut file = File::create(&path).unwrap();
        let before = cpu_of(UsageWho::RUSAGE_THREAD);
        for _ in 0..self.megabytes * 1_000_000 / piece.len() as u64 {
            file.write_all(&piece).unwrap();
        }
        let cpu = cpu_of(UsageWho::RUSAGE_THREAD) - before;
        fs::remove_file(path).unwrap();
        cpu
    }
}

/// User and system time so far.
fn cpu_of(whom: UsageWho) -> f64 {
    let usage = getrusage(whom).unwrap();
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
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

/// CPU time so far of a program that has one thread. `stat` counts it in ticks of 10 ms, which is much
/// of what the keeper needs here.
fn cpu_seconds(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    text.split(' ').next().unwrap().parse::<u64>().unwrap() as f64 / 1e9
}
