//! What root runs must be nobody else's to change (row 33 of the security checklist): the script, the
//! scripts of hooks, the working directory, files with variables, and every directory on the way to them.
//!
//! Root may change anything, and the user as whom an app runs may change what it runs. Where everybody
//! may make files but nobody may touch those of others (`/tmp`, with its sticky bit), what is in it
//! counts. Links are looked at, and what they lead to.
//!
//! Somebody who could not change anything when this looked cannot by himself come to: so it looks when
//! an app is defined, and before it is started or restarted by command.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, geteuid};

use super::define::Undefinable;
use super::define_hooks;
use crate::model::{Hooks, RunAs};
use crate::settings::{self, WRITABLE};

/// Refuses to run what others could change, if this daemon is root's and was not told to.
///
/// # Errors
/// The first file or directory that others could change.
pub fn check(
    cwd: &Path,
    script: &str,
    hooks: &Hooks,
    env_files: &[PathBuf],
    run_as: Option<&RunAs>,
) -> Result<(), Undefinable> {
    if !geteuid().is_root() || settings::runs_what_others_can_write().unwrap_or(false) {
        return Ok(());
    }
    let whose = run_as.map_or(Whose { uid: 0, gid: 0 }, |user| Whose { uid: user.uid, gid: user.gid });
    // What is no file is looked for in PATH, which is root's own.
    let file = |script: &str| Some(cwd.join(script)).filter(|file| file.is_file());
    let of_hooks = hooks
        .commands
        .iter()
        .filter_map(|(hook, command)| Some((define_hooks::member(*hook), file(&command.script)?)));
    let files = env_files.iter().map(|file| ("env_file", file.clone()));
    let script = file(script).map(|file| ("script", file));
    let all = [("cwd", cwd.to_path_buf())].into_iter().chain(script).chain(of_hooks).chain(files);
    for (member, path) in all {
        if let Some((place, who)) = whose.first_exposed(&path) {
            let detail = refusal(&place, &who, run_as.map(|user| user.user.as_str()));
            return Err(Undefinable { member, detail });
        }
    }
    Ok(())
}

fn refusal(place: &Path, who: &Who, run_as: Option<&str>) -> String {
    let (user, other_user) = match run_as {
        Some(user) => (user, ""),
        None => ("root", " run the app as another user (--uid),"),
    };
    format!(
        "{} {who}, who could so have {user} run anything: {},{other_user} or start pmdaemon with {WRITABLE}=allow",
        place.display(),
        who.remedy()
    )
}

/// Who may change it, besides root.
#[derive(Clone, Copy)]
struct Whose {
    uid: u32,
    gid: u32,
}

/// Who else could.
#[derive(PartialEq, Eq, Debug)]
enum Who {
    Owner(u32),
    Group(u32),
    Everybody,
}

impl Whose {
    /// The first thing on the way to `path`, and behind its links, that somebody else could change.
    fn first_exposed(self, path: &Path) -> Option<(PathBuf, Who)> {
        let really = path.canonicalize().ok().filter(|really| really != path);
        let ways = [Some(path), really.as_deref()];
        ways.into_iter().flatten().find_map(|way| {
            let steps: Vec<&Path> = way.ancestors().collect();
            steps.into_iter().rev().find_map(|step| Some((step.to_path_buf(), self.who_else(step)?)))
        })
    }

    fn who_else(self, step: &Path) -> Option<Who> {
        let meta = fs::symlink_metadata(step).ok()?;
        let mode = meta.mode();
        if meta.uid() != 0 && meta.uid() != self.uid {
            return Some(Who::Owner(meta.uid()));
        }
        // The mode of a link says nothing, and in a sticky directory everybody changes his own.
        if meta.is_symlink() || (meta.is_dir() && mode & 0o1000 != 0) {
            return None;
        }
        if mode & 0o002 != 0 {
            return Some(Who::Everybody);
        }
        (mode & 0o020 != 0 && meta.gid() != 0 && meta.gid() != self.gid).then(|| Who::Group(meta.gid()))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Owner(uid) => {
                let name = User::from_uid(Uid::from_raw(*uid)).ok().flatten().map(|user| user.name);
                write!(f, "belongs to {}", name.unwrap_or_else(|| format!("user {uid}")))
            }
            Who::Group(gid) => {
                let name = Group::from_gid(Gid::from_raw(*gid)).ok().flatten().map(|group| group.name);
                write!(f, "can be changed by the group {}", name.unwrap_or_else(|| gid.to_string()))
            }
            Who::Everybody => f.write_str("can be changed by everybody"),
        }
    }
}

impl Who {
    fn remedy(&self) -> &'static str {
        match self {
            Who::Owner(_) => "give it to root (chown root)",
            Who::Group(_) => "take that right away (chmod g-w)",
            Who::Everybody => "take that right away (chmod o-w)",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    /// Some user and group who are not root.
    const THEM: u32 = 65_534;

    #[test]
    fn another_user_is_proposed_only_where_there_is_none() {
        let refusal = |run_as| refusal(Path::new("/srv/app.js"), &Who::Everybody, run_as);
        assert!(refusal(None).contains("as another user (--uid), or start"), "{}", refusal(None));
        let named = refusal(Some("www-data"));
        assert!(named.contains("have www-data run") && !named.contains("--uid"), "{named}");
    }

    #[test]
    fn row_33_what_others_can_change_on_the_way_is_found_by_owner_mode_and_link() {
        if !geteuid().is_root() {
            // Nobody else can give files away.
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let home = place.path().canonicalize().unwrap();
        let dir = home.join("srv");
        let file = dir.join("app.js");
        fs::create_dir(&dir).unwrap();
        fs::write(&file, "").unwrap();
        let link = home.join("link.js");
        symlink(&file, &link).unwrap();
        let set = |path: &Path, owner: u32, group: u32, mode: u32| {
            chown(path, Some(owner), Some(group)).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let root = Whose { uid: 0, gid: 0 };
        let them = Whose { uid: THEM, gid: THEM };
        // Directory, file, for whom; what is found.
        for (at_dir, at_file, whose, expected) in [
            ((0, 0, 0o755), (0, 0, 0o644), root, None),
            ((0, 0, 0o775), (0, 0, 0o664), root, None),
            ((0, 0, 0o755), (0, 0, 0o646), root, Some((&file, Who::Everybody))),
            ((0, 0, 0o757), (0, 0, 0o644), root, Some((&dir, Who::Everybody))),
            ((0, 0, 0o1777), (0, 0, 0o644), root, None),
            ((0, 0, 0o1777), (THEM, 0, 0o644), root, Some((&file, Who::Owner(THEM)))),
            ((0, THEM, 0o775), (0, 0, 0o644), root, Some((&dir, Who::Group(THEM)))),
            ((THEM, 0, 0o755), (0, 0, 0o644), root, Some((&dir, Who::Owner(THEM)))),
            ((THEM, THEM, 0o775), (THEM, THEM, 0o664), them, None),
            ((THEM, THEM, 0o755), (1, 1, 0o644), them, Some((&file, Who::Owner(1)))),
        ] {
            set(&dir, at_dir.0, at_dir.1, at_dir.2);
            set(&file, at_file.0, at_file.1, at_file.2);
            let expected = expected.map(|(path, who)| (path.clone(), who));
            assert_eq!(whose.first_exposed(&file), expected, "{at_dir:?} {at_file:?}");
            assert_eq!(whose.first_exposed(&link), expected, "by a link: {at_dir:?} {at_file:?}");
        }
    }
}
