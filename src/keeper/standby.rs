//! A keeper that was started in the foreground and finds another one at work: the daemon was
//! quicker than the init system to replace one that died, or somebody had started pmdaemon by hand.
//!
//! To end then would tell the init system that the service failed. So it waits behind the other
//! one, and takes over when that is gone. A request to end is passed on to the other one, and done
//! when that has ended.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::notify::Listener;
use super::say;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);

/// What came of waiting.
pub enum Waited {
    /// The other one is gone: take over.
    Free,
    /// We were asked to end, and so was the other one, which has.
    Ended,
}

/// Waits until nobody holds the lock at that path. `init` hears that we are there, once we listen to
/// its signals.
pub fn wait(lock: &Path, init: &Listener) -> Waited {
    let wanted: SigSet = [Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let signals = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&wanted), None)
        .and_then(|()| SignalFd::with_flags(&wanted, flags));
    init.stands_by();
    let mut asked = false;
    let mut alive = init.alive(Instant::now());
    loop {
        if alive.is_some_and(|at| at <= Instant::now()) {
            alive = init.alive(Instant::now());
        }
        let free = File::open(lock).map_or(true, |file| file.try_lock_shared().is_ok());
        match (free, asked) {
            (true, false) => return Waited::Free,
            (true, true) => return Waited::Ended,
            (false, _) => {}
        }
        if let Ok(signals) = &signals
            && let Ok(Some(_)) = signals.read_signal()
        {
            asked = true;
            match holder(lock) {
                Some(pid) => {
                    say::info!("asked to end: so is the keeper that is at work, pid {pid}");
                    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                }
                None => say::warning!("asked to end, and nobody knows who the keeper at work is"),
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// Who holds the lock of that file, as `/proc/locks` says.
fn holder(lock: &Path) -> Option<i32> {
    let meta = fs::metadata(lock).ok()?;
    let device = meta.dev();
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    find(&fs::read_to_string("/proc/locks").ok()?, major, minor, meta.ino())
}

fn find(locks: &str, major: u64, minor: u64, inode: u64) -> Option<i32> {
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // `1: FLOCK ADVISORY WRITE 812 fe:00:1234 0 EOF`; who waits has an arrow.
        let at = words.iter().position(|word| *word == "FLOCK")?;
        let is_it = at == 1 && words.get(5) == Some(&file.as_str());
        is_it.then(|| words.get(4)?.parse().ok().filter(|pid| *pid > 0))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_and_who_waits_is_not() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 fe:00:12 0 EOF\n2: FLOCK  ADVISORY  WRITE 812 fe:00:1234 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 99 fe:00:1234 0 EOF\n3: FLOCK  ADVISORY  WRITE -1 fe:00:5 0 EOF\n";
        assert_eq!(find(locks, 0xfe, 0, 1234), Some(812));
        assert_eq!(find(locks, 0xfe, 0, 12), None);
        assert_eq!(find(locks, 0xfe, 0, 5), None, "in another pid namespace");
        let dir = tempfile::tempdir().unwrap();
        let file = File::create(dir.path().join("lock")).unwrap();
        file.lock().unwrap();
        assert_eq!(holder(&dir.path().join("lock")), Some(std::process::id() as i32));
    }
}
