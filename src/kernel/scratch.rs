//! A service that is there to be tried out: started by a keeper of its own, in a home of its own,
//! with a descendant that left its session and its parents behind. Then its whole tree is killed,
//! and nothing stays: no process, no cgroup, no file.
//!
//! Real services are not touched, and no daemon takes part.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::keeper::line;
use crate::keeper::protocol::{LINE_FD, Launch, Order, Report};

/// Each step is done within this, unless the machine is stuck.
const SOON: Duration = Duration::from_secs(10);

/// What the service does.
const SERVICE: &str = "echo to stdout; echo to stderr >&2
(setsid sh -c 'echo grandchild $$; exec sleep 600' &)
exec sleep 600";

/// Runs in place of a daemon, should we be killed: then the keeper is to end everything, too.
const GUARD: &str = "#!/bin/sh\nkill -TERM \"$PPID\"\n";

/// What was seen of a service that did as it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Its tree was a cgroup; otherwise it was found by looking through `/proc`.
    pub by_cgroup: bool,
    /// From the order to the executed program.
    pub launched: Duration,
    /// From the order to kill to the end of the last process.
    pub killed: Duration,
}

/// What did not work, and in which step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failed {
    /// There is no place for it, or no keeper.
    Keeper(String),
    /// The program was not executed.
    Launch(String),
    /// What it wrote did not arrive.
    Capture(String),
    /// Something of it lived on.
    Kill(String),
    /// Something of it was left behind.
    Leftover(String),
}

/// Tries one out in a new directory below `place`, with `program` as the keeper.
///
/// # Errors
/// The first step that did not work. What was begun is ended all the same.
pub fn try_service(program: &Path, place: &Path) -> Result<Seen, Failed> {
    let dir = place.join(format!("doctor-{}", std::process::id()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&dir)
        .map_err(|e| Failed::Keeper(format!("no directory can be made in {}: {e}", place.display())))?;
    let seen = Scratch::begin(program, &dir).and_then(|mut scratch| {
        let seen = scratch.live();
        let ended = scratch.end(seen.is_ok());
        seen.and_then(|seen| ended.map(|()| seen))
    });
    let removed = fs::remove_dir_all(&dir)
        .map_err(|e| Failed::Leftover(format!("{} cannot be removed: {e}", dir.display())));
    seen.and_then(|seen| removed.map(|()| seen))
}

/// The keeper, and the line to it.
struct Scratch {
    keeper: Child,
    line: OwnedFd,
    dir: PathBuf,
    /// The cgroup of the service, if it has one.
    leaf: Option<PathBuf>,
}

impl Scratch {
    fn begin(program: &Path, dir: &Path) -> Result<Scratch, Failed> {
        let broken = |e: &dyn std::fmt::Display| Failed::Keeper(format!("a keeper cannot be started: {e}"));
        let guard = dir.join("guard");
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o700).open(&guard).map_err(|e| broken(&e))?;
        io::Write::write_all(&mut file, GUARD.as_bytes()).map_err(|e| broken(&e))?;
        drop(file);
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (line, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).map_err(|e| broken(&e))?;
        let mut command = Command::new(program);
        command.arg("keeper").arg("--home").arg(dir.join("home"));
        command.args(["--adopt-daemon", &std::process::id().to_string()]);
        command.env("PMDAEMON_DAEMON_EXE", guard).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        let mapping = FdMapping { parent_fd: theirs, child_fd: LINE_FD };
        command.fd_mappings(vec![mapping]).map_err(|e| broken(&e))?;
        let keeper = command.spawn().map_err(|e| broken(&e))?;
        drop(command);
        let mut scratch = Scratch { keeper, line, dir: dir.to_owned(), leaf: None };
        match scratch.hear(|report| matches!(report, Report::Hello { .. }).then_some(())) {
            Ok(()) => Ok(scratch),
            Err(why) => {
                let _ = scratch.end(true);
                Err(Failed::Keeper(format!("the keeper does not introduce itself: {why}")))
            }
        }
    }

    /// The whole life of the service.
    fn live(&mut self) -> Result<Seen, Failed> {
        let begun = Instant::now();
        self.order(Order::Launch(Box::new(self.launch()))).map_err(Failed::Launch)?;
        let spawned = self.hear(|report| match report {
            Report::Spawned { pid, .. } => Some(Ok(*pid)),
            Report::SpawnFailed { detail, .. } => Some(Err(detail.clone())),
            Report::Hello { .. }
            | Report::Exited { .. }
            | Report::TreeGone { .. }
            | Report::Held { .. }
            | Report::ReplaceFailed(_)
            | Report::Signed { .. }
            | Report::Status { .. }
            | Report::Message { .. }
            | Report::QuitAsked { .. }
            | Report::Given { .. }
            | Report::LogsTended { .. }
            | Report::LogChanged { .. } => None,
        });
        let main = spawned.and_then(|spawned| spawned).map_err(Failed::Launch)?;
        let launched = begun.elapsed();
        self.leaf = leaf_of(main);
        let grandchild = self.captured()?;
        let begun = Instant::now();
        self.order(Order::KillTree { run: 1 }).map_err(Failed::Kill)?;
        self.hear(is_over).map_err(|why| Failed::Kill(format!("the end of the tree is not told: {why}")))?;
        let killed = begun.elapsed();
        match [main, grandchild].into_iter().find(|pid| lives(*pid)) {
            None => Ok(Seen { by_cgroup: self.leaf.is_some(), launched, killed }),
            Some(pid) => Err(Failed::Kill(format!("process {pid} lives on after its tree was killed"))),
        }
    }

    fn launch(&self) -> Launch {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        Launch {
            run: 1,
            process: 0,
            restarts: 0,
            port: None,
            shared: false,
            slot: None,
            local: false,
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), SERVICE.to_owned()],
            env: BTreeMap::from([("PATH".to_owned(), path)]),
            cwd: "/".into(),
            out_file: self.dir.join("out"),
            err_file: self.dir.join("err"),
            logs: Default::default(),
            resources: Default::default(),
            keepsake: String::new(),
            awaits: None,
            channel: false,
            notify: false,
            input: false,
        }
    }

    /// Waits for what it writes; answers with the descendant that left.
    fn captured(&self) -> Result<i32, Failed> {
        let deadline = Instant::now() + SOON;
        loop {
            let read = |name: &str| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
            let (out, err) = (read("out"), read("err"));
            let grandchild = out.lines().find_map(|line| line.strip_prefix("grandchild ")?.parse().ok());
            if let Some(grandchild) = grandchild
                && out.contains("to stdout\n")
                && err == "to stderr\n"
            {
                return Ok(grandchild);
            }
            if Instant::now() > deadline {
                return Err(Failed::Capture(format!(
                    "what a service writes does not arrive in its log: {out:?} and {err:?} did"
                )));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn order(&self, order: Order) -> Result<(), String> {
        line::send(self.line.as_fd(), &order).map_err(|e| format!("the keeper cannot be told: {e}"))
    }

    /// Waits for a report; those that do not fit are dropped.
    fn hear<T>(&mut self, fits: impl Fn(&Report) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + SOON;
        loop {
            match line::receive::<Report>(self.line.as_fd()) {
                Ok(Some(report)) => match fits(&report) {
                    Some(found) => return Ok(found),
                    None => continue,
                },
                Ok(None) => return Err("the keeper ended".to_owned()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(format!("the keeper is not understood: {e}")),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let ready = poll(&mut [PollFd::new(self.line.as_fd(), PollFlags::POLLIN)], timeout);
            if left.is_zero() || ready == Ok(0) {
                return Err(format!("nothing was heard within {} s", SOON.as_secs()));
            }
        }
    }

    /// Ends the keeper, and looks what is left. `over`: nothing of the service lives.
    fn end(&mut self, over: bool) -> Result<(), Failed> {
        if !over {
            // What it says is not asked any more; the first failure is the one to tell.
            let _ = self.order(Order::KillTree { run: 1 }).and_then(|()| self.hear(is_over));
        }
        let told = self.order(Order::Forget { run: 1 });
        let gone = |scratch: &Scratch| scratch.leaf.as_ref().is_none_or(|leaf| !leaf.exists());
        let deadline = Instant::now() + SOON;
        while told.is_ok() && !gone(self) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let told = told.and_then(|()| self.order(Order::Quit));
        let ended = loop {
            match self.keeper.try_wait() {
                Ok(Some(_)) => break true,
                Ok(None) if told.is_ok() && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(None) | Err(_) => break false,
            }
        };
        if !ended {
            let _ = self.keeper.kill();
            let _ = self.keeper.wait();
            return Err(Failed::Leftover("the keeper did not end when it was told to".to_owned()));
        }
        match &self.leaf {
            Some(leaf) if leaf.exists() => {
                Err(Failed::Leftover(format!("the cgroup {} was not removed", leaf.display())))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The last process of the tree is gone.
fn is_over(report: &Report) -> Option<()> {
    let over = matches!(report, Report::TreeGone { .. } | Report::Exited { tree_empty: true, .. });
    over.then_some(())
}

/// The cgroup that a keeper made for that process, if it did.
fn leaf_of(pid: i32) -> Option<PathBuf> {
    let own = crate::keeper::own_cgroup()?;
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let name = Path::new(path).file_name()?;
    name.to_string_lossy().starts_with("pmdaemon-").then(|| own.join(name))
}

/// There is such a process, and it is no zombie.
fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
