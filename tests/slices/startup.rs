//! Starting with the host, in the foreground, and as process 1 (acceptance rows J27, J32, A14).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;

use crate::support::home::{PROGRAM, ran, wait_until_gone};
use crate::support::{Home, SOON, fixture, proc, wait_until};

/// `pmdaemon run`, with a socket for what it tells the init system.
struct Foreground {
    home: Home,
    child: Child,
    told: UnixDatagram,
}

impl Foreground {
    fn start(home: Home) -> Foreground {
        Foreground::with(home, &[])
    }

    fn with(home: Home, variables: &[(&str, &str)]) -> Foreground {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let socket = home.mark().join(format!("notify-{}", STARTED.fetch_add(1, Ordering::Relaxed)));
        let told = UnixDatagram::bind(&socket).unwrap();
        told.set_read_timeout(Some(SOON)).unwrap();
        let log = fs::OpenOptions::new().create(true).append(true).open(home.mark().join("log")).unwrap();
        let mut command = home.command(&["run"]);
        let command = command
            .env("NOTIFY_SOCKET", &socket)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log);
        Foreground { child: command.spawn().unwrap(), home, told }
    }

    fn pid(&self) -> i64 {
        i64::from(self.child.id())
    }

    /// Whatever else is told before it.
    #[track_caller]
    fn hears(&self, line: &str) {
        let mut heard = Vec::new();
        wait_until(line, SOON, || {
            let mut text = [0; 1000];
            let length = self.told.recv(&mut text).unwrap_or_else(|e| panic!("{line} after {heard:?}: {e}"));
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            let is_it = text.lines().any(|told| told == line);
            heard.push(text);
            is_it
        });
    }

    fn exit_code(&mut self) -> Option<i32> {
        wait_until("its end", SOON, || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

#[test]
fn j27_in_the_foreground_it_says_when_it_is_ready_and_sigterm_stops_all_gracefully() {
    let mut run = Foreground::start(Home::new());
    run.hears("READY=1");
    // Ready means that a command is answered at once.
    run.home.ok(&["start", &fixture("server.js"), "--name", "web"]);
    assert_eq!(run.home.keeper_and_daemon().0, run.pid(), "it is the keeper itself");
    let web = run.home.pid("web");
    for pid in [web, run.home.keeper_and_daemon().1] {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        let speaks_to = environment.split('\0').find_map(|pair| pair.strip_prefix("NOTIFY_SOCKET="));
        // A service may have one of its own, which leads to the keeper.
        let ours = run.home.path().join("run").display().to_string();
        let to_us = speaks_to.is_none_or(|path| path.starts_with(&ours) || path.starts_with("@pmdaemon/"));
        assert!(to_us, "nobody else may speak for the service: {speaks_to:?}");
    }
    proc::send(run.pid(), Signal::SIGTERM);
    run.hears("STOPPING=1");
    assert_eq!(run.exit_code(), Some(0));
    assert!(!proc::lives(web));
    // What was wanted up comes back with the next start.
    let mut again = Foreground::start(run.home);
    again.hears("READY=1");
    wait_until("web is back", SOON, || again.home.process("web")["status"] == "online");
    again.home.ok(&["kill"]);
    assert_eq!(again.exit_code(), Some(0));
}

#[test]
fn j27_the_init_system_hears_how_many_are_up_and_that_the_keeper_is_alive_whatever_the_daemon_does() {
    let variables = [("WATCHDOG_USEC", "400000"), ("PMDAEMON_HANG_TIMEOUT", "4")];
    let mut run = Foreground::with(Home::new(), &variables);
    run.hears("WATCHDOG=1");
    run.hears("STATUS=no services");
    run.home.ok(&["start", &fixture("server.js"), "--name", "web"]);
    run.home.run(&["start", "sh", "--name", "gone", "--no-autorestart", "--", "-c", "exit 3"]);
    run.hears("STATUS=1 online, 1 errored");
    // It hangs, and nobody but itself ends for that.
    let (web, (keeper, daemon)) = (run.home.pid("web"), run.home.keeper_and_daemon());
    proc::send(daemon, Signal::SIGSTOP);
    run.hears("WATCHDOG=1");
    run.hears("READY=1");
    run.hears("WATCHDOG=1");
    let (same_keeper, other_daemon) = run.home.keeper_and_daemon();
    assert_eq!((same_keeper, run.home.pid("web")), (keeper, web));
    assert!(other_daemon != daemon && !proc::lives(daemon));
    let log = fs::read_to_string(run.home.mark().join("log")).unwrap();
    assert!(log.contains(&format!("the daemon, pid {daemon}, hangs, it said nothing for 4 s")), "{log}");
    run.home.ok(&["kill"]);
    assert_eq!(run.exit_code(), Some(0));
}

#[test]
fn j27_a_limit_of_silence_that_is_no_number_is_refused() {
    let home = Home::new();
    let refused = ran(home.command(&["run"]).env("PMDAEMON_HANG_TIMEOUT", "soon"));
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("PMDAEMON_HANG_TIMEOUT is \"soon\""), "{refused:?}");
    assert!(refused.err.contains("a whole number of seconds, or 0 for never"), "{refused:?}");
}

#[test]
fn j27_a_second_one_waits_behind_the_keeper_at_work_and_takes_over() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let (web, (keeper, daemon)) = (home.pid("web"), home.keeper_and_daemon());
    let mut run = Foreground::start(home);
    run.hears("READY=1");
    assert_eq!(run.home.keeper_and_daemon(), (keeper, daemon));
    // Both gone at once: nobody but the one that waits is there to take over.
    proc::send(daemon, Signal::SIGSTOP);
    proc::kill_hard(keeper);
    proc::kill_hard(daemon);
    run.hears("READY=1");
    assert_eq!((run.home.keeper_and_daemon().0, run.home.pid("web")), (run.pid(), web));
    run.home.ok(&["kill"]);
    assert_eq!(run.exit_code(), Some(0));
}

#[test]
fn j27_a_request_to_end_is_passed_on_to_the_keeper_at_work() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let (web, (keeper, daemon)) = (home.pid("web"), home.keeper_and_daemon());
    let mut run = Foreground::start(home);
    run.hears("READY=1");
    proc::send(run.pid(), Signal::SIGTERM);
    assert_eq!(run.exit_code(), Some(0));
    wait_until_gone(&[web, keeper, daemon]);
    wait_until("web is up with the next start", SOON, || run.home.process("web")["status"] == "online");
}

#[test]
fn j32_as_process_1_it_waits_for_orphans_and_sigterm_stops_all() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("not tested: only root can make a container");
    }
    let home = Home::new();
    let mut command = home.command(&[]);
    let environment: Vec<_> =
        command.get_envs().map(|(k, v)| (k.to_owned(), v.map(|v| v.to_owned()))).collect();
    command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", PROGRAM, "run"]).env_clear();
    command.envs(environment.into_iter().filter_map(|(k, v)| Some((k, v?)))).current_dir(home.work());
    let log = fs::File::create(home.mark().join("log")).unwrap();
    let mut container = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    wait_until("the daemon's socket", SOON, || home.path().join("token").exists());
    wait_until("an answer", SOON, || home.run(&["list"]).code == 0);
    // A child that is nobody's, and ends.
    let script =
        home.file("orphan.sh", "#!/bin/sh\n(setsid sh -c 'echo orphan; sleep 0.2' &)\nexec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web"]);
    home.wait_for_line("web", "orphan");
    assert_eq!(home.json(&["status", "--json"])["daemon"]["keeper_pid"], 1);
    let keeper = home.living_as("pmdaemon run").into_iter().find(|pid| {
        let inside = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        inside.lines().any(|line| line.starts_with("NSpid:") && line.split_whitespace().last() == Some("1"))
    });
    let keeper = keeper.expect("it is process 1 in there");
    let zombies = || {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i64>().ok());
        pids.filter_map(proc::stat).filter(|stat| stat.parent == keeper && stat.state == 'Z').count()
    };
    wait_until("the orphan is gone", SOON, || home.living_as("sleep 0.2").is_empty());
    wait_until("no zombie is left", SOON, || zombies() == 0);
    proc::send(keeper, Signal::SIGTERM);
    wait_until("its end", SOON, || container.try_wait().unwrap().is_some());
    assert_eq!(container.wait().unwrap().code(), Some(0));
    assert_eq!(home.living(), [0i64; 0]);
}

#[test]
fn j27_without_an_init_system_nothing_is_written_and_print_shows_the_unit_anyway() {
    if Path::new("/run/systemd/system").exists() || Path::new("/run/openrc").exists() {
        return eprintln!("not tested: an init system runs here");
    }
    let home = Home::new();
    for command in
        [vec!["startup"], vec!["startup", "systemd"], vec!["startup", "openrc"], vec!["startup", "--user"]]
    {
        home.run(&command).refused(1, &["no init system", "nothing was written", "pmdaemon run"]);
    }
    home.run(&["unstartup"]).refused(1, &["no init system", "nothing to undo"]);
    let unit = home.ok(&["startup", "systemd", "--print"]);
    assert!(unit.contains("Type=notify") && unit.contains(home.path().to_str().unwrap()), "{unit}");
    assert!(home.ok(&["startup", "openrc", "--print"]).contains("#!/sbin/openrc-run"));
    assert!(!Path::new("/etc/systemd/system/pmdaemon.service").exists());
    home.run(&["startup", "systemd", "--print", "-u", "nobody-of-that-name"])
        .refused(1, &["there is no user"]);
    home.run(&["startup", "systemd", "--print", "--service-name", "../x"])
        .refused(1, &["no name for a service"]);
    assert_eq!(home.run(&["startup", "upstart"]).code, 2);
    assert!(home.living().is_empty(), "it starts no daemon");
}

/// A host with systemd, as far as `startup` can see: its directory, and a `systemctl` that notes
/// what it is asked, and fails when there is a file `broken`.
fn host_with_systemd(home: &Home) -> bool {
    if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
        return false;
    }
    mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None).unwrap();
    for at in ["/run", "/etc/systemd/system"] {
        fs::create_dir_all(at).unwrap();
        mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some("size=1m")).unwrap();
    }
    fs::create_dir_all("/run/systemd/system").unwrap();
    let noted = home.work().join("noted");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {noted}\ntest ! -e {work}/broken || {{ echo 'Failed: no bus' >&2; exit 4; }}\n",
        noted = noted.display(),
        work = home.work().display()
    );
    let program = home.file("systemctl", &script);
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    true
}

#[test]
fn j27_startup_writes_and_enables_a_unit_and_unstartup_undoes_it() {
    let home = Home::new();
    if !host_with_systemd(&home) {
        return eprintln!("not tested: only root can play a host with systemd");
    }
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        ran(command.env("PATH", format!("{}:/usr/bin:/bin", home.work().display())))
    };
    let unit = Path::new("/etc/systemd/system/pmdaemon.service");
    let noted = || fs::read_to_string(home.work().join("noted")).unwrap_or_default();
    fs::write(home.work().join("broken"), "").unwrap();
    let failed = run(&["startup"]);
    assert!(failed.code == 1 && failed.err.contains("systemctl daemon-reload failed"), "{failed:?}");
    assert!(failed.err.contains("no bus") && !unit.exists(), "nothing is left: {failed:?}");
    fs::remove_file(home.work().join("broken")).unwrap();
    fs::remove_file(home.work().join("noted")).unwrap();

    let done = run(&["startup"]);
    let wrote = "Wrote /etc/systemd/system/pmdaemon.service.\nRan systemctl daemon-reload.\nRan systemctl enable \
                 pmdaemon.service.\n";
    assert_eq!((done.code, done.out.as_str()), (0, wrote), "{done:?}");
    assert!(done.err.contains("systemctl start pmdaemon.service"), "{done:?}");
    assert_eq!(noted(), "daemon-reload\nenable pmdaemon.service\n");
    assert!(fs::read_to_string(unit).unwrap().contains(home.path().to_str().unwrap()));
    assert_eq!(run(&["startup"]).code, 0, "again is no harm");

    let undone = run(&["unstartup"]);
    assert!(undone.code == 0 && undone.out.contains("Removed") && !unit.exists(), "{undone:?}");
    assert!(noted().ends_with("disable pmdaemon.service\ndaemon-reload\n"), "{}", noted());
    let again = run(&["unstartup"]);
    assert!(again.code == 0 && again.out.contains("nothing to undo"), "{again:?}");
    assert!(home.living().is_empty(), "it starts no daemon");
}
