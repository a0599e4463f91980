//! What a keeper passes to the program that takes its place in the same process.
//!
//! ```text
//!   old program ── State in a memfd, descriptors left open ── execve ──▶ new program
//! ```
//!
//! The runs' records are on disk as always, and children stay children. Here is what is nowhere
//! else: the numbers of the descriptors that stay open, and what was about to be said. Another
//! version may read this: members are only ever added, and each says what its absence means.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::protocol::{Report, Succession};

/// Everything that is passed.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// The keeper's lock.
    pub lock: RawFd,
    /// Our end of the line, if there is a daemon at the other.
    pub line: Option<RawFd>,
    /// The daemon.
    pub daemon: Option<DaemonState>,
    /// The limit of descriptors with which the first program was started: soft, hard.
    pub descriptors: (u64, u64),
    /// Held sockets by name.
    #[serde(default)]
    pub held: BTreeMap<String, RawFd>,
    /// Runs of which something is open, or whose main process is our child.
    pub runs: Vec<RunState>,
    /// What the line could not take yet.
    #[serde(default)]
    pub outbox: Vec<Report>,
    /// The program before, to return to; absent when this is a return.
    pub former: Option<RawFd>,
    /// The change of programs that this is.
    pub succession: Option<Succession>,
}

/// The daemon's process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DaemonState {
    /// Its number.
    pub pid: i32,
    /// It is our child.
    pub own: bool,
}

/// A run, beyond its record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RunState {
    /// Which life.
    pub run: u64,
    /// Its main process is our child.
    pub own: bool,
    /// The FIFO of its standard output.
    pub out: Option<RawFd>,
    /// The FIFO of its standard error.
    pub err: Option<RawFd>,
    /// It is being killed.
    pub killing: bool,
}

impl State {
    /// Puts it into a memfd that stays open at exec. Dropped with the descriptor.
    pub fn write(&self) -> io::Result<OwnedFd> {
        let mut memory = File::from(memfd_create(c"pmdaemon-keeper", MFdFlags::empty())?);
        memory.write_all(&serde_json::to_vec(self)?)?;
        Ok(memory.into())
    }

    /// Reads what the program before has left at that descriptor.
    ///
    /// # Errors
    /// When nothing of the kind is there.
    pub fn read(number: RawFd) -> io::Result<State> {
        let memory = File::from(take(number)?);
        let mut document = vec![0; memory.metadata()?.len() as usize];
        memory.read_exact_at(&mut document, 0)?;
        Ok(serde_json::from_slice(&document)?)
    }

    /// Every descriptor that is to stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let runs = self.runs.iter().flat_map(|run| [run.out, run.err]).flatten();
        let others = [Some(self.lock), self.line, self.former].into_iter().flatten();
        others.chain(self.held.values().copied()).chain(runs)
    }
}

/// Owns a descriptor that was passed, and marks it to be closed at the next exec.
///
/// # Errors
/// When nothing is open there.
pub fn take(number: RawFd) -> io::Result<OwnedFd> {
    if number <= libc::STDERR_FILENO {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{number} is no passed descriptor")));
    }
    stay_open(number, false)?;
    // SAFETY: it is open, as was just seen, and nobody in this process owns it: the program before
    // has left it, and each number is taken once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Whether a descriptor stays open at exec.
pub fn stay_open(number: RawFd, stays: bool) -> io::Result<()> {
    let flags = if stays { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    // SAFETY: used for this call only; a number that is not open is answered with an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(borrowed, FcntlArg::F_SETFD(flags))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::IntoRawFd;

    #[test]
    fn a_state_is_read_as_it_was_written_and_by_readers_of_the_first_version() {
        let run = RunState { run: 7, own: true, out: Some(9), err: None, killing: false };
        let state = State {
            lock: 4,
            line: Some(5),
            daemon: Some(DaemonState { pid: 10, own: true }),
            descriptors: (1024, 4096),
            held: BTreeMap::from([("unix".to_owned(), 6)]),
            runs: vec![run],
            outbox: vec![Report::TreeGone { run: 7 }],
            former: Some(8),
            succession: Some(Succession { id: 3, failure: None }),
        };
        let read = State::read(state.write().unwrap().into_raw_fd()).unwrap();
        assert_eq!(read.descriptors().collect::<Vec<_>>(), [4, 5, 8, 6, 9]);
        assert_eq!(read.succession, state.succession);
        let first = r#"{"lock":4,"line":null,"daemon":null,"descriptors":[1,2],"runs":[],"former":null,
                        "succession":null,"of_a_later_version":true}"#;
        assert_eq!(serde_json::from_str::<State>(first).unwrap().descriptors().count(), 1);
        assert!(State::read(1).is_err());
    }
}
