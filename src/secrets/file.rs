//! Files for their owner's eyes: made whole, 0600, never through a link; refused when anybody
//! else could have read or written them.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{SecretError, random};

/// The content, at most `limit` bytes and one more, which shows that it is longer.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, SecretError> {
    let failed = io("read", path);
    // O_NONBLOCK: a planted FIFO must not hang us.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(SecretError::NotThere { path: path.to_path_buf() });
        }
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(SecretError::NotAFile { path: path.to_path_buf() });
        }
        Err(error) => return Err(failed(error)),
    };
    // The open file is checked, not its name, which could mean another one by now.
    check(path, &file)?;
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn check(path: &Path, file: &File) -> Result<(), SecretError> {
    let meta = file.metadata().map_err(io("read", path))?;
    let (me, path) = (nix::unistd::geteuid().as_raw(), path.to_path_buf());
    if !meta.is_file() {
        Err(SecretError::NotAFile { path })
    } else if !owner_is_trusted(meta.uid(), me) {
        Err(SecretError::Foreign { path, owner: meta.uid(), me })
    } else if meta.mode() & 0o077 != 0 {
        Err(SecretError::OpenToOthers { path, mode: meta.mode() & 0o7777 })
    } else {
        Ok(())
    }
}

/// Root can do anything anyway.
pub fn owner_is_trusted(owner: u32, me: u32) -> bool {
    owner == me || owner == 0
}

/// Puts a file with `content` at `path`, in place of what is there.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), SecretError> {
    let made = make_beside(path, content)?;
    std::fs::rename(&made, path).map_err(|error| {
        std::fs::remove_file(&made).ok();
        io("write", path)(error)
    })?;
    sync_dir(path)
}

/// Puts a file with `content` at `path` if nothing is there. The answer is whether it did.
pub fn create(path: &Path, content: &[u8]) -> Result<bool, SecretError> {
    let made = make_beside(path, content)?;
    // Unlike a rename, a link never replaces; unlike O_EXCL alone, nobody sees half a file.
    let linked = std::fs::hard_link(&made, path);
    std::fs::remove_file(&made).ok();
    match linked {
        Ok(()) => sync_dir(path).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io("write", path)(error)),
    }
}

/// The random bytes of the file at `path`, which is made if there is none. Absent: it has something
/// else in it.
pub fn load_or_create<const N: usize>(path: &Path) -> Result<Option<[u8; N]>, SecretError> {
    let content = match read(path, N as u64) {
        Err(SecretError::NotThere { .. }) => {
            // Whoever was first, theirs is what counts.
            create(path, &random::bytes::<N>())?;
            read(path, N as u64)?
        }
        found => found?,
    };
    Ok(content.try_into().ok())
}

/// A finished file under a name that nobody can guess, in the same directory.
fn make_beside(path: &Path, content: &[u8]) -> Result<PathBuf, SecretError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", random::id()));
    let made = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&made)
        .map_err(io("write", path))?;
    if let Err(error) = file.write_all(content).and_then(|()| file.sync_all()) {
        std::fs::remove_file(&made).ok();
        return Err(io("write", path)(error));
    }
    Ok(made)
}

/// The new name survives a power cut.
fn sync_dir(path: &Path) -> Result<(), SecretError> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) | None => Path::new("."),
    };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("write", path))
}

fn io(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> SecretError {
    let path = path.to_path_buf();
    move |source| SecretError::Io { doing, path: path.clone(), source }
}
