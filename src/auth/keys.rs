//! The key that signs the tokens of this installation.

use std::fmt;
use std::path::Path;

use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::secrets::{SecretError, file};

const BYTES: usize = 32;

/// 256 random bits. Whoever has them still mints nothing without a row in the store.
pub struct SigningKey {
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
}

impl SigningKey {
    /// The key in the file at `path` (0600), made if there is none. Replacing it voids every token.
    ///
    /// # Errors
    /// When the file is a link, somebody else's, open to others, or not a key.
    pub fn load_or_create(path: &Path) -> Result<SigningKey, SecretError> {
        let damaged = || SecretError::DamagedKey { path: path.to_path_buf() };
        let bytes = file::load_or_create(path)?.ok_or_else(damaged)?;
        Ok(SigningKey::from_bytes(&bytes))
    }

    /// The key of those bytes.
    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> SigningKey {
        SigningKey { encoding: EncodingKey::from_secret(bytes), decoding: DecodingKey::from_secret(bytes) }
    }
}

/// Written by hand: a key must not get into a log.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone_and_then_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt.key");
        nix::sys::stat::umask(nix::sys::stat::Mode::empty());
        SigningKey::load_or_create(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 32);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        SigningKey::load_or_create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        let other = dir.path().join("other.key");
        SigningKey::load_or_create(&other).unwrap();
        assert_ne!(fs::read(&other).unwrap(), bytes);
    }

    #[test]
    fn a_key_file_that_is_not_safe_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt.key");
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(SigningKey::load_or_create(&link), Err(SecretError::NotAFile { .. })));
        assert!(!path.exists(), "nothing was made through the link");

        SigningKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let sentence = SigningKey::load_or_create(&path).unwrap_err().to_string();
        assert!(sentence.contains(&format!("chmod 600 {}", path.display())), "{sentence}");
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 31, 33, 4096] {
            let path = dir.path().join(length.to_string());
            file::create(&path, &vec![7; length]).unwrap();
            assert!(
                matches!(SigningKey::load_or_create(&path), Err(SecretError::DamagedKey { .. })),
                "{length}"
            );
        }
    }
}
