//! Restarts when files change (row J11).

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::home::ran;
use crate::support::{Home, SOON, proc, wait_for, wait_until};

/// How long it can be looked whether something happens that must not: two delays and then some.
const QUIET: Duration = Duration::from_millis(600);

/// An app that notes each start, and a directory that it watches.
fn watched(home: &Home, options: &[&str]) {
    std::fs::create_dir_all(home.work().join("src")).unwrap();
    home.file("src/lib.js", "");
    home.file("starts", "");
    let script = home.file("app.sh", "echo x >> \"$STARTS\"\nexec sleep 1000\n");
    let starts = format!("STARTS={}", home.mark().join("starts").display());
    home.ok(&[&["start", &script, "--name", "web", "--env", &starts, "--watch"], options].concat());
    wait_until("its first start", SOON, || starts_of(home) == 1);
    settle(home);
}

fn starts_of(home: &Home) -> usize {
    std::fs::read_to_string(home.mark().join("starts")).unwrap_or_default().lines().count()
}

/// The thread that watches has looked at everything: a file that it is to ignore tells nothing, so
/// one that counts is written until it is seen.
fn settle(home: &Home) {
    let before = starts_of(home);
    wait_for("the watch", SOON, || {
        home.file("src/lib.js", "warm");
        let seen = Instant::now();
        while seen.elapsed() < QUIET {
            if starts_of(home) > before {
                return Some(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    });
    stays(home, before + 1);
}

/// The number of starts, and no more than that for a while.
#[track_caller]
fn stays(home: &Home, starts: usize) {
    std::thread::sleep(QUIET);
    assert_eq!(starts_of(home), starts, "{:?}", events(home));
}

fn events(home: &Home) -> Vec<String> {
    let events = home.api().events("web", "process.files_changed");
    events.iter().map(|event| event["detail"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn j11_a_burst_of_writes_is_one_restart_within_300_ms_of_the_last_and_names_the_file() {
    let home = Home::new();
    watched(&home, &[]);
    let before = starts_of(&home);
    for number in 0..50 {
        home.file(&format!("src/part{number}.js"), "x");
        std::thread::sleep(Duration::from_millis(4));
    }
    let last = Instant::now();
    wait_until("the restart", SOON, || starts_of(&home) > before);
    let took = last.elapsed();
    println!("restarted {took:?} after the last write");
    stays(&home, before + 1);
    assert!(took < Duration::from_millis(300), "{took:?}");
    assert_eq!(events(&home).last().unwrap(), "web is restarted, because src/part0.js was changed");
    let process = home.process("web");
    assert_eq!((&process["status"], &process["unstable_restarts"]), (&json!("online"), &json!(0)));
    let why = home.ok(&["why", "web"]);
    assert!(why.contains("a file was changed"), "{why}");
}

#[test]
fn j11_what_does_not_count_restarts_nothing_and_gets_no_watch() {
    let home = Home::new();
    for directory in ["node_modules/a/b", ".git/objects", "logs"] {
        std::fs::create_dir_all(home.work().join(directory)).unwrap();
    }
    watched(&home, &["--ignore-watch", "logs,*.tmp", "--ext", "js,json"]);
    let before = starts_of(&home);
    for name in
        ["node_modules/a/b/x.js", ".git/objects/x.js", "logs/x.js", "src/x.tmp", "src/x.txt", ".env.js"]
    {
        home.file(name, "x");
    }
    // Reading is no change, nor are rights.
    std::fs::read(home.work().join("src/lib.js")).unwrap();
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(home.work().join("src/lib.js"), rights).unwrap();
    stays(&home, before);
    let watches = watches_of(home.keeper_and_daemon().1);
    // The working directory, src, and what is around.
    assert_eq!(watches, 3);
    home.file("src/x.json", "{}");
    wait_until("a file that counts", SOON, || starts_of(&home) == before + 1);
}

#[test]
fn j11_new_directories_replaced_files_and_moved_ones_are_seen() {
    let home = Home::new();
    watched(&home, &[]);
    let mut starts = starts_of(&home);
    let mut restarts = |what: &str, change: &dyn Fn(&Path)| {
        change(&home.work());
        starts += 1;
        wait_until(what, SOON, || starts_of(&home) == starts);
        stays(&home, starts);
    };
    restarts("a file in a directory that is new", &|work| {
        std::fs::create_dir_all(work.join("src/new/deep")).unwrap();
        std::fs::write(work.join("src/new/deep/a.js"), "").unwrap();
    });
    restarts("a change of it", &|work| std::fs::write(work.join("src/new/deep/a.js"), "b").unwrap());
    restarts("a file that is replaced", &|work| {
        std::fs::write(work.join(".lib.js.new"), "c").unwrap();
        std::fs::rename(work.join(".lib.js.new"), work.join("src/lib.js")).unwrap();
    });
    restarts("one that is removed", &|work| std::fs::remove_file(work.join("src/lib.js")).unwrap());
    restarts("a directory that is moved", &|work| {
        std::fs::rename(work.join("src/new"), work.join("src/old")).unwrap()
    });
    restarts("a file in it", &|work| std::fs::write(work.join("src/old/deep/a.js"), "d").unwrap());
}

#[test]
fn j11_a_stop_ends_watching_until_the_next_start_and_a_new_daemon_goes_on() {
    let home = Home::new();
    watched(&home, &[]);
    home.ok(&["stop", "web"]);
    let before = starts_of(&home);
    home.file("src/lib.js", "stopped");
    stays(&home, before);
    assert_eq!(home.process("web")["status"], "stopped");
    home.ok(&["start", "web"]);
    wait_until("its start", SOON, || starts_of(&home) == before + 1);
    settle(&home);
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || {
        home.run(&["list"]).code == 0 && home.keeper_and_daemon().1 != daemon
    });
    settle(&home);
}

#[test]
fn j11_watching_is_switched_on_and_off_as_in_pm2() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    home.ok(&["start", "--watch", &script, "--name", "web"]);
    let watches = || home.json(&["info", "web", "--json"])["watch"]["paths"][0].clone();
    assert_eq!(watches(), json!(home.work()));
    home.ok(&["restart", "web", "--watch"]);
    assert_eq!(watches(), json!(null));
    home.ok(&["restart", "web", "--watch"]);
    assert_eq!(watches(), json!(home.work()));
    home.ok(&["stop", "web", "--watch"]);
    assert_eq!(watches(), json!(null));
    assert_eq!(home.process("web")["status"], "stopped");
    home.run(&["start", &script, "--name", "b", "--watch", "nosuch"])
        .refused(1, &["nosuch", "does not exist"]);
    home.run(&["start", &script, "--name", "b", "--watch", "--ignore-watch", "[a"])
        .refused(1, &["[a", "glob"]);
    let alone = home.run(&["start", &script, "--name", "b", "--ext", "js"]);
    assert!(alone.code == 2 && alone.err.contains("--watch"), "{alone:?}");
}

/// A tree of 50,000 files: watched soon, and idle without any use of the CPU.
#[test]
fn j11_a_tree_of_50_000_files_costs_nothing_while_nothing_changes() {
    let home = Home::new();
    for directory in 0..500 {
        let directory = home.work().join(format!("src/d{}/e{directory}", directory % 20));
        std::fs::create_dir_all(&directory).unwrap();
        for file in 0..100 {
            std::fs::write(directory.join(format!("f{file}.js")), "").unwrap();
        }
    }
    let begun = Instant::now();
    watched(&home, &[]);
    println!("watched after at most {:?}", begun.elapsed());
    let daemon = home.keeper_and_daemon().1;
    let of_watching = || {
        let tasks = std::fs::read_dir(format!("/proc/{daemon}/task")).unwrap().flatten();
        let named = tasks.filter(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            name.starts_with("file watch") || name.starts_with("notify-rs")
        });
        let spent = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap();
            let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
            (numbers[0], numbers[2])
        };
        named.map(spent).collect::<Vec<_>>()
    };
    let before = of_watching();
    assert_eq!(before.len(), 2);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(of_watching(), before, "nanoseconds and turns on the CPU");
    let starts = starts_of(&home);
    home.file("src/d3/e3/f3.js", "changed");
    let last = Instant::now();
    wait_until("the restart", SOON, || starts_of(&home) > starts);
    println!("restarted {:?} after the write", last.elapsed());
}

/// In a namespace of users the limit is its own, so that it can be exhausted without harm to others.
#[test]
fn j11_an_exhausted_limit_of_watches_is_told_with_what_to_do() {
    let home = Home::new();
    for number in 0..20 {
        std::fs::create_dir_all(home.work().join(format!("src/d{number}"))).unwrap();
    }
    home.file("app.sh", "exec sleep 1000\n");
    let start = home.command(&["start", "app.sh", "--name", "web", "--watch"]);
    let mut command = std::process::Command::new("unshare");
    let line = "echo 5 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    command.args(["--user", "--map-root-user", "sh", "-c", line, "sh"]).arg(start.get_program());
    command.args(start.get_args()).current_dir(home.work()).env_clear().stdin(std::process::Stdio::null());
    command.envs(start.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = ran(&mut command);
    if ran.err.contains("unshare failed") || ran.err.contains("max_inotify_watches") {
        eprintln!("skipped: no namespaces of users here: {}", ran.err);
        return;
    }
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = wait_for("the sentence", SOON, || {
        let log = home.ok(&["logs", "--daemon", "--lines", "100"]);
        log.lines().find(|line| line.contains("web is watched only in part")).map(str::to_owned)
    });
    for words in ["limit of inotify watches", "raise it with sysctl", "--ignore-watch"] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(home.process("web")["status"], "online", "it runs all the same");
}

/// Watches of inotify that a process has.
fn watches_of(pid: i64) -> usize {
    let files = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap().flatten();
    let text = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path()).unwrap_or_default();
    files.map(|entry| text(entry).matches("inotify wd:").count()).sum()
}
