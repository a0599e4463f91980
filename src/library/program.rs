//! Finds the program `pmdaemon`, which a daemon is started with.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::client::ClientError;

/// The program: `PMDAEMON_BIN`, or the first `pmdaemon` in `PATH`.
///
/// # Errors
/// [`ClientError::Start`], when there is none that can be executed.
pub fn find() -> Result<PathBuf, ClientError> {
    find_in(std::env::var_os("PMDAEMON_BIN").as_deref(), std::env::var_os("PATH").as_deref())
}

fn find_in(named: Option<&OsStr>, path: Option<&OsStr>) -> Result<PathBuf, ClientError> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let program = std::path::absolute(named).unwrap_or_else(|_| named.into());
        return match is_executable(&program) {
            true => Ok(program),
            false => Err(ClientError::Start(format!(
                "no daemon runs and none can be started: PMDAEMON_BIN is {}, which is not a program that can be \
                 executed",
                program.display()
            ))),
        };
    }
    let dirs = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    let found = dirs.into_iter().map(|dir| dir.join("pmdaemon")).find(|program| is_executable(program));
    let found = found.and_then(|program| std::path::absolute(program).ok());
    found.ok_or_else(|| {
        ClientError::Start(
            "no daemon runs and none can be started: there is no program pmdaemon in PATH; install it, or set \
             PMDAEMON_BIN to where it is"
                .to_owned(),
        )
    })
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_program_is_the_named_one_or_the_first_in_path() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        for (place, mode) in [(&one, 0o644), (&two, 0o755)] {
            std::fs::create_dir(place).unwrap();
            let file = place.join("pmdaemon");
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = std::env::join_paths([&one, &two]).unwrap();
        assert_eq!(find_in(None, Some(&path)).unwrap(), two.join("pmdaemon"));
        assert_eq!(find_in(Some(OsStr::new("")), Some(&path)).unwrap(), two.join("pmdaemon"));
        let named = two.join("pmdaemon");
        assert_eq!(find_in(Some(named.as_os_str()), None).unwrap(), named);
        let told = find_in(Some(one.join("pmdaemon").as_os_str()), Some(&path)).unwrap_err().to_string();
        assert!(told.contains("PMDAEMON_BIN is /"), "{told}");
        let told = find_in(None, Some(one.as_os_str())).unwrap_err().to_string();
        assert!(told.contains("PATH") && told.contains("PMDAEMON_BIN"), "{told}");
    }
}
