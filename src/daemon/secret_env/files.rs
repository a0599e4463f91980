//! Secrets as files: `secret-files/RUN/NAME` (0600 in directories of 0700), for one run, and gone
//! with it.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;

use crate::home::Home;
use crate::model::{Name, RunId};
use crate::secrets::file;

/// Writes it, unless the run has it already: then it keeps the value with which it was started. Answers
/// the path.
pub(super) fn write(home: &Home, run: RunId, name: &Name, value: &str) -> Result<String, String> {
    let directory = home.secret_file_dir().join(run.0.to_string());
    let failed = |e: &dyn std::fmt::Display| format!("the secret {name} cannot be given as a file: {e}");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(|e| failed(&e))?;
    let path = directory.join(name.as_str());
    if !path.exists() {
        file::replace(&path, value.as_bytes()).map_err(|e| failed(&e))?;
    }
    path.into_os_string().into_string().map_err(|_| failed(&"its path is not UTF-8"))
}

/// The run is over.
pub(in crate::daemon) fn remove(home: &Home, run: RunId) {
    // Most have none.
    let _ = std::fs::remove_dir_all(home.secret_file_dir().join(run.0.to_string()));
}

/// What earlier daemons left of runs that are not there any more.
pub(in crate::daemon) fn remove_all_but(home: &Home, living: &BTreeSet<u64>) {
    let Ok(entries) = std::fs::read_dir(home.secret_file_dir()) else { return };
    for entry in entries.flatten() {
        let run = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if run.is_none_or(|run| !living.contains(&run)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
