//! Random secrets and the hashes under which they are kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// `N` bytes that nobody can guess.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut secret = [0; N];
    // Linux always has randomness once it has booted; a daemon without it must not go on.
    getrandom::fill(&mut secret).expect("the kernel gives random bytes");
    secret
}

/// A secret of 256 random bits as text that fits a URL and a cookie.
pub fn text() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// An id of 128 random bits.
pub fn id() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<16>())
}

/// What is kept of a secret, and looked up: SHA-256, hexadecimal. The secrets have 256 random
/// bits, so nothing slower is needed; and looking up a hash tells nothing by its time.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
