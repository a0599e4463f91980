//! The bearer token of the local command line: read from the home, and only when nobody else can
//! have read or planted it.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::ClientError;

/// A token is about 400 bytes; a file longer than this is none.
const LONGEST: u64 = 16 * 1024;

/// Reads the token file.
///
/// # Errors
/// [`ClientError::Token`] with a sentence: the file is missing, a symbolic link, not a file,
/// somebody else's, open to others, or does not hold a token.
pub fn read(path: &Path) -> Result<String, ClientError> {
    let shown = path.display();
    let refused = |why: String| ClientError::Token(why);
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|e| match e.raw_os_error() {
        Some(libc::ELOOP) => refused(format!("{shown} is a symbolic link: remove it and restart the daemon")),
        Some(_) | None => refused(format!("cannot read the token {shown}: {e}")),
    })?;
    let meta = file.metadata().map_err(|e| refused(format!("cannot read the token {shown}: {e}")))?;
    let me = nix::unistd::geteuid().as_raw();
    if !meta.is_file() {
        return Err(refused(format!("{shown} is not a file: remove it and restart the daemon")));
    }
    if meta.uid() != me {
        return Err(refused(format!("{shown} belongs to user {}, not to you (user {me})", meta.uid())));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(refused(format!("{shown} is open to others: run chmod 600 {shown}")));
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|e| refused(format!("cannot read the token {shown}: {e}")))?;
    let token = text.trim_end();
    if !looks_like_a_token(token) {
        return Err(refused(format!("{shown} does not hold a token: remove it and restart the daemon")));
    }
    Ok(token.to_owned())
}

/// Three parts of base64url with dots between them: safe to put into a header as it is.
fn looks_like_a_token(text: &str) -> bool {
    let part =
        |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    text.split('.').count() == 3 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_token_of_ours_is_read_without_its_newline() {
        let (_dir, path) = file("ab.c-d.e_f\n", 0o600);
        assert_eq!(read(&path).unwrap(), "ab.c-d.e_f");
    }

    #[test]
    fn a_token_that_others_could_read_is_refused() {
        let (_dir, path) = file("ab.cd.ef", 0o640);
        assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_planted_link_is_refused() {
        let (dir, path) = file("ab.cd.ef", 0o600);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).unwrap_err().to_string().contains("symbolic link"));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        for content in ["", "a.b", "a..c", "a.b.c.d", "a.b.c\r\nX: y", "a.b.ü"] {
            let (_dir, path) = file(content, 0o600);
            assert!(read(&path).unwrap_err().to_string().contains("does not hold a token"), "{content:?}");
        }
        let (_dir, path) = file("a.b.c", 0o600);
        assert!(
            read(&path.with_file_name("none")).unwrap_err().to_string().contains("cannot read the token")
        );
        assert!(read(path.parent().unwrap()).unwrap_err().to_string().contains("not a file"));
    }
}
