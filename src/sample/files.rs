//! What a process has open, and what it has read and written: proc(5).

use std::fs;

use crate::model::Pid;

/// Of one process, or of several together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// Open descriptors.
    pub open: u64,
    /// Bytes that storage delivered since it began, those of the children that it has waited for
    /// included.
    pub read_bytes: u64,
    /// The same, sent to storage.
    pub written_bytes: u64,
}

impl Files {
    /// What is known of that process; nothing, if it is gone or somebody else's.
    pub fn of(pid: Pid) -> Files {
        let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let line = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        Files { open: open(pid), read_bytes: line("read_bytes"), written_bytes: line("write_bytes") }
    }

    /// Both together.
    pub fn and(self, other: Files) -> Files {
        Files {
            open: self.open + other.open,
            read_bytes: self.read_bytes + other.read_bytes,
            written_bytes: self.written_bytes + other.written_bytes,
        }
    }
}

/// The length of the directory is the number since Linux 6.2; before, it is 0 and one has to count.
fn open(pid: Pid) -> u64 {
    let directory = format!("/proc/{pid}/fd");
    match fs::metadata(&directory).map_or(0, |meta| meta.len()) {
        0 => fs::read_dir(&directory).map_or(0, |entries| entries.count() as u64),
        number => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_open_file_counts_one_more() {
        // In a process of its own: tests of this one open files all the time.
        let count = |extra: &str| {
            let script = format!("exec 3</dev/null {extra}; echo; read x");
            let mut child = std::process::Command::new("/bin/sh")
                .args(["-c", &script])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut begun = [0];
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut begun).unwrap();
            let found = Files::of(Pid(child.id() as i32)).open;
            drop(child.stdin.take());
            child.wait().unwrap();
            found
        };
        assert_eq!(count("4</dev/null"), count("") + 1);
        assert_eq!(Files::of(Pid(i32::MAX)), Files::default());
    }
}
