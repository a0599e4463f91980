//! What the loop waits for: one epoll set, in which every descriptor stands for
//! something that the keeper knows by name.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;

/// One of the two outputs of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Which {
    /// Both.
    pub const BOTH: [Which; 2] = [Which::Out, Which::Err];
}

/// What a descriptor stands for. The number is that of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The signalfd.
    Signals,
    /// The line to the daemon.
    Line,
    /// The pidfd of a daemon that is not our child.
    Daemon,
    /// The pipe over which a child says why it could not execute its program.
    Launching(u64),
    /// The FIFO of standard output.
    Out(u64),
    /// The FIFO of standard error.
    Err(u64),
    /// The pidfd of a main process that is not our child.
    Main(u64),
    /// The cgroup.events of a leaf.
    Tree(u64),
    /// The IPC channel of a run.
    Channel(u64),
    /// The notify socket of a run.
    Notify(u64),
}

impl Source {
    /// The FIFO of that output.
    pub fn fifo(run: u64, which: Which) -> Source {
        match which {
            Which::Out => Source::Out(run),
            Which::Err => Source::Err(run),
        }
    }

    /// Kind in the upper four bits, run below. Ids of runs come from SQLite and are counted up
    /// from 1, far below 2^60.
    fn pack(self) -> u64 {
        let (kind, run) = match self {
            Source::Signals => (0, 0),
            Source::Line => (1, 0),
            Source::Daemon => (2, 0),
            Source::Launching(run) => (3, run),
            Source::Out(run) => (4, run),
            Source::Err(run) => (5, run),
            Source::Main(run) => (6, run),
            Source::Tree(run) => (7, run),
            Source::Channel(run) => (8, run),
            Source::Notify(run) => (9, run),
        };
        kind << 60 | run & RUN_MASK
    }

    fn unpack(token: u64) -> Option<Source> {
        let run = token & RUN_MASK;
        Some(match token >> 60 {
            0 => Source::Signals,
            1 => Source::Line,
            2 => Source::Daemon,
            3 => Source::Launching(run),
            4 => Source::Out(run),
            5 => Source::Err(run),
            6 => Source::Main(run),
            7 => Source::Tree(run),
            8 => Source::Channel(run),
            9 => Source::Notify(run),
            _ => return None,
        })
    }
}

const RUN_MASK: u64 = (1 << 60) - 1;

/// The epoll set. A descriptor leaves it by being closed, but not before every child that has not
/// executed its program yet has lost its copy, too: so what is added is one-shot or edge-triggered,
/// or is removed expressly.
pub struct Poller(Epoll);

impl Poller {
    /// An empty set.
    pub fn new() -> nix::Result<Poller> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Poller)
    }

    /// Takes a descriptor into the set.
    pub fn add(&self, fd: impl AsFd, source: Source, flags: EpollFlags) -> nix::Result<()> {
        self.0.add(fd, EpollEvent::new(flags, source.pack()))
    }

    /// Changes what is waited for, or arms a one-shot descriptor again.
    pub fn change(&self, fd: impl AsFd, source: Source, flags: EpollFlags) -> nix::Result<()> {
        self.0.modify(fd, &mut EpollEvent::new(flags, source.pack()))
    }

    /// Takes a descriptor out of the set, and closes it.
    pub fn remove(&self, fd: OwnedFd) {
        // Fails only for what is not in the set.
        let _ = self.0.delete(&fd);
    }

    /// Takes a descriptor that stays open out of the set.
    pub fn leave(&self, fd: impl AsFd) {
        // Fails only for what is not in the set.
        let _ = self.0.delete(fd);
    }

    /// Waits until something happens or the time is over; `None` waits for ever.
    pub fn wait(&self, at_most: Option<Duration>) -> nix::Result<Vec<Source>> {
        let timeout = match at_most {
            None => EpollTimeout::NONE,
            // Shorter than the unit of epoll_wait.
            Some(time) if time < Duration::from_millis(1) => {
                let mut set = [PollFd::new(self.0.0.as_fd(), PollFlags::POLLIN)];
                match ppoll(&mut set, Some(TimeSpec::from_duration(time)), None) {
                    Ok(0) | Err(Errno::EINTR) => return Ok(Vec::new()),
                    Ok(_) => EpollTimeout::ZERO,
                    Err(error) => return Err(error),
                }
            }
            // Rounded up: waking a little early would mean to spin until the deadline.
            Some(time) => {
                let millis = time.as_micros().div_ceil(1000).min(60_000);
                EpollTimeout::from(millis as u16)
            }
        };
        let mut events = [EpollEvent::empty(); 64];
        match self.0.wait(&mut events, timeout) {
            Ok(count) => {
                Ok(events[..count].iter().filter_map(|event| Source::unpack(event.data())).collect())
            }
            Err(Errno::EINTR) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_the_way_through_the_kernel() {
        let run = 123_456_789;
        let all = [
            Source::Signals,
            Source::Line,
            Source::Daemon,
            Source::Launching(run),
            Source::Out(run),
            Source::Err(run),
            Source::Main(run),
            Source::Tree(run),
            Source::Channel(run),
            Source::Notify(run),
        ];
        for source in all {
            assert_eq!(Source::unpack(source.pack()), Some(source));
        }
    }
}
