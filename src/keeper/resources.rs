//! Limits of a run, and as whom it runs: what a child changes about itself last, in an order in
//! which each step is still allowed. Limits and priority come before the user, since only root may
//! raise them; groups come before the user, since only root may choose them.

use std::ffi::CString;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid};

use super::cgroup::Leaf;
use super::protocol::Resources;
use super::say;

/// Lets the calling thread go behind all others.
pub fn yield_to_others() {
    // SAFETY: touches no memory. For Linux, 0 is the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
}

/// What a child makes of itself.
pub struct Limits {
    /// Limit of descriptors: soft, hard.
    pub descriptors: (u64, u64),
    /// Largest core dump, soft and hard; absent: the keeper's.
    pub core_size: Option<u64>,
    /// Priority; absent: the keeper's.
    pub nice: Option<i32>,
    /// User and groups; absent: the keeper's.
    pub user: Option<User>,
    /// No program gives it more rights, whatever bits its file has.
    pub no_new_privileges: bool,
}

/// Whom a child becomes.
pub struct User {
    /// By this name the supplementary groups are found.
    pub name: CString,
    /// Number of the user.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
}

/// What of it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The limit of open files.
    OpenFiles,
    /// The size of core dumps.
    CoreSize,
    /// The priority.
    Nice,
    /// Groups and user.
    User,
    /// That it gains no rights.
    NoNewPrivileges,
}

impl Part {
    /// All of them; their place is their code on the pipe of a child.
    pub const ALL: [Part; 5] =
        [Part::OpenFiles, Part::CoreSize, Part::Nice, Part::User, Part::NoNewPrivileges];

    /// The words for people, after "cannot".
    pub fn doing(self) -> &'static str {
        match self {
            Part::OpenFiles => "set the limit of open files",
            Part::CoreSize => "set the limit of core dumps",
            Part::Nice => "set the priority",
            Part::User => "change to its user and groups",
            Part::NoNewPrivileges => "forbid it to gain rights",
        }
    }
}

impl Limits {
    /// What the keeper passes on to every child.
    pub fn inherited(descriptors: (u64, u64)) -> Limits {
        Limits { descriptors, core_size: None, nice: None, user: None, no_new_privileges: false }
    }

    /// In the child: carries it out. There is one thread, so looking up groups may take memory and
    /// open files; what it opens is gone at exec.
    pub fn apply(&self) -> Result<(), (Part, Errno)> {
        let (soft, hard) = self.descriptors;
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map_err(|errno| (Part::OpenFiles, errno))?;
        if let Some(size) = self.core_size {
            setrlimit(Resource::RLIMIT_CORE, size, size).map_err(|errno| (Part::CoreSize, errno))?;
        }
        if let Some(nice) = self.nice {
            // SAFETY: changes the priority of this process only, and touches no memory.
            let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
            Errno::result(done).map_err(|errno| (Part::Nice, errno))?;
        }
        if let Some(user) = &self.user {
            user.become_it().map_err(|errno| (Part::User, errno))?;
        }
        match self.no_new_privileges {
            true => nix::sys::prctl::set_no_new_privs().map_err(|errno| (Part::NoNewPrivileges, errno)),
            false => Ok(()),
        }
    }
}

impl User {
    fn become_it(&self) -> nix::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        nix::unistd::initgroups(&self.name, gid)?;
        nix::unistd::setresgid(gid, gid, gid)?;
        nix::unistd::setresuid(uid, uid, uid)
    }
}

/// Gives the FIFO of an output to the user of the run, who opens it anew by `/dev/stdout`.
pub fn give_to_user(fifo: &std::fs::File, order: &Resources) -> std::io::Result<()> {
    match &order.run_as {
        Some(user) => std::os::unix::fs::fchown(fifo, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}

/// Has the kernel keep a run below `bytes`, where its cgroup can do that.
pub fn limit_memory(leaf: Option<&Leaf>, run: u64, bytes: u64) {
    let Some(leaf) = leaf else {
        return say::info!("run {run} has no cgroup: only sampling keeps its memory limit");
    };
    let file = leaf.0.join("memory.max");
    if !file.exists() {
        return say::info!("run {run} has no memory controller: only sampling keeps its memory limit");
    }
    if let Err(error) = write_limit(&file, bytes) {
        say::warning!("cannot write {}: {error}; only sampling keeps the memory limit", file.display());
    }
}

fn write_limit(file: &Path, bytes: u64) -> std::io::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).open(file)?.write_all(bytes.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_limit_is_written_where_there_is_a_controller_and_only_there() {
        let place = tempfile::tempdir().unwrap();
        let leaf = Leaf(place.path().to_owned());
        limit_memory(Some(&leaf), 1, 640);
        assert!(!place.path().join("memory.max").exists());
        std::fs::write(place.path().join("memory.max"), "").unwrap();
        limit_memory(Some(&leaf), 1, 640);
        assert_eq!(std::fs::read_to_string(place.path().join("memory.max")).unwrap(), "640");
    }
}
