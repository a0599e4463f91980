//! `upgrade`: another program takes over while everything is in use.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::home::PROGRAM;
use crate::support::{Home, SOON, fixture, load, proc, soak, wait_until};

/// A script that is given as the new program; `$REAL` is the real one.
fn program(home: &Home, script: &str) -> String {
    let path = home.file("new-pmdaemon", &format!("#!/bin/sh\nREAL={PROGRAM}\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A service that numbers its lines, and one that serves.
fn two_services() -> (Home, u16) {
    let home = Home::new();
    home.ok(&["start", &fixture("server.js"), "--name", "web"]);
    home.ok(&["start", &fixture("chatter.py")]);
    let line = home.wait_for_line("web", "listening on");
    home.wait_for_line("chatter", "line 1");
    (home, line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// Pids and start times: the same processes, not only the same numbers.
fn identities(home: &Home) -> Vec<(Value, u64)> {
    let processes = home.processes();
    processes
        .iter()
        .map(|p| (p["pid"].clone(), proc::stat(p["pid"].as_i64().unwrap()).unwrap().start))
        .collect()
}

#[test]
fn under_load_no_request_fails_and_no_service_notices() {
    let (home, port) = two_services();
    let before = identities(&home);
    let (keeper, mut daemon) = home.keeper_and_daemon();
    let api = home.api();
    let stop = Arc::new(AtomicBool::new(false));
    let loads = [
        load::Load::tcp(port, "/", None, &stop),
        load::Load::tcp(api.address.port(), "/api/v1/processes", Some(&api.token), &stop),
        load::Load::tcp_kept_alive(api.address.port(), "/api/v1/processes", &api.token, &stop),
        load::Load::unix(&home.path().join("pmdaemon.sock"), "/api/v1/processes", &api.token, &stop),
    ];
    let rounds = soak::rounds(5, 50);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        let begun = Instant::now();
        let told = home.ok(&["upgrade", "--binary", PROGRAM]);
        longest = longest.max(begun.elapsed());
        assert!(told.starts_with("Upgraded from ") && told.contains("2 services went on"), "{told}");
        let (same, new) = home.keeper_and_daemon();
        assert_eq!(same, keeper, "the keeper is the same process");
        assert_ne!(new, daemon);
        daemon = new;
    }
    stop.store(true, Ordering::SeqCst);
    for load in loads {
        let done = load.finish();
        println!("{done}");
        assert_eq!(done.failures, Vec::<String>::new(), "{done}");
        // It went on through all of them.
        assert!(done.answered > 5 * rounds as u64, "{done}");
    }
    println!("{rounds} upgrades, the longest took {longest:?}");
    assert_eq!(identities(&home), before);
    for process in home.processes() {
        assert_eq!((&process["restarts"], &process["status"]), (&0.into(), &"online".into()), "{process}");
    }
    // Of however many programs that the keeper has been, how one ends is known exactly.
    let pid = home.pid("chatter");
    proc::send(pid, nix::sys::signal::Signal::SIGUSR2);
    wait_until("chatter is started again", SOON, || home.process("chatter")["restarts"] == 1);
    assert_eq!(home.process("chatter")["last_exit"]["signal"], "SIGUSR2");
    let out = home.ok(&["logs", "chatter", "--raw", "--lines", "100000"]);
    let numbers: Vec<u64> = out.lines().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect();
    let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1 && pair[1] != 1);
    assert_eq!(gap, None, "no line is missing");
}

#[test]
fn after_a_first_upgrade_ends_are_seen_and_programs_are_talked_to() {
    let (home, _) = two_services();
    let script = "process.on('message', (said) => console.log('heard ' + said.word)); console.log('here');";
    let listener = home.file("listener.js", script);
    home.ok(&["start", &listener]);
    home.wait_for_line("listener", "here");
    let pid = home.pid("listener");
    home.ok(&["upgrade", "--binary", PROGRAM]);
    home.ok(&["message", "listener", r#"{"word":"hello"}"#]);
    home.wait_for_line("listener", "heard hello");
    assert_eq!(home.pid("listener"), pid);
    proc::send(home.pid("chatter"), nix::sys::signal::Signal::SIGUSR2);
    proc::kill_hard(pid);
    wait_until("both are started again", SOON, || {
        ["chatter", "listener"].iter().all(|name| home.process(name)["restarts"] == 1)
    });
    assert_eq!(home.process("chatter")["last_exit"]["signal"], "SIGUSR2");
    assert_eq!(home.process("listener")["last_exit"]["signal"], "SIGKILL");
}

#[test]
fn a_program_that_is_no_good_is_refused_and_nothing_has_changed() {
    let (home, _) = two_services();
    let before = (identities(&home), home.keeper_and_daemon());
    for (script, why) in [
        ("echo broken >&2; exit 3", "failed its self-check: broken"),
        ("exec \"$REAL\" self-check --store /nonexistent", "failed its self-check: there is no copy"),
        ("dd if=/dev/zero of=\"$3\" bs=4096 count=4 2>/dev/null; exec \"$REAL\" \"$@\"", "is damaged"),
        ("echo hello", "its self-check is not understood"),
        ("kill -SEGV $$", "failed its self-check"),
        ("sleep 1000 & sleep 1000", "did not finish its self-check within 10 s"),
    ] {
        let path = program(&home, script);
        home.run(&["upgrade", "--binary", &path]).refused(1, &[why]);
        assert_eq!((identities(&home), home.keeper_and_daemon()), before, "{script}");
    }
    let gone = home.work().join("nothing");
    home.run(&["upgrade", "--binary", gone.to_str().unwrap()]).refused(1, &["cannot use", "nothing"]);
    let text = home.file("text", "not a program");
    home.run(&["upgrade", "--binary", &text]).refused(1, &["it is not executable"]);
    assert!(!home.path().join("upgrade").exists(), "no copy of the store stays");
    assert!(home.living_as("sleep 1000").is_empty(), "nothing of it is left");
}

#[test]
fn when_the_new_program_does_not_come_to_serve_the_old_one_goes_on() {
    let (home, _) = two_services();
    let before = identities(&home);
    for (script, why) in [
        // Its daemon ends at once.
        (
            r#"[ "$1" = keeper ] && echo "daemon.start 1" > "$PMDAEMON_HOME/fault"; exec "$REAL" "$@""#,
            "its daemon ended",
        ),
        // Its daemon hangs.
        (
            r#"[ "$1" = keeper ] && echo "daemon.start 1 hang" > "$PMDAEMON_HOME/fault"; exec "$REAL" "$@""#,
            "its daemon did not serve within 30 s",
        ),
        // Its keeper ends at once.
        (r#"[ "$1" = keeper ] && exit 9; exec "$REAL" "$@""#, "the keeper of the new program"),
        // Its keeper hangs.
        (r#"[ "$1" = keeper ] && exec sleep 1000; exec "$REAL" "$@""#, "the keeper of the new program"),
        // It cannot be executed in the end.
        (r#"chmod a-x "$0"; exec "$REAL" "$@""#, "cannot execute"),
    ] {
        let path = program(&home, script);
        home.run(&["upgrade", "--binary", &path]).refused(1, &["the upgrade failed", "goes on", why]);
        assert_eq!(identities(&home), before, "{script}");
        let (keeper, daemon) = home.keeper_and_daemon();
        for pid in [keeper, daemon] {
            let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
            assert_eq!(program, std::fs::canonicalize(PROGRAM).unwrap(), "{script}");
        }
        let log = home.ok(&["logs", "chatter", "--raw", "--lines", "5"]);
        wait_until("chatter goes on", SOON, || home.ok(&["logs", "chatter", "--raw", "--lines", "5"]) != log);
    }
    // And a good one is still welcome.
    home.ok(&["upgrade", "--binary", PROGRAM]);
    assert_eq!(identities(&home), before);
}

#[test]
fn a_program_of_another_protocol_takes_over_and_keeps_its_daemons() {
    let (home, _) = two_services();
    let before = identities(&home);
    let path = program(&home, r#"export PMDAEMON_CLAIM_PROTOCOL=99; exec "$REAL" "$@""#);
    home.ok(&["upgrade", "--binary", &path]);
    assert_eq!(identities(&home), before);
    // Its daemons speak the same, also those after a crash.
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || home.keeper_and_daemon() != (keeper, daemon));
    home.ok(&["restart", "chatter"]);
    home.ok(&["upgrade", "--binary", PROGRAM]);
    assert_eq!(home.keeper_and_daemon().0, keeper);
    assert_eq!(identities(&home)[0], before[0]);
}

#[test]
fn followers_of_logs_and_waiting_requests_go_on_over_an_upgrade() {
    let (home, _) = two_services();
    let mut follower = home
        .command(&["logs", "chatter", "--follow", "--raw", "--lines", "1"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = follower.stdout.take().unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let (counting, done) = (Arc::clone(&seen), Arc::new(AtomicBool::new(false)));
    let stop = Arc::clone(&done);
    let reader = std::thread::spawn(move || {
        let mut numbers: Vec<u64> = Vec::new();
        for line in std::io::BufRead::lines(std::io::BufReader::new(out)).map_while(Result::ok) {
            numbers.extend(line.strip_prefix("line ").and_then(|number| number.parse::<u64>().ok()));
            counting.store(numbers.len() as u64, Ordering::SeqCst);
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
        numbers
    });
    wait_until("it follows", SOON, || seen.load(Ordering::SeqCst) > 3);
    home.ok(&["upgrade", "--binary", PROGRAM]);
    let then = seen.load(Ordering::SeqCst);
    wait_until("it goes on", SOON, || seen.load(Ordering::SeqCst) > then + 100);
    done.store(true, Ordering::SeqCst);
    let numbers = reader.join().unwrap();
    let _ = follower.kill();
    let _ = follower.wait();
    let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert_eq!(gap, None, "no line twice, none missing");
}

#[test]
fn a_file_that_is_replaced_changes_nothing_until_an_upgrade() {
    let home = Home::new();
    let copy = home.work().join("pmdaemon");
    std::fs::copy(PROGRAM, &copy).unwrap();
    let with_copy = |args: &[&str]| {
        let mut command = std::process::Command::new(&copy);
        command.args(args).current_dir(home.work()).env("PMDAEMON_HOME", home.path()).output().unwrap()
    };
    let loop_script = fixture("loop.sh");
    assert!(with_copy(&["start", &loop_script]).status.success());
    let pid = home.pid("loop");
    let (keeper, daemon) = home.keeper_and_daemon();
    // As a package does it: another file under the same name.
    let broken = home.work().join("broken");
    std::fs::write(&broken, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&broken, &copy).unwrap();
    proc::kill_hard(daemon);
    wait_until("another daemon of the old program", SOON, || {
        let (same, new) = home.keeper_and_daemon();
        same == keeper && new != daemon
    });
    home.run(&["upgrade", "--binary", copy.to_str().unwrap()]).refused(1, &["failed its self-check"]);
    home.ok(&["upgrade", "--binary", PROGRAM]);
    assert_eq!((home.keeper_and_daemon().0, home.pid("loop")), (keeper, pid));
}

#[test]
fn without_a_daemon_there_is_nothing_to_upgrade() {
    let home = Home::new();
    assert!(home.ok(&["upgrade"]).starts_with("There is no daemon"));
    assert!(home.living().is_empty());
    home.ok(&["list"]);
    let told = home.ok(&["update"]);
    assert!(told.starts_with("Upgraded from ") && told.contains("Nothing was running"), "{told}");
}

#[test]
fn an_address_that_was_lent_to_a_command_ends_with_it_also_when_the_daemon_ends() {
    let home = Home::new();
    home.ok(&["list"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let served = || std::net::TcpStream::connect(free).is_ok();
    let end: [&dyn Fn(); 2] = [&|| proc::kill_hard(home.keeper_and_daemon().1), &|| {
        drop(home.ok(&["upgrade", "--binary", PROGRAM]))
    }];
    for end_daemon in end {
        let mut web = home
            .command(&["web", "--no-auth", "--port", &free.port().to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the address is served", SOON, served);
        let daemon = home.keeper_and_daemon().1;
        // Both at once: the daemon has no time to notice that its reader has left.
        proc::send(daemon, nix::sys::signal::Signal::SIGSTOP);
        web.kill().unwrap();
        web.wait().unwrap();
        proc::send(daemon, nix::sys::signal::Signal::SIGCONT);
        end_daemon();
        wait_until("another daemon", SOON, || home.keeper_and_daemon().1 != daemon);
        assert!(!served(), "nobody asked for it any more");
        let status = home.json(&["status", "--json"]);
        let listeners = status["daemon"]["listeners"].as_array().unwrap();
        assert!(
            listeners.iter().all(|one| one["port"] != free.port() && one["no_auth"].is_null()),
            "{status}"
        );
    }
}
