//! A child that is a member of its cgroup from its first moment.
//!
//! Joining a cgroup later, by a write to its `cgroup.procs`, moves a process, and for that the
//! kernel waits until no other process forks or exits: on an idle host 12 to 22 ms (measured on
//! Linux 6.18), most of the time of a restart. A child that is cloned into its cgroup (Linux 5.7,
//! `clone3` with `CLONE_INTO_CGROUP`) is never moved. Where a kernel or a seccomp profile does not
//! know that, the child is forked and moved.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

/// clone(2); the C library has no name for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a fork this is.
pub enum Side {
    /// The keeper; with the child's number.
    Parent(i32),
    /// The child.
    Child {
        /// It must still join its cgroup.
        outside: bool,
    },
}

/// Forks, into the cgroup of that directory if there is one.
///
/// # Safety
/// This process must have one thread only: then nothing can be locked or half done in the child.
pub unsafe fn fork(leaf: Option<BorrowedFd<'_>>) -> nix::Result<Side> {
    if let Some(leaf) = leaf {
        // SAFETY: as promised by the caller.
        match unsafe { clone_into(leaf) } {
            Ok(side) => return Ok(side),
            // Not known here, or not allowed to; the slower way tells what is really wrong.
            Err(Errno::ENOSYS | Errno::EINVAL | Errno::E2BIG | Errno::EPERM | Errno::EACCES) => {}
            Err(errno) => return Err(errno),
        }
    }
    // SAFETY: as promised by the caller.
    Ok(match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Side::Parent(child.as_raw()),
        nix::unistd::ForkResult::Child => Side::Child { outside: leaf.is_some() },
    })
}

/// # Safety
/// As [`fork`].
unsafe fn clone_into(leaf: BorrowedFd<'_>) -> nix::Result<Side> {
    // SAFETY: all zero is what the kernel takes as "nothing wanted" in each of the fields.
    let mut wanted: libc::clone_args = unsafe { std::mem::zeroed() };
    wanted.flags = CLONE_INTO_CGROUP;
    wanted.exit_signal = libc::SIGCHLD as u64;
    wanted.cgroup = leaf.as_raw_fd() as u64;
    // SAFETY: without a stack of its own and without CLONE_VM this is a fork: the child goes on with
    // a copy of everything. The struct is read only and lives.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const wanted, size_of_val(&wanted)) };
    match Errno::result(pid)? {
        0 => Ok(Side::Child { outside: false }),
        pid => Ok(Side::Parent(pid as i32)),
    }
}

/// In a child that is outside: joins the cgroup of that directory.
pub fn join(leaf: BorrowedFd<'_>) -> nix::Result<()> {
    let door = openat(leaf, "cgroup.procs", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    nix::unistd::write(&door, b"0").map(drop)
}
