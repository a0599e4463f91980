//! The cgroup that the keeper makes for each run: `pmdaemon-<hex>-r<RUN>`.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Root;
use super::cpu::CpuTime;
use crate::model::{Pid, RunId};

/// Where cgroup v2 is mounted.
#[derive(Debug)]
pub(super) struct Mount {
    /// Which part of the hierarchy is seen there; `/` usually.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// The mount of this process; `None` when it has none.
    pub fn find() -> Option<Mount> {
        parse_mounts(&std::fs::read_to_string("/proc/self/mountinfo").ok()?)
    }

    pub fn directory(&self, cgroup: &str) -> Option<PathBuf> {
        let below = Path::new(cgroup).strip_prefix(&self.root).ok()?;
        Some(self.point.join(below))
    }
}

/// The directory of the cgroup of this process.
pub(super) fn own_directory() -> Option<PathBuf> {
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Mount::find()?.directory(own)
}

/// Whose cgroup a process is in.
pub(super) enum Membership {
    /// That of its own run.
    Own(Leaf),
    /// That of another run.
    Other,
    /// None of the keeper's, or one that cannot be read.
    Unknown,
}

/// Looks which cgroup the main process of a run is in.
pub(super) fn membership(mount: Option<&Mount>, root: &Root) -> Membership {
    let cgroups = std::fs::read_to_string(format!("/proc/{}/cgroup", root.pid)).unwrap_or_default();
    let Some(path) = cgroups.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Membership::Unknown;
    };
    match path.rsplit('/').next().and_then(run_of) {
        Some(run) if run == root.run => match mount.and_then(|m| m.directory(path)).map(Leaf::open) {
            Some(Ok(leaf)) => Membership::Own(leaf),
            Some(Err(_)) | None => Membership::Unknown,
        },
        Some(_) => Membership::Other,
        None => Membership::Unknown,
    }
}

/// The run in the name of a leaf.
fn run_of(name: &str) -> Option<RunId> {
    let (home, run) = name.strip_prefix("pmdaemon-")?.rsplit_once("-r")?;
    let is_hex = !home.is_empty() && home.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| run.parse().ok().map(RunId)).flatten()
}

/// The cgroup of one run, open.
#[derive(Debug)]
pub(super) struct Leaf {
    directory: PathBuf,
    members: File,
    cpu: Option<File>,
}

impl Leaf {
    fn open(directory: PathBuf) -> io::Result<Leaf> {
        let members = File::open(directory.join("cgroup.procs"))?;
        let cpu = File::open(directory.join("cpu.stat")).ok();
        Ok(Leaf { directory, members, cpu })
    }

    /// All processes in it, and in cgroups that the app made below it. None when it was removed.
    pub fn members(&self) -> Vec<Pid> {
        let mut pids = read_whole(&self.members).map(|text| parse_pids(&text)).unwrap_or_default();
        // A directory has two links and one for each directory in it.
        if std::fs::metadata(&self.directory).is_ok_and(|meta| meta.nlink() > 2) {
            members_below(&self.directory, &mut pids);
        }
        pids
    }

    /// CPU time of all processes that are or were in it; `None` when the kernel does not count.
    pub fn cpu_time(&mut self) -> Option<CpuTime> {
        let text = read_whole(self.cpu.as_ref()?).ok()?;
        let of = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name))?;
            value.trim().parse().ok().map(Duration::from_micros)
        };
        Some(CpuTime { user: of("user_usec ")?, system: of("system_usec ")? })
    }
}

fn members_below(directory: &Path, pids: &mut Vec<Pid>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let below = entry.path();
        if let Ok(text) = std::fs::read_to_string(below.join("cgroup.procs")) {
            pids.extend(parse_pids(&text));
        }
        members_below(&below, pids);
    }
}

/// From the beginning to the end, in pieces: the kernel gives at most a page at a time, and less
/// only as the next line does not fit. So half a page is the end, which saves asking again.
fn read_whole(file: &File) -> io::Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let got = file.read_at(&mut buffer, text.len() as u64)?;
        text.extend_from_slice(&buffer[..got]);
        if got < buffer.len() / 2 {
            return String::from_utf8(text).map_err(io::Error::other);
        }
    }
}

fn parse_pids(text: &str) -> Vec<Pid> {
    text.lines().filter_map(|line| line.parse().ok().map(Pid)).collect()
}

/// Finds cgroup2 in the lines of proc_pid_mountinfo(5).
fn parse_mounts(mounts: &str) -> Option<Mount> {
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup2 ").then_some(())?;
        let mut fields = mount.split(' ').skip(3);
        let root = PathBuf::from(fields.next()?);
        let point = PathBuf::from(fields.next()?.replace("\\040", " "));
        Some(Mount { root, point })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup2_is_found_where_it_is_mounted() {
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      41 31 0:38 /lxc/a /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
        let mount = parse_mounts(mounts).unwrap();
        let directory = mount.directory("/lxc/a/pmdaemon-0f-r7").unwrap();
        assert_eq!(directory, Path::new("/sys/fs/cgroup/unified/pmdaemon-0f-r7"));
        assert_eq!(mount.directory("/lxc/b"), None);
    }

    #[test]
    fn only_the_keepers_names_say_a_run() {
        assert_eq!(run_of("pmdaemon-0af3-r12"), Some(RunId(12)));
        for other in ["pmdaemon-0af3-r", "pmdaemon--r1", "pmdaemon-xyz-r1", "pmdaemon-0af3", "user.slice", ""]
        {
            assert_eq!(run_of(other), None, "{other}");
        }
    }
}
