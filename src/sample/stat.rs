//! `/proc/PID/stat`, through descriptors that stay open.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};

use super::cpu::CpuTime;
use crate::model::{Moment, Pid};

/// What is needed of one process.
#[derive(Clone, Debug)]
pub(super) struct Stat {
    pub pid: Pid,
    pub zombie: bool,
    pub parent: Pid,
    pub session: Pid,
    /// CPU time of its own threads.
    pub own_cpu: CpuTime,
    /// CPU time of the children that it has waited for, and of theirs.
    pub waited_cpu: CpuTime,
    pub threads: u32,
    /// Ticks since boot.
    pub started: u64,
    /// Resident, in bytes.
    pub memory: u64,
    /// Where its environment begins: another place with each program that it executes. 0 while it is
    /// executing one, and for who may not know.
    pub environment: u64,
    tick: Duration,
}

impl Stat {
    /// When it was started.
    pub fn started_at(&self) -> Moment {
        Moment(self.started.saturating_mul(self.tick.as_micros() as u64))
    }

    #[cfg(test)]
    pub fn for_test(pid: Pid, own_cpu: CpuTime, waited_cpu: CpuTime) -> Stat {
        let (zombie, tick) = (false, Duration::from_millis(10));
        let (parent, session) = (Pid(1), Pid(1));
        let (threads, started, memory, environment) = (1, 1, 0, 0);
        Stat {
            pid,
            zombie,
            parent,
            session,
            own_cpu,
            waited_cpu,
            threads,
            started,
            memory,
            environment,
            tick,
        }
    }
}

/// Reads processes, and keeps the descriptors of those that are asked for again.
#[derive(Debug)]
pub(super) struct Stats {
    open: HashMap<Pid, File>,
    units: Units,
    /// How many descriptors may stay open: a quarter of what the process may have.
    most: usize,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Units {
    tick: Duration,
    page: u64,
}

impl Stats {
    pub fn new() -> Stats {
        let value = |var| sysconf(var).ok().flatten().and_then(|value| u64::try_from(value).ok());
        let ticks = value(SysconfVar::CLK_TCK).filter(|ticks| *ticks > 0).unwrap_or(100);
        let page = value(SysconfVar::PAGE_SIZE).unwrap_or(4096);
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        Stats {
            open: HashMap::new(),
            units: Units { tick: Duration::from_secs(1) / ticks as u32, page },
            most: usize::try_from(descriptors / 4).unwrap_or(usize::MAX),
            buffer: vec![0; 4096],
        }
    }

    /// The process with that number now; `None` when there is none. Its descriptor stays open.
    pub fn read(&mut self, pid: Pid) -> Option<Stat> {
        self.read_kept(pid).or_else(|| {
            let file = open(pid)?;
            let stat = read(&file, &mut self.buffer, self.units)?;
            if self.open.len() < self.most {
                self.open.insert(pid, file);
            }
            Some(stat)
        })
    }

    /// Every process of the host. Descriptors are used where there are some, none are added but
    /// for `read` processes.
    pub fn scan(&mut self) -> HashMap<Pid, Stat> {
        let mut table = HashMap::new();
        let Ok(entries) = std::fs::read_dir("/proc") else { return table };
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid));
        for pid in numbers {
            let stat = self.read_kept(pid).or_else(|| read(&open(pid)?, &mut self.buffer, self.units));
            table.extend(stat.map(|stat| (pid, stat)));
        }
        table
    }

    /// Through the kept descriptor. ESRCH means that this process is gone, whoever has the number.
    fn read_kept(&mut self, pid: Pid) -> Option<Stat> {
        let stat = read(self.open.get(&pid)?, &mut self.buffer, self.units);
        if stat.is_none() {
            self.open.remove(&pid);
        }
        stat
    }

    /// How many descriptors are open.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.open.len()
    }

    /// Closes all other descriptors, and opens what is missing.
    pub fn keep_only(&mut self, used: &HashSet<Pid>) {
        self.open.retain(|pid, _| used.contains(pid));
        for pid in used {
            if self.open.len() >= self.most {
                break;
            }
            if !self.open.contains_key(pid)
                && let Some(file) = open(*pid)
            {
                self.open.insert(*pid, file);
            }
        }
    }
}

fn open(pid: Pid) -> Option<File> {
    File::open(format!("/proc/{pid}/stat")).ok()
}

fn read(file: &File, buffer: &mut [u8], units: Units) -> Option<Stat> {
    let length = file.read_at(buffer, 0).ok()?;
    parse(&buffer[..length], units)
}

/// Fields as numbered in proc_pid_stat(5). The name in field 2 may contain anything, also `)`.
fn parse(line: &[u8], units: Units) -> Option<Stat> {
    let name_end = line.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(line.split(|byte| *byte == b' ').next()?).ok()?.parse().ok()?;
    let rest = std::str::from_utf8(&line[name_end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |field: Option<&str>| field.and_then(|text| text.parse::<i64>().ok());
    let count = |at| number(field(at)).map(|value| u64::try_from(value).unwrap_or(0));
    let ticks =
        |at| count(at).map(|ticks| units.tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)));
    let pid_in = |at| number(field(at)).and_then(|value| i32::try_from(value).ok()).map(Pid);
    Some(Stat {
        pid: Pid(pid),
        zombie: matches!(field(3)?, "Z" | "X"),
        parent: pid_in(4)?,
        session: pid_in(6)?,
        own_cpu: CpuTime { user: ticks(14)?, system: ticks(15)? },
        waited_cpu: CpuTime { user: ticks(16)?, system: ticks(17)? },
        threads: u32::try_from(count(20)?).unwrap_or(u32::MAX),
        started: count(22)?,
        memory: count(24)?.saturating_mul(units.page),
        environment: count(50).unwrap_or(0),
        tick: units.tick,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let units = Units { tick: Duration::from_millis(10), page: 4096 };
        let line = b"42 (a) S 9 (b) Z 7 8 5 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 6 0 777 1000 25 0\n";
        let stat = parse(line, units).unwrap();
        assert_eq!((stat.pid, stat.parent, stat.session), (Pid(42), Pid(7), Pid(5)));
        assert!(stat.zombie);
        assert_eq!(stat.own_cpu.total(), Duration::from_secs(2));
        assert_eq!(stat.own_cpu.system, Duration::from_millis(500));
        assert_eq!(stat.waited_cpu.total(), Duration::from_millis(500));
        assert_eq!((stat.threads, stat.started, stat.memory), (6, 777, 25 * 4096));
        assert_eq!(stat.started_at(), Moment(7_770_000));
    }

    #[test]
    fn a_line_that_is_cut_is_no_process() {
        let units = Units { tick: Duration::from_millis(10), page: 4096 };
        assert!(parse(b"42 (sh) S 1 2 3", units).is_none());
        assert!(parse(b"", units).is_none());
    }
}
