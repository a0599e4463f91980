//! A service from its start to its end, tried out (acceptance row K23).

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Finding, Level};
use crate::home::Home;
use crate::kernel::scratch::{self, Failed, Seen};

/// The name of the directory, and of the socket in the home in it, after the path of ours.
const LONGEST_PLACE: usize = 64;

const CHECK: &str = "service";

/// Starts one, looks at what it writes, and kills its tree.
pub fn try_one(home: &Home) -> Finding {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(e) => {
            let told = format!("the file of this program is not found: {e}");
            return Finding::bad(Level::Serious, CHECK, told, "install pmdaemon anew");
        }
    };
    match scratch::try_service(&program, &place(home)) {
        Ok(seen) => Finding::ok(CHECK, told(seen)),
        Err(failed) => bad(failed),
    }
}

/// On the disk of the home, where logs and FIFOs will be. A home that is not there is not made.
fn place(home: &Home) -> PathBuf {
    let path = home.path();
    match path.is_dir() && path.as_os_str().as_bytes().len() <= LONGEST_PLACE {
        true => path.to_owned(),
        false => std::env::temp_dir(),
    }
}

fn told(seen: Seen) -> String {
    let how = if seen.by_cgroup { "by its cgroup" } else { "by a look through /proc" };
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    format!(
        "one was started in {}, its output arrived, and its tree with a child in another session was killed {how} in {}",
        ms(seen.launched),
        ms(seen.killed)
    )
}

fn bad(failed: Failed) -> Finding {
    let (level, finding, remedy) = match failed {
        Failed::Keeper(why) => (
            Level::Serious,
            why,
            "see the other findings: a keeper needs a directory that it can write, descriptors and processes",
        ),
        Failed::Launch(why) => (
            Level::Serious,
            format!("a service cannot be started: {why}"),
            "allow this user more processes (ulimit -u), and let it execute /bin/sh",
        ),
        Failed::Capture(why) => (
            Level::Serious,
            why,
            "put PMDAEMON_HOME on a file system with FIFOs, and make sure that setsid is installed (util-linux)",
        ),
        Failed::Kill(why) => (
            Level::Serious,
            why,
            "let pmdaemon write its cgroup (Delegate=yes in a unit), and read /proc (no hidepid)",
        ),
        Failed::Leftover(why) => (Level::Warning, why, "remove it by hand; it holds nothing of yours"),
    };
    Finding::bad(level, CHECK, finding, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finding_says_how_the_tree_was_killed_and_how_long_it_took() {
        let seen = Seen {
            by_cgroup: true,
            launched: Duration::from_micros(3_140),
            killed: Duration::from_micros(9_000),
        };
        let text = told(seen);
        assert!(text.contains("3.1 ms") && text.contains("by its cgroup in 9.0 ms"), "{text}");
        assert!(told(Seen { by_cgroup: false, ..seen }).contains("/proc"));
    }

    #[test]
    fn without_a_keeper_it_is_serious_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let failed = scratch::try_service("/bin/true".as_ref(), dir.path()).unwrap_err();
        assert!(matches!(&failed, Failed::Keeper(why) if why.contains("introduce")), "{failed:?}");
        assert_eq!(bad(failed).level, Level::Serious);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
