//! What /proc says about processes, read without the program under test.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Whether the process is there and not a zombie.
pub fn lives(pid: i64) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z' && stat.state != 'X')
}

/// Some fields of `/proc/PID/stat`.
pub struct Stat {
    /// `R`, `S`, `Z`, …
    pub state: char,
    /// Parent.
    pub parent: i64,
    /// When it began, in ticks since boot: tells two processes of one pid apart.
    pub start: u64,
}

/// None when there is no such process.
pub fn stat(pid: i64) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// Resident memory in bytes.
pub fn resident(pid: i64) -> Option<i64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<i64>().ok()? * 1024)
}

/// The arguments of the process, separated by spaces.
pub fn command_line(pid: i64) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ")
}

/// Sends SIGKILL. One that has gone is fine.
pub fn kill_hard(pid: i64) {
    send(pid, Signal::SIGKILL);
}

/// Sends that signal. A process that has gone is fine.
pub fn send(pid: i64, signal: Signal) {
    assert!(pid > 1, "{pid} is not a process to signal");
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

/// Every living process that has that path in its environment: keeper, daemon, commands, services
/// and whatever those have started.
pub fn marked(mark: &Path) -> Vec<i64> {
    let mark = mark.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok()) else {
            continue;
        };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.windows(mark.len()).any(|window| window == mark) && lives(pid) {
            found.push(pid);
        }
    }
    found
}
