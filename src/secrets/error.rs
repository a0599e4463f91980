//! What can go wrong with the files of secrets, as sentences that say what to do.

use std::path::PathBuf;

/// A file with a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error(
        "there is no file {path}: the daemon writes it when it starts. Is it running, and is PMDAEMON_HOME the same?",
        path = path.display()
    )]
    NotThere {
        /// The file.
        path: PathBuf,
    },
    /// The kernel did not let us.
    #[error("cannot {doing} {path}: {source}", path = path.display())]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A link, a directory, a pipe …
    #[error(
        "{path} is not a regular file (a symbolic link is not followed): move it away and start the daemon again",
        path = path.display()
    )]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else could have written it.
    #[error(
        "{path} belongs to user {owner}, not to you (user {me}): set PMDAEMON_HOME to a directory of yours",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who asks.
        me: u32,
    },
    /// Others can read or write it.
    #[error("{path} is open to others (mode {mode:04o}): run chmod 600 {path}", path = path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a key.
    #[error(
        "{path} is damaged (a key has 32 bytes): delete it and start the daemon again. All tokens become void then",
        path = path.display()
    )]
    DamagedKey {
        /// The file.
        path: PathBuf,
    },
    /// It is not the key of the secrets.
    #[error(
        "{path} is damaged (a key has 32 bytes): put a copy of it back, or delete it and set all secrets again",
        path = path.display()
    )]
    DamagedVaultKey {
        /// The file.
        path: PathBuf,
    },
    /// It is not a token.
    #[error(
        "{path} is damaged: the daemon writes a new one within seconds, then try again",
        path = path.display()
    )]
    DamagedToken {
        /// The file.
        path: PathBuf,
    },
}
