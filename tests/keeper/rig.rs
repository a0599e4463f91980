//! A keeper on a home of its own, with the test as its daemon. Whatever a test leaves alive, the
//! end of the rig kills.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use pmdaemon::home::Home;
use pmdaemon::keeper::line;
use pmdaemon::keeper::protocol::{Ending, Launch, Order, Report, RunReport, Step};

/// Nothing that is tested takes so long.
pub const LIMIT: Duration = Duration::from_secs(20);

pub const KEEPER: &str = env!("CARGO_BIN_EXE_pmdaemon");

/// Whether services get cgroups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trees {
    /// Where the host has them.
    Cgroups,
    /// Not even then.
    Scanned,
}

pub struct Rig {
    dir: tempfile::TempDir,
    trees: Trees,
    keeper: Child,
    line: Option<OwnedFd>,
    /// Received, not asked for yet.
    reports: Vec<Report>,
    last_run: u64,
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with(Trees::Cgroups)
    }

    pub fn with(trees: Trees) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, line) = start(dir.path(), trees);
        let mut rig = Rig { dir, trees, keeper, line: Some(line), reports: Vec::new(), last_run: 0 };
        assert!(rig.hello().is_empty());
        rig
    }

    pub fn home(&self) -> Home {
        Home::at(self.dir.path().join("home"))
    }

    /// A path beside the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.home().log_dir().join(name)
    }

    pub fn out(&self) -> Vec<u8> {
        fs::read(self.log("out")).unwrap_or_default()
    }

    pub fn keeper_pid(&self) -> i32 {
        self.keeper.id() as i32
    }

    pub fn order(&self, order: Order) {
        let line = self.line.as_ref().unwrap().as_fd();
        while let Err(error) = line::send(line, &order) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
            poll(&mut [PollFd::new(line, PollFlags::POLLOUT)], PollTimeout::NONE).unwrap();
        }
    }

    /// An order with a descriptor.
    pub fn order_with(&self, order: Order, socket: BorrowedFd<'_>) {
        line::send_with(self.line.as_ref().unwrap().as_fd(), &order, Some(socket)).unwrap();
    }

    /// A launch of that program, into the logs `out` and `err`.
    pub fn program(&mut self, program: impl Into<PathBuf>, args: &[&str]) -> Launch {
        self.last_run += 1;
        let marked = ("PMDAEMON_RIG".to_owned(), self.dir.path().display().to_string());
        let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
        Launch {
            run: self.last_run,
            process: 0,
            restarts: 0,
            port: None,
            shared: false,
            slot: None,
            local: false,
            program: program.into(),
            args: args.iter().map(|arg| arg.to_string()).collect(),
            env: BTreeMap::from([marked, path]),
            cwd: self.dir.path().to_owned(),
            out_file: self.log("out"),
            logs: Default::default(),
            resources: Default::default(),
            keepsake: "a keepsake".into(),
            awaits: None,
            channel: false,
            notify: false,
            input: false,
            err_file: self.log("err"),
        }
    }

    pub fn script(&mut self, script: &str) -> Launch {
        self.program("/bin/sh", &["-c", script])
    }

    /// Launches a script; its run and its process.
    pub fn start(&mut self, script: &str) -> (u64, i32) {
        let launch = self.script(script);
        self.launch(launch)
    }

    pub fn launch(&mut self, launch: Launch) -> (u64, i32) {
        let run = launch.run;
        self.order(Order::Launch(Box::new(launch)));
        (run, self.spawned(run))
    }

    pub fn spawned(&mut self, run: u64) -> i32 {
        self.wait_for(|report| match report {
            Report::Spawned { run: of, pid, .. } if *of == run => Some(*pid),
            Report::SpawnFailed { run: of, detail, .. } if *of == run => panic!("{detail}"),
            _ => None,
        })
    }

    pub fn spawn_failed(&mut self, launch: Launch) -> (Step, String) {
        let run = launch.run;
        self.order(Order::Launch(Box::new(launch)));
        self.wait_for(|report| match report {
            Report::SpawnFailed { run: of, step, detail, .. } if *of == run => Some((*step, detail.clone())),
            Report::Spawned { run: of, .. } if *of == run => panic!("it was executed"),
            _ => None,
        })
    }

    /// How the run ended, and whether its tree was empty then.
    pub fn exited(&mut self, run: u64) -> (Ending, bool) {
        self.wait_for(|report| match report {
            Report::Exited { run: of, end, tree_empty, .. } if *of == run => Some((*end, *tree_empty)),
            _ => None,
        })
    }

    pub fn tree_gone(&mut self, run: u64) {
        self.wait_for(|report| matches!(report, Report::TreeGone { run: of } if *of == run).then_some(()));
    }

    /// The end of a run whose tree must be empty at once or a moment later.
    pub fn ended(&mut self, run: u64) -> Ending {
        let (end, empty) = self.exited(run);
        if !empty {
            self.tree_gone(run);
        }
        end
    }

    pub fn hello(&mut self) -> Vec<RunReport> {
        self.wait_for(|report| match report {
            Report::Hello { runs, .. } => Some(runs.clone()),
            _ => None,
        })
    }

    /// The first report that fits, received already or yet to come.
    pub fn wait_for<T>(&mut self, fits: impl Fn(&Report) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some((at, found)) = self.reports.iter().enumerate().find_map(|(i, r)| Some((i, fits(r)?)))
            {
                self.reports.remove(at);
                return found;
            }
            let report = receive(self.line.as_ref().unwrap(), deadline);
            self.reports
                .push(report.unwrap_or_else(|| panic!("waited in vain; received: {:?}", self.reports)));
        }
    }

    /// SIGKILL to the keeper.
    pub fn kill_keeper(&mut self) {
        self.keeper.kill().unwrap();
        self.keeper.wait().unwrap();
        self.line = None;
        self.reports.clear();
    }

    /// The next keeper; returns what it has taken over.
    pub fn next_keeper(&mut self) -> Vec<RunReport> {
        let (keeper, line) = start(self.dir.path(), self.trees);
        self.keeper = keeper;
        self.line = Some(line);
        self.hello()
    }

    pub fn drop_line(&mut self) {
        self.line = None;
    }

    pub fn keeper_ended(&mut self) -> Option<i32> {
        let mut status = None;
        until("the keeper ends", || {
            status = self.keeper.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }

    pub fn signal_keeper(&self, signal: Signal) {
        kill(Pid::from_raw(self.keeper_pid()), signal).unwrap();
    }

    /// What is left of runs in the home, by name.
    pub fn run_dir(&self) -> Vec<String> {
        names(&self.home().run_dir())
    }

    /// The record of a run, and where it is.
    pub fn record(&self, run: u64) -> (PathBuf, serde_json::Value) {
        let dir = self.home().run_dir();
        let records = self.run_dir().into_iter().filter(|name| name.ends_with(".json"));
        let mut all = records.map(|name| {
            let path = dir.join(name);
            let record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path, record)
        });
        all.find(|(_, record)| record["run"] == run).unwrap()
    }

    /// The cgroups of this home.
    pub fn leaves(&self) -> Vec<PathBuf> {
        let home = fs::canonicalize(self.home().path()).unwrap();
        let hash = home
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        let mut found = Vec::new();
        for root in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] {
            if Path::new(root).join("cgroup.procs").exists() {
                find_leaves(Path::new(root), &format!("pmdaemon-{hash:08x}-"), &mut found);
            }
        }
        found
    }

    /// The living processes of all runs of this rig.
    pub fn alive(&self) -> Vec<i32> {
        let mark = format!("PMDAEMON_RIG={}", self.dir.path().display());
        let has_mark = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let pids = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
        pids.filter(has_mark).filter(|pid| is_alive(*pid)).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        for pid in self.alive() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let deadline = Instant::now() + LIMIT;
        while !self.leaves().iter().all(|leaf| fs::remove_dir(leaf).is_ok()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.path("keeper.log")).unwrap_or_default());
        }
    }
}

/// A keeper whose daemon is this process. The shell puts the line where it belongs, and leaves
/// another descriptor open that is nobody's business.
fn start(dir: &Path, trees: Trees) -> (Child, OwnedFd) {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    let log = fs::OpenOptions::new().create(true).append(true).open(dir.join("keeper.log")).unwrap();
    let keeper = Command::new("/bin/sh")
        .args(["-c", r#"exec "$0" "$@" 3<&0 0</dev/null 9</dev/null"#, KEEPER, "keeper"])
        .arg("--home")
        .arg(dir.join("home"))
        .args(["--adopt-daemon", &std::process::id().to_string()])
        .env("PMDAEMON_NO_CGROUP", if trees == Trees::Scanned { "1" } else { "0" })
        .env("PMDAEMON_DAEMON_EXE", "/bin/true")
        .stdin(Stdio::from(theirs))
        .stderr(log)
        .spawn()
        .unwrap();
    (keeper, ours)
}

fn receive(line: &OwnedFd, deadline: Instant) -> Option<Report> {
    loop {
        match line::receive(line.as_fd()) {
            Ok(Some(report)) => return Some(report),
            Ok(None) => panic!("the keeper is gone"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        let timeout = PollTimeout::try_from(left).unwrap();
        poll(&mut [PollFd::new(line.as_fd(), PollFlags::POLLIN)], timeout).unwrap();
    }
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// There is such a process, and it is no zombie.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn find_leaves(dir: &Path, prefix: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(entry.path());
            } else {
                find_leaves(&entry.path(), prefix, found);
            }
        }
    }
}
