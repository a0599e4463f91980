//! An open file that knows which file it is.

use std::cell::Cell;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Device and inode: what makes two paths, or one path at two times, the same file.
pub(super) type Identity = (u64, u64);

/// The identity of the file that was looked at.
pub(super) fn identity(meta: &Metadata) -> Identity {
    (meta.dev(), meta.ino())
}

/// What lies at that path now; `None` when there is nothing.
pub(super) fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(told("look at", path, e)),
    }
}

/// A file open for reading at positions.
#[derive(Debug)]
pub(super) struct Handle {
    file: File,
    identity: Identity,
    read: Cell<u64>,
}

impl Handle {
    /// Opens it; `None` when it does not exist.
    pub fn open(path: &Path) -> io::Result<Option<Handle>> {
        if path == Path::new("/dev/null") {
            // Output that goes nowhere.
            return Ok(None);
        }
        // Somebody may have put a FIFO there: opening one must not wait for a writer.
        let opened = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(told("read", path, e)),
        };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(told("read", path, io::Error::other("it is not a regular file")));
        }
        Ok(Some(Handle { identity: identity(&meta), file, read: Cell::new(0) }))
    }

    /// Which file this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Its size now.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Time of the last change, in microseconds since 1970.
    pub fn modified(&self) -> io::Result<u64> {
        let meta = self.file.metadata()?;
        let micros = i128::from(meta.mtime()) * 1_000_000 + i128::from(meta.mtime_nsec()) / 1_000;
        Ok(u64::try_from(micros).unwrap_or(0))
    }

    /// Fills `buffer` from there on, as far as the file goes. Returns how much that is.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.read.set(self.read.get() + filled as u64);
        Ok(filled)
    }

    /// Bytes read so far. What the promise "the cost depends on N" is tested by.
    #[cfg(test)]
    pub fn bytes_read(&self) -> u64 {
        self.read.get()
    }
}

fn told(what: &str, path: &Path, e: io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("cannot {what} {}: {e}", path.display()))
}
