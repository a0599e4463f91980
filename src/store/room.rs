//! Is there room to write what a command changes? Asked before the command is carried out, so that
//! it is refused as a whole and nothing is half-done.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

use super::StoreError;

/// Less room than this is none: what one command changes, its events and the pages of the
/// write-ahead log around them fit into it, and what services do meanwhile too.
pub const RESERVE: u64 = 1024 * 1024;

/// Looks at the file system of the store at `path`.
///
/// # Errors
/// [`StoreError::Full`] or [`StoreError::ReadOnly`]. One that cannot be looked at may have room.
pub(super) fn look(path: &Path) -> Result<(), StoreError> {
    let Ok(system) = statvfs(path) else { return Ok(()) };
    let path = path.to_path_buf();
    if system.flags().contains(FsFlags::ST_RDONLY) {
        return Err(StoreError::ReadOnly { path });
    }
    // What is kept for root, root may use.
    let root = nix::unistd::geteuid().is_root();
    let blocks = if root { system.blocks_free() } else { system.blocks_available() };
    let free = blocks.saturating_mul(system.fragment_size());
    if free < RESERVE { Err(StoreError::Full { path }) } else { Ok(()) }
}

/// As [`look`], by making a file: one that turned read-only because of an error does not say so.
pub(super) fn find_out(path: &Path) -> Result<(), StoreError> {
    look(path)?;
    let probe = path.with_extension("probe");
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&probe);
    // Nobody misses it.
    let _ = fs::remove_file(&probe);
    let path = path.to_path_buf();
    match made.err().and_then(|error| error.raw_os_error()) {
        Some(libc::EROFS) => Err(StoreError::ReadOnly { path }),
        Some(libc::ENOSPC | libc::EDQUOT) => Err(StoreError::Full { path }),
        // SQLite's own reason is better than any other.
        Some(_) | None => Ok(()),
    }
}
