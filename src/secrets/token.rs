//! The token of the local command line: a file that the daemon writes and the command line reads.

use std::path::Path;

use super::{SecretError, file};

/// Longer than any token of ours.
const LIMIT: u64 = 16 * 1024;

/// Puts `jwt` into the file at `path` (0600), in one step: a reader sees the old token or the new.
///
/// # Errors
/// When the kernel does not let us; the old file is there then.
pub fn write(path: &Path, jwt: &str) -> Result<(), SecretError> {
    file::replace(path, format!("{jwt}\n").as_bytes())
}

/// The token in the file at `path`.
///
/// # Errors
/// When there is none, when it is a link, somebody else's (neither ours nor root's) or open to
/// others, and when what it holds is no token.
pub fn read(path: &Path) -> Result<String, SecretError> {
    let content = file::read(path, LIMIT)?;
    let damaged = || SecretError::DamagedToken { path: path.to_path_buf() };
    let text = String::from_utf8(content).map_err(|_| damaged())?;
    let jwt = text.trim();
    if text.len() as u64 <= LIMIT && looks_like_token(jwt) { Ok(jwt.to_owned()) } else { Err(damaged()) }
}

/// Three parts of base64url.
fn looks_like_token(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.split('.').count() == 3 && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const JWT: &str = "eyJh.eyJp-c3.Zm9v_";

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_token_that_was_written_is_read_back_and_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        nix::sys::stat::umask(nix::sys::stat::Mode::empty());
        for jwt in [JWT, "a.b.c"] {
            write(&path, jwt).unwrap();
            assert_eq!(read(&path).unwrap(), jwt);
            assert_eq!(mode(&path), 0o600);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn writing_replaces_a_planted_link_and_not_what_it_points_to() {
        let dir = tempfile::tempdir().unwrap();
        let (path, target) = (dir.path().join("token"), dir.path().join("target"));
        fs::write(&target, "precious").unwrap();
        symlink(&target, &path).unwrap();
        write(&path, JWT).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn a_token_file_that_others_could_have_touched_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        assert!(read(&path).unwrap_err().to_string().contains("PMDAEMON_HOME"));
        for open in [0o640, 0o604, 0o620, 0o601] {
            write(&path, JWT).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let sentence = read(&path).unwrap_err().to_string();
            assert!(sentence.contains(&format!("chmod 600 {}", path.display())), "{sentence}");
        }
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(read(&link), Err(SecretError::NotAFile { .. })));
        assert!(matches!(read(dir.path()), Err(SecretError::NotAFile { .. })));
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        assert!(matches!(read(&fifo), Err(SecretError::NotAFile { .. })));
    }

    #[test]
    fn a_token_file_of_somebody_else_is_refused_unless_that_is_root() {
        assert!(file::owner_is_trusted(1000, 1000) && file::owner_is_trusted(0, 1000));
        assert!(!file::owner_is_trusted(1001, 1000) && !file::owner_is_trusted(1000, 0));
        if nix::unistd::geteuid().is_root() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("token");
            write(&path, JWT).unwrap();
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            assert!(matches!(read(&path), Err(SecretError::Foreign { owner: 65_534, .. })));
        }
    }

    #[test]
    fn what_is_not_a_token_is_called_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let long = format!("a.b.{}", "c".repeat(20_000));
        for content in ["", "\n", "a.b", "a.b.c.d", "a..c", "a.b.c d", "a.b.c\na.b.c", "a.b.ü", &long] {
            write(&path, content).unwrap();
            let error = read(&path).unwrap_err();
            assert!(error.to_string().contains("is damaged"), "{content:?}: {error}");
        }
    }
}
