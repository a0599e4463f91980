//! What this host lets us do with processes, found out by doing it to a process of our own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};

use crate::keeper::{Leaf, Pidfd, own_cgroup};

/// A killed process is gone within this.
const SOON: Duration = Duration::from_secs(5);

/// Ends a process by its pidfd. Returns whether such a descriptor also tells how a process ended
/// that somebody else has reaped (`PIDFD_GET_INFO`, Linux 6.15).
///
/// # Errors
/// What failed, as part of a sentence.
pub fn try_pidfd() -> Result<bool, String> {
    let mut child = sleeper()?;
    let opened = Pidfd::open_any(child.id() as i32);
    let signalled = opened.and_then(|pidfd| pidfd.signal(libc::SIGKILL).map(|()| pidfd));
    let pidfd = signalled.map_err(|e| format!("a process cannot be signalled by its descriptor: {e}"));
    end(&mut child)?;
    Ok(pidfd?.exit_info().is_some())
}

/// Makes a cgroup beneath our own, puts a process into it and kills it by `cgroup.kill`.
///
/// # Errors
/// What failed, as part of a sentence.
pub fn try_cgroup() -> Result<(), String> {
    let parent = own_cgroup().ok_or("there is no cgroup v2 hierarchy")?;
    let shown = parent.display();
    access(&parent.join("cgroup.procs"), AccessFlags::W_OK)
        .map_err(|e| format!("{shown} is not ours to write: {e}"))?;
    let leaf = Leaf(parent.join(format!("pmdaemon-doctor-{}", std::process::id())));
    leaf.create().map_err(|e| format!("no cgroup can be made in {shown}: {e}"))?;
    let tried = kill_in(&leaf);
    leaf.remove();
    tried
}

fn kill_in(leaf: &Leaf) -> Result<(), String> {
    if !leaf.0.join("cgroup.kill").exists() {
        return Err("this kernel has no cgroup.kill, which came with Linux 5.14".to_owned());
    }
    let mut child = sleeper()?;
    let joined = std::fs::write(leaf.0.join("cgroup.procs"), child.id().to_string());
    let killed = joined
        .map_err(|e| format!("a process cannot join a cgroup in {}: {e}", leaf.0.display()))
        .and_then(|()| leaf.kill().map_err(|e| format!("cgroup.kill does not work: {e}")))
        .and_then(|()| wait(&mut child).then_some(()).ok_or("cgroup.kill killed nobody".to_owned()));
    end(&mut child)?;
    killed
}

fn sleeper() -> Result<Child, String> {
    let mut command = Command::new("sleep");
    command.arg("60").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|e| format!("no process can be started to try it on (sleep): {e}"))
}

/// Whether it ends soon.
fn wait(child: &mut Child) -> bool {
    let deadline = Instant::now() + SOON;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) | Err(_) => return false,
        }
    }
}

/// Whatever was tried, the process does not stay.
fn end(child: &mut Child) -> Result<(), String> {
    let _ = child.kill();
    child.wait().map(drop).map_err(|e| format!("a process that was killed is not reaped: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfd_ends_a_process() {
        // Whether it also tells how a process ended depends on the kernel, and agrees with its age.
        let newer = crate::kernel::version(&crate::kernel::release().unwrap()) >= Some((6, 15));
        assert_eq!(try_pidfd(), Ok(newer));
    }

    #[test]
    fn a_tried_cgroup_is_removed_again() {
        let told = try_cgroup();
        let Some(parent) = own_cgroup() else { return assert!(told.is_err()) };
        assert!(!parent.join(format!("pmdaemon-doctor-{}", std::process::id())).exists());
    }
}
