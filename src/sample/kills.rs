//! What the kernel ends for lack of memory.
//!
//! The signal is the same SIGKILL that anybody can send, and the exit status tells no more. But the
//! kernel notes whom it has ended:
//!
//! ```text
//!   its log (/dev/kmsg), by number         read where we may, and its numbers are ours   exact
//!   memory.events of our control group     counts, and names nobody                      else
//! ```
//!
//! A count that grew within [`RECENT`] is taken for the end that is asked about, once. Where there is
//! neither nothing is known.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use super::leaf;
use crate::model::{Moment, Pid};

/// So long after it was seen an end may be asked about.
const RECENT: Duration = Duration::from_secs(30);

/// More than so many are not remembered.
const MOST: usize = 256;

/// The number of the namespace of all processes (`PROC_PID_INIT_INO` of the kernel): only there numbers
/// are those of the kernel's log.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Ends for lack of memory, since this was made.
#[derive(Debug)]
pub struct Kills(Source);

#[derive(Debug)]
enum Source {
    Log { records: File, named: HashMap<Pid, Moment> },
    Group { events: PathBuf, count: u64, unnamed: VecDeque<Moment> },
    None,
}

impl Default for Kills {
    fn default() -> Kills {
        Kills::new()
    }
}

impl Kills {
    /// From now on.
    pub fn new() -> Kills {
        if let Ok(records) = kernel_log() {
            return Kills(Source::Log { records, named: HashMap::new() });
        }
        match leaf::own_directory().map(|group| group.join("memory.events")) {
            Some(events) if events.exists() => Kills::of_group(events),
            Some(_) | None => Kills(Source::None),
        }
    }

    fn of_group(events: PathBuf) -> Kills {
        let count = count(&events);
        Kills(Source::Group { events, count, unnamed: VecDeque::new() })
    }

    /// Takes note of what the kernel has told. To be called now and then, so that what is old is known
    /// to be so.
    pub fn look(&mut self, now: Moment) {
        match &mut self.0 {
            Source::Log { records, named } => {
                read_log(records, |pid| _ = named.insert(pid, now));
                named.retain(|_, at| now.since(*at) < RECENT);
            }
            Source::Group { events, count: before, unnamed } => {
                let new = count(events);
                let more = new.saturating_sub(*before).min(MOST as u64);
                *before = new;
                unnamed.extend((0..more).map(|_| now));
                unnamed.retain(|at| now.since(*at) < RECENT);
                unnamed.truncate(MOST);
            }
            Source::None => {}
        }
    }

    /// Whether that process, which SIGKILL has ended just now, was ended by the kernel.
    pub fn ended(&mut self, pid: Pid, now: Moment) -> bool {
        self.look(now);
        match &mut self.0 {
            Source::Log { named, .. } => named.remove(&pid).is_some(),
            Source::Group { unnamed, .. } => unnamed.pop_front().is_some(),
            Source::None => false,
        }
    }
}

/// The kernel's log, from now on.
fn kernel_log() -> io::Result<File> {
    if fs::metadata("/proc/self/ns/pid")?.ino() != FIRST_NAMESPACE {
        return Err(io::Error::other("its numbers are not ours"));
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let mut log = options.open("/dev/kmsg")?;
    log.seek(SeekFrom::End(0))?;
    Ok(log)
}

fn read_log(log: &mut File, mut killed: impl FnMut(Pid)) {
    let mut record = [0; 8192];
    loop {
        match log.read(&mut record) {
            Ok(0) => return,
            Ok(length) => {
                if let Some(pid) = named_in(&String::from_utf8_lossy(&record[..length])) {
                    killed(pid);
                }
            }
            // What was overwritten before it was read is passed over.
            Err(e) if e.raw_os_error() == Some(nix::errno::Errno::EPIPE as i32) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Whom the kernel has ended by that record: `4,721,1016,-;Out of memory: Killed process 12 (sh) ...`.
fn named_in(record: &str) -> Option<Pid> {
    let (head, words) = record.split_once(';')?;
    // The upper bits say who speaks. Others may, too.
    let is_kernel = head.split(',').next()?.parse::<u32>().ok()? < 8;
    let (why, rest) = words.split_once("Killed process ")?;
    let number = rest.split(' ').next()?.parse().ok()?;
    (is_kernel && why.to_ascii_lowercase().contains("out of memory")).then_some(Pid(number))
}

/// What `memory.events` says, of a group and all below it.
fn count(events: &PathBuf) -> u64 {
    let text = fs::read_to_string(events).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Moment {
        Moment(second * 1_000_000)
    }

    #[test]
    fn the_kernel_names_whom_it_has_ended() {
        let check = |record: &str, expected: Option<i32>| {
            assert_eq!(named_in(record), expected.map(Pid), "{record}");
        };
        let of_group =
            "3,1042,84210399166,-;Memory cgroup out of memory: Killed process 4711 (python3) total-vm:1kB\n";
        check(of_group, Some(4711));
        check("3,1,1,-;Out of memory: Killed process 12 (a b) total-vm:1kB, anon-rss:2kB", Some(12));
        // Somebody else's words, as they come from a program that writes to the log.
        check("12,1,1,-;Out of memory: Killed process 12 (sh)", None);
        check("6,1,1,-;oom_reaper: reaped process 12 (sh)", None);
        check("6,1,1,-;systemd: Killed process 12", None);
        check("nonsense", None);
    }

    #[test]
    fn each_end_that_a_group_counts_is_taken_once_and_not_for_long() {
        let place = tempfile::tempdir().unwrap();
        let events = place.path().join("memory.events");
        let write = |count: u32| {
            let text = format!("low 0\nhigh 0\nmax 7\noom 1\noom_kill {count}\noom_group_kill 9\n");
            fs::write(&events, text).unwrap();
        };
        write(5);
        let mut kills = Kills::of_group(events.clone());
        assert!(!kills.ended(Pid(1), at(1)), "what was before does not count");
        write(7);
        assert!(kills.ended(Pid(1), at(2)) && kills.ended(Pid(2), at(3)));
        assert!(!kills.ended(Pid(3), at(4)), "there were two");
        write(8);
        kills.look(at(10));
        assert!(!kills.ended(Pid(4), at(50)), "that was somebody else");
        fs::remove_file(&events).unwrap();
        assert!(!kills.ended(Pid(5), at(51)));
    }
}
