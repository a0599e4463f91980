//! Bad input: one clear sentence, an exit code, and nothing that is half there.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use crate::support::home::ran;
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// Fails unless there is no process and no definition.
#[track_caller]
fn nothing_is_left(home: &Home) {
    assert_eq!(home.ok(&["list"]), "no processes\n");
    assert_eq!(home.api().get("/api/v1/apps")["items"], serde_json::json!([]));
    let logs = std::fs::read_dir(home.path().join("logs")).unwrap().count();
    assert_eq!(logs, 0, "log files of nothing");
}

#[test]
fn what_cannot_run_is_refused_and_leaves_nothing() {
    let home = Home::new();
    home.ok(&["list"]);
    let plain = home.file("plain", "no program\n");
    let broken = home.file("broken", "#!/no/such/program\n");
    let garbage = home.file("garbage", "\u{1}\u{2}\u{3}");
    for file in [&broken, &garbage] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = fixture("loop.sh");
    let check = |args: &[&str], words: &[&str]| {
        let args = [&["start"], args].concat();
        home.run(&args).refused(1, words);
        nothing_is_left(&home);
    };
    check(&["nosuch.js"], &["nosuch.js"]);
    check(&["/no/such/file.js"], &["/no/such/file.js"]);
    check(&["nosuchcommand"], &["nosuchcommand"]);
    check(&[&script, "--cwd", "/no/such/dir"], &["/no/such/dir", "does not exist"]);
    check(&[&script, "--cwd", &plain], &[&plain]);
    check(&["/tmp"], &["/tmp is a directory"]);
    check(&[&plain], &[&plain, "chmod +x"]);
    check(&[&broken], &["broken", "/no/such/program"]);
    check(&[&script, "--interpreter", "nosuchinterpreter"], &["nosuchinterpreter"]);
    check(&[&script, "--name", "0bad"], &["0bad"]);
    check(&[&script, "--name", "a/b"], &["a/b"]);
    check(&[&script, "--name", "all"], &["all"]);
    check(&[&script, "--kill-signal", "SIGNOPE"], &["SIGNOPE"]);
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "webserver"]);
    for verb in ["stop", "restart", "delete", "info", "logs", "events"] {
        home.run(&[verb, "websever"]).refused(1, &["websever", "did you mean webserver?"]);
    }
    home.run(&["stop", "99"]).refused(1, &["99"]);
    home.run(&["start", "99"]).refused(1, &["99"]);
    assert_eq!(home.process("webserver")["status"], "online");
}

#[test]
fn one_unknown_name_does_not_keep_the_others_from_being_stopped() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let ran = home.run(&["stop", "nosuch", "web"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "Stopped web (id 0).\n"), "{ran:?}");
    assert!(ran.err.contains("nosuch"), "{ran:?}");
}

#[test]
fn a_duplicate_name_is_refused_and_the_first_runs_on() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let pid = home.pid("web");
    home.run(&["start", &fixture("server.js"), "--name", "web"])
        .refused(1, &["web", "is running already", "--force"]);
    assert_eq!(home.processes().len(), 1);
    assert_eq!(home.pid("web"), pid);
}

#[test]
fn wrong_usage_is_told_with_code_2_and_starts_no_daemon() {
    let home = Home::new();
    for args in [
        vec!["--bogus"],
        vec!["list", "--bogus"],
        vec!["nosuchcommand"],
        vec!["start"],
        vec!["stop"],
        vec![],
        vec!["start", "x.js", "--kill-timeout", "soon"],
        vec!["start", "x.js", "--env", "NOVALUE"],
        vec!["start", "x.js", "--instances", "many"],
        vec!["start", "x.js", "--instances", "100000"],
        vec!["start", "x.js", "--stop-exit-codes", "256"],
        vec!["logs", "--lines", "-1"],
        vec!["web", "--port", "70000"],
    ] {
        let ran = home.run(&args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty() && !ran.err.contains("panicked"), "{args:?}: {ran:?}");
    }
    assert_eq!(home.living(), [0i64; 0]);
    assert!(!home.path().exists());
}

#[test]
fn a_home_that_cannot_be_one_is_told() {
    let home = Home::new();
    std::fs::write(home.path(), "a file").unwrap();
    home.run(&["list"]).refused(1, &[home.path().to_str().unwrap()]);
    std::fs::remove_file(home.path()).unwrap();
    std::fs::create_dir(home.path()).unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    home.run(&["list"]).refused(1, &["chmod 700"]);
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    home.ok(&["list"]);
}

#[test]
fn a_daemon_that_cannot_start_is_explained() {
    let home = Home::new();
    std::fs::create_dir(home.path()).unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    // A store that leads elsewhere is nobody's to repair: no daemon can start.
    let store = home.path().join("store.db");
    std::os::unix::fs::symlink(home.mark().join("elsewhere"), &store).unwrap();
    let ran = home.run(&["list"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(ran.err.contains("store.db"), "the reason is told: {ran:?}");
    std::fs::remove_file(store).unwrap();
    home.run(&["kill"]);
}

#[test]
fn a_path_too_long_for_a_socket_is_told() {
    let home = Home::new();
    let long = home.mark().join("x".repeat(120));
    let ran = crate::support::home::ran(home.command(&["list"]).env("PMDAEMON_HOME", &long));
    ran.refused(1, &["PMDAEMON_HOME"]);
}

#[test]
fn a_damaged_or_open_token_file_is_told_and_mended() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let token = home.path().join("token");
    let good = std::fs::read_to_string(&token).unwrap();
    let works = || home.run(&["list"]).code == 0;
    let (_, daemon) = home.keeper_and_daemon();
    // A daemon that is awake mends the file, perhaps before the command looks at it.
    proc::send(daemon, Signal::SIGSTOP);
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["list"]).refused(1, &["chmod 600", token.to_str().unwrap()]);
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    for damage in ["", "garbage", "\u{0}\u{0}", &good[..good.len() / 2]] {
        std::fs::write(&token, damage).unwrap();
        home.run(&["list"]).refused(1, &["token"]);
    }
    proc::send(daemon, Signal::SIGCONT);
    wait_until("a new token", SOON, works);

    // Well-formed, and nobody's.
    std::fs::write(&token, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.AAAA").unwrap();
    home.run(&["list"]).refused(1, &["token"]);
    std::fs::remove_file(&token).unwrap();
    wait_until("a token in place of the one that is gone", SOON, works);
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(home.process("loop")["restarts"], 0);
}

#[test]
fn a_daemon_that_does_not_answer_is_told() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let (_, daemon) = home.keeper_and_daemon();
    proc::send(daemon, Signal::SIGSTOP);
    let ran = home.run(&["list"]);
    proc::send(daemon, Signal::SIGCONT);
    ran.refused(1, &["did not answer in time"]);
    assert_eq!(home.process("loop")["restarts"], 0);
}

#[test]
fn a_script_that_may_not_be_read_is_refused() {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let home = Home::new();
    let script = home.file("secret.js", "setInterval(() => {}, 1000)");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o000)).unwrap();
    if !nix::unistd::geteuid().is_root() {
        home.run(&["start", &script]).refused(1, &["secret.js", "ermission"]);
        return nothing_is_left(&home);
    }
    // Root may read everything, so somebody else tries, with a program that they may execute.
    let program = home.mark().join("pmdaemon");
    std::fs::copy(crate::support::home::PROGRAM, &program).unwrap();
    std::fs::set_permissions(home.mark(), std::fs::Permissions::from_mode(0o711)).unwrap();
    std::fs::create_dir(home.path()).unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let run = |args: &[&str]| {
        let clean = home.command(&[]);
        let mut command = std::process::Command::new(&program);
        command.args(args).current_dir(home.work()).env_clear().uid(NOBODY).gid(NOBODY);
        command.envs(clean.get_envs().filter_map(|(name, value)| Some((name, value?))));
        crate::support::home::ran(&mut command)
    };
    run(&["start", &script]).refused(1, &["secret.js", "ermission"]);
    assert_eq!(run(&["list"]).out, "no processes\n");
    let killed = run(&["kill"]);
    assert_eq!(killed.code, 0, "{killed:?}");
}

#[test]
fn the_contexts_of_another_user_are_no_reason_not_to_work() {
    let home = Home::new();
    home.ok(&["list"]);
    let config = home.work().join("theirs/.config/pmdaemon");
    std::fs::create_dir_all(&config).unwrap();
    let theirs = config.join("contexts.json");
    std::fs::write(&theirs, "{}").unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o600)).unwrap();
    if std::os::unix::fs::chown(&theirs, Some(65_534), None).is_err() {
        println!("only root may give files away");
        return;
    }
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        ran(command.env("HOME", home.work().join("theirs")).env_remove("XDG_CONFIG_HOME"))
    };
    let list = run(&["list"]);
    assert_eq!((list.code, list.out.as_str()), (0, "no processes\n"), "{list:?}");
    run(&["--context", "prod", "list"]).refused(1, &["no context \"prod\"", "another user's", "set HOME"]);
}
