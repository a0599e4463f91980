//! Much at once out of a FIFO, while the program goes on writing into it.
//!
//! `splice` locks the pipe for as long as the file takes the bytes, and who writes to it waits: the
//! two take turns. So where much is in the FIFO, `tee` puts references to it into a pipe of our own,
//! which takes next to no time; the file takes it from there, with nothing locked; and then as much
//! is dropped from the FIFO, which again takes next to no time.
//!
//! | a keeper dies after        | the log grew | at the head of the FIFO | the next one |
//! |----------------------------|--------------|-------------------------|--------------|
//! | the note                   | no           | the same bytes          | does nothing |
//! | all or part of the append  | yes          | the same bytes          | drops them   |
//! | the drop                   | yes          | what follows            | does nothing |
//! | the note was cleared       |              |                         | does nothing |
//!
//! So that the next one can tell, it is noted before from which FIFO bytes come, and to which place
//! of which file. There is one note: a keeper does one thing at a time.
//!
//! It cannot tell if what follows happens to be what was moved: if the output repeats itself (`yes`)
//! and the keeper is killed in the microseconds between the drop and clearing the note, it is dropped
//! twice. Nor if others moved the file away between the two keepers: then the bytes come twice.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice, tee};
use nix::sys::stat::fstat;

use super::log_file::LogFile;
use super::{fifo, say};
use crate::fault;

/// With less than this in the FIFO one `splice` is quicker than all that.
pub const MUCH: usize = 128 * 1024;

/// A file or FIFO on disk: device and inode.
pub type Identity = (u64, u64);

/// What is needed for it, once it was needed.
pub struct Bulk {
    path: PathBuf,
    tools: Option<Tools>,
    /// What an earlier keeper had noted when it died.
    left: Option<Note>,
}

struct Tools {
    note: File,
    reader: OwnedFd,
    writer: OwnedFd,
    null: File,
}

/// What is being moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    /// Where from.
    pub fifo: Identity,
    /// Where to,
    pub log: Identity,
    /// at which offset,
    pub offset: u64,
    /// and at most how many bytes. 0: nothing is being moved.
    pub length: u64,
}

impl Bulk {
    /// With the note in that file. Whatever is in it was left by an earlier keeper.
    pub fn at(path: &Path) -> Bulk {
        let left = fs::read(path).ok().and_then(|bytes| Note::read(&bytes));
        Bulk { path: path.to_owned(), tools: None, left }
    }

    /// Moves at most `most` bytes to that place of a file. `None`: it cannot be done in this way now,
    /// and nothing has happened.
    pub fn shift(
        &mut self,
        fifo: BorrowedFd<'_>,
        file: &File,
        (log, offset): (Identity, u64),
        most: usize,
    ) -> Option<io::Result<usize>> {
        // There is one note, and it is needed still.
        if self.left.is_some() {
            return None;
        }
        let from = identity(fifo).ok()?;
        let tools = self.tools(fifo).ok()?;
        // Whatever goes wrong from here on: what is in our pipe is not left for the next time.
        let seen = tools.see(fifo, most).ok().filter(|seen| *seen > 0)?;
        let note = Note { fifo: from, log, offset, length: seen as u64 };
        if tools.write(note).is_err() {
            self.tools = None;
            return None;
        }
        fault::point!("log.noted");
        let appended = tools.append(file, offset, seen);
        fault::point!("log.appended");
        let count = *appended.as_ref().unwrap_or(&0);
        tools.drop_from(fifo, count);
        fault::point!("log.dropped");
        // If that fails, it is seen that the log has grown by more since.
        let _ = tools.write(Note::NONE);
        if count < seen {
            self.tools = None;
        }
        Some(appended)
    }

    /// Sees to it that what an earlier keeper was moving from that FIFO into that log is not moved
    /// twice.
    pub fn settle(&mut self, fifo: BorrowedFd<'_>, log: &LogFile) {
        let Some(note) = self.left else { return };
        if identity(fifo).ok() != Some(note.fifo) || log.identity() != note.log {
            return;
        }
        self.left = None;
        match self.drop_again(fifo, log, note) {
            Ok(0) => {}
            Ok(count) => say::info!("{count} bytes were in {} already", log.path().display()),
            Err(error) => {
                say::warning!("some bytes may be twice in {}: {error}", log.path().display());
            }
        }
    }

    fn drop_again(&mut self, fifo: BorrowedFd<'_>, log: &LogFile, note: Note) -> io::Result<usize> {
        let Some(added) = log.end().checked_sub(note.offset).filter(|added| *added <= note.length) else {
            return Ok(0);
        };
        let mut there = vec![0; added as usize];
        log.read_exact_at(&mut there, note.offset)?;
        if there.is_empty() || fifo::peek(fifo, there.len())? != there {
            return Ok(0);
        }
        Ok(self.tools(fifo)?.drop_from(fifo, there.len()))
    }

    /// There is nobody any more whom the note of an earlier keeper could be about.
    pub fn forget(&mut self) {
        self.left = None;
        // The next boot may have other files of these numbers. And who has it open lets it go: a note
        // in a file without a name is none.
        self.tools = None;
        let _ = fs::remove_file(&self.path);
    }

    fn tools(&mut self, fifo: BorrowedFd<'_>) -> io::Result<&mut Tools> {
        match &mut self.tools {
            Some(tools) => Ok(tools),
            none => Ok(none.insert(Tools::at(&self.path, fifo)?)),
        }
    }
}

impl Tools {
    fn at(path: &Path, fifo: BorrowedFd<'_>) -> io::Result<Tools> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let (reader, writer) = fifo::pipe_like(fifo)?;
        let null = File::options().write(true).open("/dev/null")?;
        Ok(Tools { note: options.open(path)?, reader, writer, null })
    }

    /// References to what is in the FIFO.
    fn see(&self, fifo: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        Ok(tee(fifo, self.writer.as_fd(), most, SpliceFFlags::SPLICE_F_NONBLOCK)?)
    }

    fn write(&self, note: Note) -> io::Result<()> {
        self.note.write_all_at(&note.bytes(), 0)
    }

    /// What was seen, as far as the file takes it; an error if that is nothing.
    fn append(&self, file: &File, offset: u64, seen: usize) -> io::Result<usize> {
        let mut appended = 0;
        while appended < seen {
            let mut at = (offset + appended as u64) as i64;
            let flags = SpliceFFlags::SPLICE_F_NONBLOCK;
            match splice(self.reader.as_fd(), None, file.as_fd(), Some(&mut at), seen - appended, flags) {
                Ok(0) => break,
                Ok(count) => appended += count,
                // What was moved counts; the error will come again.
                Err(_) if appended > 0 => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        if appended == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(appended) }
    }

    /// Returns how many bytes were dropped: all, but if the program reads its own output.
    fn drop_from(&self, fifo: BorrowedFd<'_>, count: usize) -> usize {
        let mut left = count;
        while left > 0 {
            let flags = SpliceFFlags::SPLICE_F_NONBLOCK;
            match splice(fifo, None, self.null.as_fd(), None, left, flags) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => break,
                Ok(dropped) => left -= dropped,
            }
        }
        count - left
    }
}

impl Note {
    const NONE: Note = Note { fifo: (0, 0), log: (0, 0), offset: 0, length: 0 };

    fn bytes(self) -> [u8; 48] {
        let words = [self.fifo.0, self.fifo.1, self.log.0, self.log.1, self.offset, self.length];
        let mut bytes = [0; 48];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Note> {
        let bytes = <&[u8; 48]>::try_from(bytes).ok()?;
        let mut words = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let note = Note { fifo: (next(), next()), log: (next(), next()), offset: next(), length: next() };
        (note.length > 0).then_some(note)
    }
}

fn identity(fifo: BorrowedFd<'_>) -> io::Result<Identity> {
    let stat = fstat(fifo)?;
    Ok((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
