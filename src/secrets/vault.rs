//! Values that are kept encrypted: AES-256-GCM with a key in a file of its own, 0600, and a random
//! nonce for each. Each is bound to its label, so that no value can be put in the place of another.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{SecretError, file};

/// Bytes of a key.
const BYTES: usize = 32;

/// Encrypts and decrypts.
pub struct Vault(RandomizedNonceKey);

/// It was made with another key, for another label, or was damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it cannot be decrypted: its key is another one, or it is damaged")]
pub struct Undecipherable;

impl Vault {
    /// With the key in that file, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, is open to others, or is no key.
    pub fn load_or_create(path: &Path) -> Result<Vault, SecretError> {
        let damaged = || SecretError::DamagedVaultKey { path: path.to_path_buf() };
        let key = file::load_or_create::<BYTES>(path)?.ok_or_else(damaged)?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).map(Vault).map_err(|_| damaged())
    }

    /// The value as text that tells nothing.
    ///
    /// # Panics
    /// When there is no randomness, which Linux has once it has booted.
    pub fn seal(&self, label: &str, value: &str) -> String {
        let mut sealed = value.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(label), &mut sealed);
        let nonce = nonce.expect("the kernel gives random bytes, and no value is 64 GiB long");
        let nonce: &[u8] = nonce.as_ref();
        STANDARD_NO_PAD.encode([nonce, &sealed].concat())
    }

    /// The value that was sealed under that label.
    ///
    /// # Errors
    /// When it was not, or not with this key.
    pub fn open(&self, label: &str, sealed: &str) -> Result<String, Undecipherable> {
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| Undecipherable)?;
        let (nonce, content) = bytes.split_at_checked(NONCE_LEN).ok_or(Undecipherable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Undecipherable)?;
        let mut content = content.to_vec();
        let value =
            self.0.open_in_place(nonce, Aad::from(label), &mut content).map_err(|_| Undecipherable)?;
        String::from_utf8(value.to_vec()).map_err(|_| Undecipherable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_value_is_read_with_its_key_and_its_label_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.key");
        let vault = Vault::load_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = vault.seal("default/DB", "s3cret ü");
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, vault.seal("default/DB", "s3cret ü"), "twice the same is not seen");
        // The next daemon has the same key.
        let again = Vault::load_or_create(&path).unwrap();
        assert_eq!(again.open("default/DB", &sealed).as_deref(), Ok("s3cret ü"));
        assert_eq!(again.open("blue/DB", &sealed), Err(Undecipherable));
        let other = Vault::load_or_create(&dir.path().join("other.key")).unwrap();
        assert_eq!(other.open("default/DB", &sealed), Err(Undecipherable));
        for damaged in ["", "AAAA", "not base64!"] {
            assert_eq!(vault.open("default/DB", damaged), Err(Undecipherable));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.key");
        file::create(&path, b"short").unwrap();
        let refused = Vault::load_or_create(&path).err().unwrap().to_string();
        assert!(refused.contains("secrets.key"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}
