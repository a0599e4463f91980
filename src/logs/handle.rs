//! An open file that knows which file it is.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
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
        // Who wants no log has /dev/null: nothing to read, and no mistake.
        if meta.file_type().is_char_device() {
            return Ok(None);
        }
        if !meta.is_file() {
            return Err(told("read", path, io::Error::other("it is not a regular file")));
        }
        Ok(Some(Handle { identity: identity(&meta), file }))
    }

    /// A file that has no name.
    pub fn of(file: File) -> io::Result<Handle> {
        Ok(Handle { identity: identity(&file.metadata()?), file })
    }

    /// Which file this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Its size now.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The file, to be read from its beginning.
    pub fn into_file(self) -> File {
        self.file
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
        count(filled);
        Ok(filled)
    }
}

/// An error that says what was attempted, and on what.
pub(super) fn told(what: &str, path: &Path, e: io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("cannot {what} {}: {e}", path.display()))
}

#[cfg(test)]
thread_local! {
    static READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Bytes of logs and indexes that this thread has read so far, unpacked ones included: what the
/// promise "the cost depends on N" is tested by.
#[cfg(test)]
pub(super) fn bytes_read() -> u64 {
    READ.get()
}

#[cfg(test)]
pub(super) fn count(bytes: usize) {
    READ.set(READ.get() + bytes as u64);
}

#[cfg(not(test))]
pub(super) fn count(_bytes: usize) {}
