//! Whether an app can have the log files that somebody asked for.
//!
//! The keeper writes to them, often as root, and renames them. So nobody but root and the daemon's
//! own user may be able to put something else in their place: every directory on the way belongs to
//! one of the two, and is closed to others or has the sticky bit.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess, geteuid};

use super::define::Undefinable;
use super::finder::reason;
use crate::home::Home;
use crate::model::log_policy::numbered;
use crate::model::{LogPolicy, LogTarget};

/// Makes the paths absolute and looks at them.
///
/// # Errors
/// The first that cannot be a log.
pub fn resolve(policy: LogPolicy, cwd: &Path, instances: u32) -> Result<LogPolicy, Undefinable> {
    let check = |member, path: PathBuf| {
        let path = absolute(cwd, &path);
        let files: Vec<PathBuf> = match instances {
            2.. if !policy.merge => (0..instances).map(|instance| numbered(&path, instance)).collect(),
            _ => vec![path.clone()],
        };
        let wrong = |detail| Undefinable { member, detail };
        files.iter().try_for_each(|file| check_file(file)).map_err(wrong)?;
        check_place(&path).map_err(wrong)?;
        Ok(path)
    };
    let target = |member, target| match target {
        LogTarget::Own => Ok(LogTarget::Own),
        LogTarget::Null => Ok(LogTarget::Null),
        LogTarget::File(path) => check(member, path).map(LogTarget::File),
    };
    let out = target("logs/out_file", policy.out.clone())?;
    let err = target("logs/error_file", policy.err.clone())?;
    let combined = policy.combined.clone().map(|path| check("logs/combined_file", path)).transpose()?;
    Ok(LogPolicy { out, err, combined, ..policy })
}

/// Refuses files inside the home: the daemon's own are there.
///
/// # Errors
/// The first that is.
pub fn outside(home: &Home, policy: &LogPolicy) -> Result<(), Undefinable> {
    let home = fs::canonicalize(home.path()).unwrap_or_else(|_| home.path().to_owned());
    let path = |target: &LogTarget| match target {
        LogTarget::Own | LogTarget::Null => None,
        LogTarget::File(path) => Some(path.clone()),
    };
    let files = [
        ("logs/out_file", path(&policy.out)),
        ("logs/error_file", path(&policy.err)),
        ("logs/combined_file", policy.combined.clone()),
    ];
    let inside = |path: &Path| {
        let place = path.ancestors().skip(1).find_map(|dir| fs::canonicalize(dir).ok());
        path.starts_with(&home) || place.is_some_and(|place| place.starts_with(&home))
    };
    match files.into_iter().find_map(|(member, path)| Some((member, path.filter(|path| inside(path))?))) {
        None => Ok(()),
        Some((member, path)) => Err(Undefinable {
            member,
            detail: format!(
                "{} is inside {}, where pmdaemon has its own files: name a file elsewhere, or leave it out to have one \
                 there",
                path.display(),
                home.display()
            ),
        }),
    }
}

/// Without `.` and `..`, as far as that can be said without looking.
fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in cwd.join(path).components() {
        match part {
            std::path::Component::ParentDir => drop(clean.pop()),
            std::path::Component::Normal(name) => clean.push(name),
            std::path::Component::RootDir
            | std::path::Component::CurDir
            | std::path::Component::Prefix(_) => {}
        }
    }
    clean
}

/// What is there already must be a file that we may write to.
fn check_file(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(e) => return Err(format!("the log file {shown} cannot be used: {}", reason(&e))),
    };
    let what = match meta.file_type() {
        kind if kind.is_symlink() => "is a symbolic link: name the file itself",
        kind if kind.is_dir() => "is a directory: name a file in it",
        kind if kind.is_fifo() || kind.is_socket() => "is not a regular file: name one, or NULL for none",
        kind if !kind.is_file() => "is a device: name a regular file, or NULL for none",
        _ if meta.nlink() > 1 => "is a hard link, so it is another file, too: name one that is not",
        _ => {
            return eaccess(path, AccessFlags::W_OK)
                .map_err(|e| format!("the log file {shown} cannot be written: {}", e.desc()));
        }
    };
    Err(format!("the log file {shown} {what}"))
}

/// The nearest directory that is there must be one where we may make files and nobody else may
/// change what is there.
fn check_place(path: &Path) -> Result<(), String> {
    let Some(found) = path.ancestors().skip(1).find(|dir| fs::symlink_metadata(dir).is_ok()) else {
        return Err(format!("{} is in no directory", path.display()));
    };
    let shown = path.display();
    let place = fs::canonicalize(found).map_err(|e| {
        format!("the directory {} of the log file {shown} cannot be used: {}", found.display(), reason(&e))
    })?;
    if !place.is_dir() {
        return Err(format!("the log file {shown} cannot be made: {} is not a directory", found.display()));
    }
    let me = geteuid().as_raw();
    for dir in place.ancestors() {
        let meta =
            fs::metadata(dir).map_err(|e| format!("cannot look at {}: {}", dir.display(), reason(&e)))?;
        let dir = dir.display();
        if meta.uid() != me && meta.uid() != 0 {
            return Err(format!(
                "the log file {shown} is not safe there: {dir} belongs to user {}, who could put a link in its \
                 place; use a directory of yours",
                meta.uid()
            ));
        }
        if meta.mode() & 0o1002 == 0o002 {
            return Err(format!(
                "the log file {shown} is not safe there: everybody may write to {dir}; use a directory of yours, or \
                 run chmod o-w {dir}"
            ));
        }
    }
    try_in(found, path)
        .map_err(|e| format!("the log file {shown} cannot be made in {}: {}", place.display(), reason(&e)))
}

/// Makes what is missing first on the way to the file, and removes it again.
fn try_in(dir: &Path, path: &Path) -> io::Result<()> {
    let next = path.ancestors().find(|next| next.parent() == Some(dir)).unwrap_or(path);
    if next != path {
        return fs::create_dir(next).and_then(|()| fs::remove_dir(next));
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => fs::remove_file(path),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn combined(path: &str, cwd: &Path, instances: u32) -> Result<PathBuf, String> {
        let policy = LogPolicy { combined: Some(path.into()), ..LogPolicy::default() };
        let resolved = resolve(policy, cwd, instances).map_err(|wrong| wrong.detail)?;
        Ok(resolved.combined.unwrap())
    }

    #[test]
    fn a_relative_path_counts_from_the_directory_of_the_app() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(combined("l/app.log", dir.path(), 1), Ok(dir.path().join("l/app.log")));
        assert_eq!(combined("./x/../app.log", dir.path(), 1), Ok(dir.path().join("app.log")));
        assert!(!dir.path().join("l").exists(), "nothing is made before the app is defined");
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let check = |path: &str, instances, word: &str| {
            let refused = combined(path, dir.path(), instances).expect_err(path);
            assert!(refused.contains(word), "{refused}");
        };
        fs::write(dir.path().join("file"), "").unwrap();
        fs::create_dir(dir.path().join("dir")).unwrap();
        symlink("file", dir.path().join("link")).unwrap();
        symlink("file", dir.path().join("app-1.log")).unwrap();
        fs::write(dir.path().join("twice"), "").unwrap();
        fs::hard_link(dir.path().join("twice"), dir.path().join("again")).unwrap();
        check("dir", 1, "is a directory");
        check("link", 1, "symbolic link");
        check("app.log", 2, "app-1.log is a symbolic link");
        check("twice", 1, "hard link");
        check("file/app.log", 1, "not a directory");
        check("/dev/zero", 1, "device");
        check("/proc/none/app.log", 1, "cannot be made in /proc");
    }

    #[test]
    fn a_directory_in_which_others_could_play_tricks_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        let mode = |mode| fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        assert!(combined("open/new/app.log", dir.path(), 1).unwrap_err().contains("everybody may write"));
        mode(0o1777);
        assert!(combined("open/app.log", dir.path(), 1).is_ok());
        mode(0o755);
        if geteuid().is_root() {
            std::os::unix::fs::chown(&open, Some(65534), None).unwrap();
            assert!(combined("open/app.log", dir.path(), 1).unwrap_err().contains("belongs to user 65534"));
        }
    }

    #[test]
    fn the_home_is_not_the_place_for_logs_of_ones_own() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        fs::create_dir(home.path()).unwrap();
        symlink("home", dir.path().join("way")).unwrap();
        let check = |path: PathBuf| {
            outside(&home, &LogPolicy { err: LogTarget::File(path), ..LogPolicy::default() }).is_ok()
        };
        assert!(check(dir.path().join("app.log")));
        assert!(!check(home.store()));
        assert!(!check(dir.path().join("way/new/app.log")));
    }
}
