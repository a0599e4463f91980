//! Secrets as files, for one run, and gone with it.
//!
//! `secret-files/RUN/NAME` in our home (0600 in directories of 0700). Who runs as somebody else cannot
//! look in there: that run has its files, which are its user's, in `/run/pmdaemon-secrets/HOME-RUN/`,
//! where nobody may list anything and only its group may pass through. That directory stays root's, so
//! that no name in it can be put in the way of ours.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::home::Home;
use crate::model::{Name, RunAs, RunId};
use crate::secrets::file;

/// In memory on most hosts, and root's.
const OF_OTHERS: &str = "/run/pmdaemon-secrets";

/// Writes it, unless the run has it already: then it keeps the value with which it was started. Answers
/// the path.
pub(super) fn write(
    home: &Home,
    run: RunId,
    run_as: Option<&RunAs>,
    name: &Name,
    value: &str,
) -> Result<String, String> {
    let failed = |e: &dyn std::fmt::Display| format!("the secret {name} cannot be given as a file: {e}");
    let directory = match run_as {
        None => of_ours(home, run),
        Some(_) => of_others(home, run),
    };
    make(&directory, run_as).map_err(|e| failed(&e))?;
    let path = directory.join(name.as_str());
    if !path.exists() {
        file::replace(&path, value.as_bytes()).map_err(|e| failed(&e))?;
        if let Some(RunAs { uid, gid, .. }) = run_as {
            chown(&path, Some(*uid), Some(*gid)).map_err(|e| failed(&e))?;
        }
    }
    path.into_os_string().into_string().map_err(|_| failed(&"its path is not UTF-8"))
}

fn make(directory: &Path, run_as: Option<&RunAs>) -> Result<(), String> {
    let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    let Some(run_as) = run_as else { return private(directory).map_err(|e| e.to_string()) };
    private(Path::new(OF_OTHERS)).map_err(|e| format!("{OF_OTHERS}: {e}"))?;
    let found = std::fs::symlink_metadata(OF_OTHERS).map_err(|e| format!("{OF_OTHERS}: {e}"))?;
    if !found.is_dir() || found.uid() != 0 || found.mode() & 0o022 != 0 {
        return Err(format!("{OF_OTHERS} is not a directory that root alone may change: remove it"));
    }
    // Whatever the umask is.
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode));
    mode(Path::new(OF_OTHERS), 0o711).map_err(|e| e.to_string())?;
    private(directory).map_err(|e| e.to_string())?;
    chown(directory, None, Some(run_as.gid)).map_err(|e| e.to_string())?;
    mode(directory, 0o710).map_err(|e| e.to_string())
}

fn of_ours(home: &Home, run: RunId) -> PathBuf {
    home.secret_file_dir().join(run.0.to_string())
}

fn of_others(home: &Home, run: RunId) -> PathBuf {
    Path::new(OF_OTHERS).join(format!("{}{}", beginning(home), run.0))
}

/// What the names of directories of that home begin with.
fn beginning(home: &Home) -> String {
    let digest = Sha256::digest(home.secret_file_dir().as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{short}-")
}

/// The run is over.
pub(in crate::daemon) fn remove(home: &Home, run: RunId) {
    // Most have none.
    let _ = std::fs::remove_dir_all(of_ours(home, run));
    let _ = std::fs::remove_dir_all(of_others(home, run));
}

/// What earlier daemons left of runs that are not there any more.
pub(in crate::daemon) fn remove_all_but(home: &Home, living: &BTreeSet<u64>) {
    remove_in(&home.secret_file_dir(), "", living);
    remove_in(Path::new(OF_OTHERS), &beginning(home), living);
}

fn remove_in(directory: &Path, beginning: &str, living: &BTreeSet<u64>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(run) = name.to_str().and_then(|name| name.strip_prefix(beginning)) else { continue };
        if run.parse().map_or(true, |run| !living.contains(&run)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
