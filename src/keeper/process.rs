//! One process of the host: who it is beyond its number, how it ended, and a way to signal it
//! that cannot hit another.
//!
//! A pid is reused, the pair of pid and start time is not (within one boot). A pidfd that was
//! opened *before* the start time was compared is proven to be the right process.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::errno::Errno;

use super::protocol::Ending;

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// Its parent.
    pub ppid: i32,
    /// Its session.
    pub session: i32,
    /// Clock ticks since boot at which it started.
    pub start: u64,
    /// It has ended, and waits for its parent to ask how.
    pub zombie: bool,
    /// How it ended, as `waitpid` tells it; 0 also when we may not know.
    status: i32,
}

/// Reads about a process; `None` when there is none of that number.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &[u8]) -> Option<Stat> {
    let text = String::from_utf8_lossy(text);
    // The command's name may contain anything, also parentheses and spaces.
    let (head, tail) = text.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    // A main thread that ended before its siblings looks like a zombie, but lives.
    let threads: i64 = field(20)?.parse().ok()?;
    Some(Stat {
        pid,
        ppid: field(4)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        start: field(22)?.parse().ok()?,
        zombie: matches!(field(3)?, "Z" | "X") && threads <= 1,
        status: field(52).and_then(|status| status.parse().ok()).unwrap_or(0),
    })
}

/// In builds for tests: the file with the identity of a boot that is played.
#[cfg(debug_assertions)]
pub const OTHER_BOOT: &str = "PMDAEMON_BOOT_ID_FILE";

/// The identity of this boot of the host.
pub fn boot_id() -> String {
    #[cfg(debug_assertions)]
    if let Some(id) = std::env::var_os(OTHER_BOOT).and_then(|file| fs::read_to_string(file).ok()) {
        return id.trim().to_owned();
    }
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Microseconds of `CLOCK_BOOTTIME`.
pub fn boot_micros() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .map(|now| now.tv_sec() as u64 * 1_000_000 + now.tv_nsec() as u64 / 1000)
        .unwrap_or(0)
}

/// A process that stays the same, whatever becomes of its number.
pub struct Pidfd(OwnedFd);

impl Pidfd {
    /// Opens the process of that number that started at that time; `None` when it is gone.
    pub fn open(pid: i32, start: u64) -> Option<Pidfd> {
        let opened = Pidfd::open_any(pid).ok()?;
        (stat(pid)?.start == start).then_some(opened)
    }

    /// Opens whatever process has that number now.
    pub fn open_any(pid: i32) -> nix::Result<Pidfd> {
        // SAFETY: pidfd_open takes two integers and returns a new descriptor or an error.
        let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        // SAFETY: the kernel has just made this descriptor; nobody else owns it. It is CLOEXEC.
        Ok(Pidfd(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
    }

    /// Sends a signal; to a process that is gone, nothing happens.
    pub fn signal(&self, signal: i32) -> nix::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open, a null siginfo is allowed.
        let sent =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, no_info, 0) };
        match Errno::result(sent) {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A descriptor of that process (Linux 5.6 and later), if we may trace it.
    ///
    /// # Errors
    /// `EPERM` when we may not, `EBADF` when it has none of that number.
    pub fn descriptor(&self, number: i32) -> nix::Result<OwnedFd> {
        // SAFETY: pidfd_getfd takes three integers and returns a new descriptor or an error.
        let fd =
            Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, self.0.as_raw_fd(), number, 0) })?;
        // SAFETY: the kernel has just made this descriptor; nobody else owns it. It is CLOEXEC.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    }

    /// How it ended, once it was reaped by whoever its parent is (Linux 6.15 and later).
    pub fn exit_info(&self) -> Option<Ending> {
        const PIDFD_GET_INFO: libc::c_ulong = 0xC040_FF0B;
        const PIDFD_INFO_EXIT: u64 = 1 << 3;
        #[repr(C)]
        struct PidfdInfo {
            mask: u64,
            cgroup: u64,
            ids: [u32; 11],
            exit_code: i32,
        }
        let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, cgroup: 0, ids: [0; 11], exit_code: 0 };
        // SAFETY: `info` has the layout and the 64 bytes that the request number announces.
        let asked = unsafe { libc::ioctl(self.0.as_raw_fd(), PIDFD_GET_INFO as _, &mut info) };
        // The bit, not the value: before it is reaped the value is 0 and means nothing.
        (asked == 0 && info.mask & PIDFD_INFO_EXIT != 0).then(|| ending(info.exit_code))
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// How a zombie that is not our child ended, if the kernel lets us know.
pub fn zombie_ending(pid: i32, start: u64) -> Option<Ending> {
    let now = stat(pid).filter(|now| now.start == start && now.zombie)?;
    // A zero can also mean "not for you", and that must not be taken for a success.
    (now.status != 0 || is_ours(pid)).then(|| ending(now.status))
}

/// All its users and groups are ours, so nothing about it is hidden from us.
fn is_ours(pid: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return false };
    let all_are = |key: &str, id: u32| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.is_some_and(|ids| ids.split_ascii_whitespace().all(|word| word.parse() == Ok(id)))
    };
    all_are("Uid:", nix::unistd::geteuid().as_raw()) && all_are("Gid:", nix::unistd::getegid().as_raw())
}

/// A status as `waitpid` tells it, in our words.
pub fn ending(status: i32) -> Ending {
    let status = ExitStatus::from_raw(status);
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Unknown,
    }
}

/// The rest of a sentence about something that ended: "ended with exit code 1".
pub fn ending_words(end: Ending) -> String {
    match end {
        Ending::Code(code) => format!("ended with exit code {code}"),
        Ending::Signal(number) => match crate::model::Signal::from_number(number) {
            Some(signal) => format!("was ended by {signal}"),
            None => format!("was ended by signal {number}"),
        },
        Ending::Unknown => "ended, and nobody saw how".to_owned(),
    }
}

/// The kernel's words for an error, as part of a sentence: "permission denied".
pub fn words(errno: Errno) -> String {
    let text = errno.desc();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// The same for an error of the standard library.
pub fn io_words(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| words(Errno::from_raw(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_reader() {
        let mut line = b"42 (a) Z 9 (b) S 7 42 41 0 -1 4194304 1 1 1 1 1 1 1 1 20 0 1 0 777 ".to_vec();
        line.extend("0 ".repeat(29).bytes());
        line.extend(b"1792\n");
        let read = parse_stat(&line).unwrap();
        assert_eq!((read.pid, read.ppid, read.session, read.start), (42, 7, 41, 777));
        assert_eq!(ending(read.status), Ending::Code(7));
        assert!(!read.zombie);
    }

    #[test]
    fn a_process_is_known_by_number_and_start_time() {
        let me = std::process::id() as i32;
        let start = stat(me).unwrap().start;
        assert!(Pidfd::open(me, start).is_some());
        assert!(Pidfd::open(me, start + 1).is_none());
    }

    #[test]
    fn how_a_zombie_ended_is_known_before_it_is_reaped_and_its_success_is_a_success() {
        for code in [0, 7] {
            let mut child = std::process::Command::new("/bin/sh");
            let mut child = child.args(["-c", &format!("exit {code}")]).spawn().unwrap();
            let pid = child.id() as i32;
            let start = stat(pid).unwrap().start;
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while !stat(pid).unwrap().zombie {
                assert!(std::time::Instant::now() < deadline);
                std::thread::yield_now();
            }
            assert_eq!(zombie_ending(pid, start), Some(Ending::Code(code)));
            assert_eq!(zombie_ending(pid, start + 1), None);
            child.wait().unwrap();
        }
    }
}
