//! Whether limits can be kept on this host, who a user is, and what the keeper is told of both.

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Gid, Group, Uid, User, geteuid};

use super::define::Undefinable;
use crate::keeper::protocol;
use crate::model::{Resources, RunAs};

/// The kernel's own memory limit leaves so much more room, at least: sampling comes first, with a
/// restart that asks, and the kernel's limit is for those who grow faster than that.
const LEAST_HEADROOM: u64 = 16 << 20;

/// What the keeper is told.
pub fn for_keeper(resources: &Resources) -> protocol::Resources {
    let headroom = |limit: u64| limit.saturating_add((limit / 4).max(LEAST_HEADROOM));
    protocol::Resources {
        memory_max: resources.max_memory.map(|limit| headroom(limit.0)),
        nice: resources.nice,
        max_open_files: resources.max_open_files,
        core_size: resources.core_size,
        umask: resources.umask,
        run_as: resources.run_as.as_ref().map(|user| protocol::RunAs {
            user: user.user.clone(),
            uid: user.uid,
            gid: user.gid,
        }),
        no_new_privileges: resources.no_new_privileges(),
    }
}

/// Refuses what the kernel would refuse at each launch.
///
/// # Errors
/// The sentence of the first limit that cannot be kept.
pub fn check(resources: &Resources) -> Result<(), Undefinable> {
    let root = geteuid().is_root();
    let refuse = |member, detail| Err(Undefinable { member, detail });
    if let Some(nice) = resources.nice.filter(|nice| *nice < 0 && !root) {
        let detail =
            format!("the priority {nice} is for root only: use 0 to 19, or start the daemon as root");
        return refuse("nice", detail);
    }
    let allowed = |resource| getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
    if let Some(files) = resources.max_open_files {
        let most = if root { most_open_files() } else { allowed(Resource::RLIMIT_NOFILE) };
        if files > most {
            let detail = format!("{files} open files are too many: this daemon may allow {most} at most");
            return refuse("max_open_files", detail);
        }
    }
    if let Some(size) = resources.core_size.filter(|_| !root) {
        let most = allowed(Resource::RLIMIT_CORE);
        if size > most {
            let detail = format!("the core size is too large: this daemon may allow {most} bytes at most");
            return refuse("core_size_bytes", detail);
        }
    }
    Ok(())
}

/// The most that the kernel allows to anybody.
fn most_open_files() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/fs/nr_open").unwrap_or_default();
    text.trim().parse().unwrap_or(u64::MAX)
}

/// Looks a user and a group up, each by name or number (acceptance row J28). With a group alone,
/// the user stays root; with a user alone, the group is that user's own.
///
/// # Errors
/// There is none of that name or number, or this daemon is not root's.
pub fn run_as(user: Option<&str>, group: Option<&str>) -> Result<Option<RunAs>, Undefinable> {
    let member = match (user, group) {
        (Some(_), _) => "user",
        (None, Some(_)) => "group",
        (None, None) => return Ok(None),
    };
    if !geteuid().is_root() {
        let detail = "only root can run apps as another user or group: this daemon does not run as root";
        return Err(Undefinable { member, detail: detail.to_owned() });
    }
    let found = match user {
        Some(text) => find_user(text)?,
        None => find_user("0")?,
    };
    let group = match group {
        Some(text) => Some(find_group(text)?),
        None => Group::from_gid(found.gid).ok().flatten(),
    };
    let gid = group.as_ref().map_or(found.gid, |group| group.gid).as_raw();
    Ok(Some(RunAs {
        user: found.name,
        uid: found.uid.as_raw(),
        gid,
        group: group.map_or_else(|| gid.to_string(), |group| group.name),
        home: found.dir.display().to_string(),
    }))
}

fn find_user(text: &str) -> Result<User, Undefinable> {
    let found = match text.parse() {
        Ok(number) => User::from_uid(Uid::from_raw(number)),
        Err(_) => User::from_name(text),
    };
    found.ok().flatten().ok_or_else(|| {
        let detail = format!("there is no user {text:?} on this host: see `getent passwd`");
        Undefinable { member: "user", detail }
    })
}

fn find_group(text: &str) -> Result<Group, Undefinable> {
    let found = match text.parse() {
        Ok(number) => Group::from_gid(Gid::from_raw(number)),
        Err(_) => Group::from_name(text),
    };
    found.ok().flatten().ok_or_else(|| {
        let detail = format!("there is no group {text:?} on this host: see `getent group`");
        Undefinable { member: "group", detail }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_or_number_and_only_by_root() {
        if !geteuid().is_root() {
            assert!(run_as(Some("nobody"), None).unwrap_err().detail.contains("only root"));
            return;
        }
        let by_name = run_as(Some("nobody"), None).unwrap().unwrap();
        let by_number = run_as(Some(&by_name.uid.to_string()), None).unwrap().unwrap();
        assert_eq!(by_name, by_number);
        assert_eq!((by_name.user.as_str(), by_name.uid > 0), ("nobody", true));
        let mixed = run_as(Some("nobody"), Some("root")).unwrap().unwrap();
        assert_eq!((mixed.uid, mixed.gid, mixed.group.as_str()), (by_name.uid, 0, "root"));
        let group_only = run_as(None, Some(&by_name.gid.to_string())).unwrap().unwrap();
        assert_eq!((group_only.uid, group_only.gid), (0, by_name.gid));
        assert_eq!(run_as(None, None), Ok(None));
        for (user, group, member) in [(Some("no-such"), None, "user"), (None, Some("4294967290"), "group")] {
            let refused = run_as(user, group).unwrap_err();
            assert!(refused.member == member && refused.detail.starts_with("there is no"), "{refused}");
        }
    }

    #[test]
    fn the_kernels_memory_limit_leaves_room_for_a_restart_that_asks() {
        let told = |mib: u64| {
            let max_memory = Some(crate::model::ByteSize(mib << 20));
            for_keeper(&Resources { max_memory, ..Resources::default() }).memory_max.map(|bytes| bytes >> 20)
        };
        assert_eq!((told(512), told(10)), (Some(640), Some(26)));
        assert_eq!(for_keeper(&Resources::default()).memory_max, None);
    }

    #[test]
    fn more_open_files_than_the_kernel_allows_are_refused_before_a_launch() {
        let check = |files| check(&Resources { max_open_files: Some(files), ..Resources::default() });
        assert_eq!(check(64), Ok(()));
        let refused = check(u64::MAX - 1).unwrap_err();
        assert!(refused.member == "max_open_files" && refused.detail.contains("too many"), "{refused}");
    }
}
