//! The directory of this installation: who can read it, and is there room?

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use super::{Finding, Level};
use crate::cli::render::units;
use crate::home::Home;

/// The longest path of a unix socket.
const LONGEST_SOCKET: usize = 107;
/// What the socket is called while it is made: the path plus this.
const FRESH: usize = ".new".len();
/// Less room than this and state cannot be saved for long.
const FULL: u64 = 32 * 1024 * 1024;
/// Less room than this is worth a warning.
const TIGHT: u64 = 512 * 1024 * 1024;

/// The home and its secrets are their owner's alone.
pub fn permissions(home: &Home) -> Vec<Finding> {
    let shown = home.path().display();
    let me = nix::unistd::geteuid().as_raw();
    match fs::metadata(home.path()) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return vec![Finding::ok(
                "home",
                format!("{shown} is not there yet; the first command makes it"),
            )];
        }
        Err(e) => {
            let told = format!("{shown} cannot be read: {e}");
            return vec![Finding::bad(Level::Serious, "home", told, OTHER_HOME)];
        }
        Ok(meta) if !meta.is_dir() => {
            return vec![Finding::bad(
                Level::Serious,
                "home",
                format!("{shown} is not a directory"),
                OTHER_HOME,
            )];
        }
        Ok(_) => {}
    }
    let files = [home.token(), home.jwt_key(), home.secret_key(), home.store(), home.socket()];
    let mut findings: Vec<Finding> =
        std::iter::once(home.path().to_owned()).chain(files).filter_map(|path| trouble(&path, me)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok("home", format!("{shown} and its secrets are yours alone")));
    }
    findings
}

/// Takes from others what they could read of ours; answers what was done.
///
/// # Errors
/// The first path that stays as it was, and why.
pub fn close_to_others(home: &Home) -> Result<Vec<String>, String> {
    let me = nix::unistd::geteuid().as_raw();
    let mut done = Vec::new();
    let secrets = [
        home.path().to_owned(),
        home.token(),
        home.jwt_key(),
        home.secret_key(),
        home.store(),
        home.run_dir(),
        home.log_dir(),
    ];
    for path in secrets {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_symlink() || meta.uid() != me || meta.mode() & 0o077 == 0 {
            continue;
        }
        let mode = if meta.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .map_err(|e| format!("cannot close {} to others: {e}", path.display()))?;
        done.push(format!("Closed {} to others.", path.display()));
    }
    Ok(done)
}

const OTHER_HOME: &str = "set PMDAEMON_HOME to a directory of yours";

/// What is wrong with who may touch that path; `None` when nothing is, or it is not there.
fn trouble(path: &Path, me: u32) -> Option<Finding> {
    let shown = path.display();
    let meta = fs::symlink_metadata(path).ok()?;
    let (finding, remedy) = if meta.is_symlink() && fs::metadata(path).is_ok_and(|target| !target.is_dir()) {
        (format!("{shown} is a symbolic link"), format!("remove it and run pmdaemon list: rm {shown}"))
    } else {
        let meta = fs::metadata(path).ok()?;
        if meta.uid() != me {
            let told = format!("{shown} belongs to user {}, not to you (user {me})", meta.uid());
            (told, OTHER_HOME.to_owned())
        } else if meta.mode() & 0o077 != 0 {
            let mode = if meta.is_dir() { "700" } else { "600" };
            (
                format!("{shown} is open to others (mode {:o})", meta.mode() & 0o777),
                format!("chmod {mode} {shown}"),
            )
        } else {
            return None;
        }
    };
    Some(Finding::bad(Level::Serious, "home", finding, remedy))
}

/// The path of the socket fits into its address.
pub fn socket_path(home: &Home) -> Finding {
    let socket = home.socket();
    let length = socket.as_os_str().as_bytes().len() + FRESH;
    if length > LONGEST_SOCKET {
        return Finding::bad(
            Level::Serious,
            "socket",
            format!("the path {} is too long for a unix socket", socket.display()),
            format!("set PMDAEMON_HOME to a path that is {} bytes shorter", length - LONGEST_SOCKET),
        );
    }
    Finding::ok("socket", socket.display().to_string())
}

/// There is room where the home is or will be, and it can be written.
pub fn disk(home: &Home) -> Finding {
    let place = existing(home.path());
    let shown = place.display();
    if let Err(e) = access(&place, AccessFlags::W_OK | AccessFlags::X_OK) {
        return Finding::bad(
            Level::Serious,
            "disk",
            format!("{shown} cannot be written: {}", e.desc()),
            OTHER_HOME,
        );
    }
    match statvfs(&place) {
        Err(e) => {
            let told = format!("how much room {shown} has is not known: {}", e.desc());
            Finding::bad(Level::Warning, "disk", told, format!("see df {shown}"))
        }
        Ok(fs) => {
            let free = fs.blocks_available().saturating_mul(fs.fragment_size());
            // Some file systems count no files.
            let files = (fs.files() > 0).then_some(fs.files_available());
            room(&place, free, files)
        }
    }
}

fn room(place: &Path, free: u64, files: Option<u64>) -> Finding {
    let shown = place.display();
    let told = format!("{} free at {shown}", units::bytes(free.min(i64::MAX as u64) as i64));
    let remedy = format!("make room on the file system of {shown}, or move PMDAEMON_HOME");
    if files.is_some_and(|files| files < 100) {
        return Finding::bad(Level::Serious, "disk", format!("no more files can be made at {shown}"), remedy);
    }
    match free {
        TIGHT.. => Finding::ok("disk", told),
        FULL.. => Finding::bad(Level::Warning, "disk", told, remedy),
        _ => Finding::bad(Level::Serious, "disk", told, remedy),
    }
}

/// The path itself, or the nearest directory above it that is there.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row 48 of the security checklist.
    #[test]
    fn a_secret_that_others_can_read_is_serious_and_the_remedy_helps() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("h"));
        assert_eq!(permissions(&home)[0].level, Level::Ok, "a home that is not there yet");
        home.create().unwrap();
        fs::write(home.token(), "x").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&home.token(), 0o644);
        mode(home.path(), 0o750);
        let found = permissions(&home);
        assert!(found.iter().all(|finding| finding.level == Level::Serious) && found.len() == 2, "{found:?}");
        let remedies: Vec<_> = found.iter().filter_map(|finding| finding.remedy.clone()).collect();
        let expected =
            [format!("chmod 700 {}", home.path().display()), format!("chmod 600 {}", home.token().display())];
        assert_eq!(remedies, expected);
        mode(&home.token(), 0o600);
        mode(home.path(), 0o700);
        assert_eq!(permissions(&home).iter().map(|f| f.level).collect::<Vec<_>>(), [Level::Ok]);
    }

    #[test]
    fn a_planted_link_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("h"));
        home.create().unwrap();
        fs::write(home.store(), "").unwrap();
        fs::set_permissions(home.store(), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(home.store(), home.token()).unwrap();
        assert!(permissions(&home)[0].finding.contains("symbolic link"));
    }

    #[test]
    fn a_long_path_is_no_place_for_a_socket() {
        let at = |length: usize| Home::at(format!("/{}", "x".repeat(length - 1)));
        let socket = "/pmdaemon.sock.new".len();
        assert_eq!(socket_path(&at(LONGEST_SOCKET - socket)).level, Level::Ok);
        let found = socket_path(&at(LONGEST_SOCKET - socket + 1));
        assert_eq!(found.level, Level::Serious);
        assert!(found.remedy.unwrap().contains("1 bytes shorter"));
    }

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let check =
            |free, files, level| assert_eq!(room(Path::new("/x"), free, files).level, level, "{free}");
        check(1 << 40, Some(1_000_000), Level::Ok);
        check(1 << 40, None, Level::Ok);
        check(1 << 28, None, Level::Warning);
        check(1 << 20, None, Level::Serious);
        check(1 << 40, Some(3), Level::Serious);
    }
}
