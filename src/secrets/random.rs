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

/// An id of nearly 128 random bits. Never with a hyphen at the beginning, or a command line would
/// take it for an option.
pub fn id() -> String {
    loop {
        let id = URL_SAFE_NO_PAD.encode(bytes::<16>());
        if !id.starts_with('-') {
            return id;
        }
    }
}

/// What is kept of a secret, and looked up: SHA-256, hexadecimal. The secrets have 256 random
/// bits, so nothing slower is needed; and looking up a hash tells nothing by its time.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_never_taken_for_an_option() {
        // One in 64 would begin with a hyphen.
        assert!((0..10_000).all(|_| !super::id().starts_with('-')));
    }
}
