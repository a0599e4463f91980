//! Trees with a fence: one leaf of the cgroup v2 hierarchy per run, beneath the keeper's own
//! cgroup, where that may be written. Nothing leaves a cgroup by forking, so a leaf knows every
//! member of the tree, kills them all at once, and says when it is empty.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::fork::{self, Side};

/// Set to 1, this keeps the keeper from using cgroups.
pub const OFF: &str = "PMDAEMON_NO_CGROUP";

/// Where leaves can be made.
pub struct Cgroups {
    parent: PathBuf,
    prefix: String,
}

impl Cgroups {
    /// Finds out whether leaves can be made here, by making one. `mark` keeps the leaves of
    /// several homes apart.
    ///
    /// # Errors
    /// Why not, as part of a sentence.
    pub fn probe(mark: &str) -> Result<Cgroups, String> {
        if std::env::var_os(OFF).is_some_and(|value| value == "1") {
            return Err(format!("{OFF} is set"));
        }
        let parent = own_cgroup().ok_or("there is no cgroup v2 hierarchy")?;
        let cgroups = Cgroups { parent, prefix: format!("pmdaemon-{mark}-") };
        let shown = cgroups.parent.display();
        // To move a process from our cgroup into a leaf takes the right to write here, too.
        let allowed =
            nix::unistd::access(&cgroups.parent.join("cgroup.procs"), nix::unistd::AccessFlags::W_OK);
        allowed.map_err(|e| format!("{shown} is not ours to write: {e}"))?;
        let scratch = Leaf(cgroups.parent.join(format!("{}probe", cgroups.prefix)));
        scratch.create().map_err(|e| format!("cannot make a cgroup in {shown}: {e}"))?;
        let kills = scratch.0.join("cgroup.kill").exists();
        let joined = scratch.door().and_then(|door| try_to_join(&door));
        scratch.remove();
        if !kills {
            return Err("this kernel has no cgroup.kill".into());
        }
        // A threaded cgroup, or one that distributes a controller, takes no processes in its leaves.
        joined.map_err(|e| format!("a process cannot join a cgroup in {shown}: {e}"))?;
        Ok(cgroups)
    }

    /// The leaf of a run.
    pub fn leaf(&self, run: u64) -> Leaf {
        Leaf(self.parent.join(format!("{}r{run}", self.prefix)))
    }

    /// Removes the empty leaves of this home that `known` does not know.
    pub fn sweep(&self, known: impl Fn(&Path) -> bool) {
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(&self.prefix);
            if ours && !known(&entry.path()) {
                // The kernel refuses when somebody is in it.
                Leaf(entry.path()).remove();
            }
        }
    }
}

/// Has a child join, and waits for it: once, at the start, when nothing else can wait for us.
fn try_to_join(leaf: &File) -> io::Result<()> {
    // SAFETY: this process has one thread; the child makes a few system calls.
    match unsafe { fork::fork(Some(leaf.as_fd())) }? {
        Side::Child { outside } => {
            let joined = if outside { fork::join(leaf.as_fd()) } else { Ok(()) };
            let errno = joined.err().map_or(0, |errno| errno as i32);
            // SAFETY: ends this child at once; nothing of the parent's may run in it.
            unsafe { libc::_exit(errno) }
        }
        Side::Parent(child) => match nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None)? {
            nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
            nix::sys::wait::WaitStatus::Exited(_, errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(io::Error::other("it was killed")),
        },
    }
}

/// The directory of the cgroup that this process is in.
pub fn own_cgroup() -> Option<PathBuf> {
    let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| directory_in(line, own))
}

/// Where cgroup `own` is in that mount, if that is a mount of the v2 hierarchy which shows it.
fn directory_in(mount: &str, own: &str) -> Option<PathBuf> {
    let (fields, kind) = mount.split_once(" - ")?;
    if kind.split(' ').next()? != "cgroup2" {
        return None;
    }
    let mut fields = fields.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

/// The cgroup of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf(pub PathBuf);

impl Leaf {
    /// Makes it, or takes the empty one that is there.
    pub fn create(&self) -> io::Result<()> {
        match fs::create_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    /// Its directory, for a child that is to join.
    pub fn door(&self) -> io::Result<File> {
        File::open(&self.0)
    }

    /// SIGKILL to everybody in it.
    pub fn kill(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.kill"), "1")
    }

    /// The processes in it.
    pub fn members(&self) -> Vec<i32> {
        let list = fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// What tells when it becomes empty.
    pub fn events(&self) -> io::Result<Events> {
        let options = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_CLOEXEC)
            .open(self.0.join("cgroup.events"));
        Ok(Events(options?))
    }

    /// Nobody is in it. A leaf that is gone is empty.
    pub fn is_empty(&self) -> bool {
        self.events().map_or(true, |events| events.is_empty())
    }

    /// Removes it, if it is empty.
    pub fn remove(&self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// An open `cgroup.events`: has an exceptional condition (`EPOLLPRI`) until it is read.
pub struct Events(pub File);

impl Events {
    /// Nobody is in the cgroup.
    pub fn is_empty(&self) -> bool {
        let mut text = [0; 256];
        match self.0.read_at(&mut text, 0) {
            Ok(count) => String::from_utf8_lossy(&text[..count]).lines().any(|line| line == "populated 0"),
            // The leaf was removed under our feet.
            Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cgroup_is_found_in_every_kind_of_mount() {
        let check = |mount: &str, own: &str, directory: Option<&str>| {
            assert_eq!(directory_in(mount, own).as_deref(), directory.map(Path::new), "{mount} {own}");
        };
        let unified = "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw";
        check(unified, "/", Some("/sys/fs/cgroup/"));
        check(unified, "/a.slice/b.scope", Some("/sys/fs/cgroup/a.slice/b.scope"));
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        check(hybrid, "/x", Some("/sys/fs/cgroup/unified/x"));
        let container = "41 31 0:38 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw";
        check(container, "/docker/1", Some("/sys/fs/cgroup/"));
        check(container, "/docker/2", None);
        check("35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", "/", None);
    }
}
