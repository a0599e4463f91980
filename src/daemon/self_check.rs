//! `pmdaemon self-check`: whether this program could take over from another one.
//!
//! Asked of a new program before anything is changed. It opens a *copy* of the store, brings it up
//! to date, reads it as a starting daemon would, and says who it is, in one line of JSON. It
//! touches nothing but the copy.

use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::keeper::protocol::version;
use crate::store::Store;

/// What a program says about itself. Read by other versions: members are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Its version.
    pub pmdaemon: String,
    /// What it speaks with its keeper.
    pub protocol: u32,
    /// Apps in the store that it has read.
    pub apps: usize,
}

/// Checks, and prints the result: exit code 0, or 1 and a sentence on standard error.
pub fn run(store: &Path) -> ExitCode {
    match check(store) {
        Ok(found) => {
            println!("{}", serde_json::to_string(&found).expect("it is plain data"));
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("pmdaemon: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn check(path: &Path) -> Result<SelfCheck, String> {
    if !path.is_file() {
        return Err(format!("there is no copy of a store at {}", path.display()));
    }
    let store = Store::open(path).map_err(|e| e.to_string())?;
    let saved = store.load().map_err(|e| e.to_string())?;
    let pmdaemon = env!("CARGO_PKG_VERSION").to_owned();
    Ok(SelfCheck { pmdaemon, protocol: version(), apps: saved.apps.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_store_is_read_and_a_missing_or_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        assert!(check(&path).unwrap_err().contains("there is no copy"));
        assert!(!path.exists(), "it makes none");
        drop(Store::open(&path).unwrap());
        let found = check(&path).unwrap();
        assert_eq!((found.apps, found.protocol), (0, version()));
        std::fs::write(&path, "not a database").unwrap();
        assert!(check(&path).unwrap_err().contains("damaged"));
    }
}
