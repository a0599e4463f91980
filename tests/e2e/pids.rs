//! Numbers of processes that are used again: in a namespace of their own, where the next number can
//! be chosen. A stranger that gets the number of a service is neither shown as it nor signalled.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{Home, SOON, fixture, proc, wait_for, wait_until};

/// Runs the test of that name, which is not run otherwise, as somebody in a new namespace.
fn in_a_namespace(name: &str) {
    if !nix::unistd::geteuid().is_root() {
        println!("not tested: a namespace of processes takes root");
        return;
    }
    let me = std::env::current_exe().unwrap();
    // The first process of a namespace has to wait for everybody: a shell does.
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", r#""$@"; exit $?"#, "sh"])
        .arg(me)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_stranger_with_the_number_of_a_service_is_left_alone() {
    in_a_namespace("e2e::pids::inside_a_namespace_with_cgroups");
}

#[test]
fn a_stranger_with_the_number_of_a_service_is_left_alone_without_cgroups_too() {
    in_a_namespace("e2e::pids::inside_a_namespace_without_cgroups");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_a_namespace_with_cgroups() {
    all_ways(false);
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_a_namespace_without_cgroups() {
    all_ways(true);
}

/// Who does not see the service end.
#[derive(Clone, Copy, Debug)]
enum Absent {
    Both,
    Keeper,
    Daemon,
}

fn all_ways(scanned: bool) {
    assert!(std::process::id() < 100, "this is the namespace of the test");
    for absent in [Absent::Both, Absent::Keeper, Absent::Daemon] {
        one_way(absent, scanned);
    }
}

fn one_way(absent: Absent, scanned: bool) {
    let home = Home::new();
    let mut first = home.command(&["start", &fixture("loop.sh"), "--restart-delay", "1h"]);
    if scanned {
        first.env("PMDAEMON_NO_CGROUP", "1");
    }
    assert!(first.status().unwrap().success());
    let pid = home.pid("loop");
    let (keeper, daemon) = home.keeper_and_daemon();
    proc::send(daemon, Signal::SIGSTOP);
    let gone = |pids: &[i64]| {
        pids.iter().copied().for_each(proc::kill_hard);
        wait_until("they are gone, and waited for", SOON, || {
            pids.iter().all(|pid| proc::stat(*pid).is_none())
        });
    };
    match absent {
        Absent::Both => gone(&[keeper, daemon]),
        Absent::Keeper => gone(&[keeper]),
        Absent::Daemon => {}
    }
    gone(&[pid]);
    let mut stranger = Stranger::with_number(pid);
    match absent {
        Absent::Both => {}
        Absent::Keeper => proc::send(daemon, Signal::SIGCONT),
        Absent::Daemon => gone(&[daemon]),
    }
    // Taken up by the next command: what was this number is over.
    let process = wait_for("the end is known", SOON, || {
        let process = home.process("loop");
        (process["status"] == "restarting" || process["status"] == "stopped").then_some(process)
    });
    assert!(process["pid"].is_null(), "{absent:?}: the stranger is shown: {process}");
    stranger.is_unharmed();
    home.ok(&["restart", "loop"]);
    assert_ne!(home.pid("loop"), pid);
    stranger.is_unharmed();
    home.ok(&["stop", "loop"]);
    home.ok(&["delete", "loop", "--force"]);
    stranger.is_unharmed();
    home.ok(&["kill"]);
    stranger.is_unharmed();
}

/// A process with a chosen number that leads a session, and its child in that session.
struct Stranger {
    leader: Child,
    child: i64,
}

impl Stranger {
    fn with_number(pid: i64) -> Stranger {
        let dir = tempfile::tempdir().unwrap();
        let told = dir.path().join("child");
        let leader = wait_for("a process with that number", SOON, || {
            // What an earlier try has said is not about this one.
            let _ = fs::remove_file(&told);
            let script = format!("sleep 5000 & echo $! > {}; wait", told.display());
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            // SAFETY: setsid may be called between fork and exec.
            unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into)) };
            fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
            let mut child = command.spawn().unwrap();
            if i64::from(child.id()) == pid {
                return Some(child);
            }
            // Somebody was quicker: another try.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            child.wait().unwrap();
            None
        });
        let child = wait_for("its child", SOON, || fs::read_to_string(&told).ok()?.trim().parse().ok());
        Stranger { leader, child }
    }

    fn is_unharmed(&mut self) {
        assert!(self.leader.try_wait().unwrap().is_none(), "the stranger was ended");
        for pid in [i64::from(self.leader.id()), self.child] {
            let state = proc::stat(pid).map(|stat| stat.state);
            assert!(matches!(state, Some('S' | 'R' | 'D')), "{pid} is {state:?}");
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        proc::kill_hard(self.child);
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}
