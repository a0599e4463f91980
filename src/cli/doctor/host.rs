//! The machine: kernel, limits, clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, getrlimit};

use super::{Finding, Level};
use crate::home::Home;
use crate::kernel::{self, abilities};

/// Descriptors that a keeper of some hundred services needs, with those of the daemon.
const FILES: u64 = 4096;
/// With fewer it does not get far at all.
const FEWEST_FILES: u64 = 256;
/// 2025-01-01: this program is younger, so no clock that is right shows less.
const BEFORE_US: u64 = 1_735_689_600;
/// Clocks of file systems may be a little ahead.
const AHEAD: Duration = Duration::from_secs(60);

pub fn kernel() -> Finding {
    match kernel::release().and_then(|release| kernel::check_release(&release).map(|()| release)) {
        Ok(release) => Finding::ok("kernel", format!("Linux {release}")),
        Err(told) => {
            let (major, minor) = kernel::OLDEST;
            Finding::bad(Level::Serious, "kernel", told, format!("run Linux {major}.{minor} or newer"))
        }
    }
}

pub fn pidfd() -> Finding {
    match abilities::try_pidfd() {
        Ok(true) => Finding::ok("pidfd", "processes are signalled by descriptor, and tell how they ended"),
        Ok(false) => Finding {
            check: "pidfd",
            level: Level::Note,
            finding:
                "processes are signalled by descriptor; how one ended while no keeper lived may stay unknown \
                      (PIDFD_GET_INFO)"
                    .to_owned(),
            remedy: Some("Linux 6.15 or newer tells it".to_owned()),
        },
        Err(why) => Finding::bad(
            Level::Serious,
            "pidfd",
            why,
            "allow pidfd_open and pidfd_send_signal in the container's seccomp profile",
        ),
    }
}

pub fn cgroup() -> Finding {
    match abilities::try_cgroup() {
        Ok(()) => Finding::ok("cgroup", "a process in a cgroup of ours was killed by cgroup.kill"),
        Err(why) => Finding::bad(
            Level::Warning,
            "cgroup",
            format!("{why}; process trees are found by /proc instead"),
            "run pmdaemon in a unit with Delegate=yes, or let the container write its cgroup (cgroup v2)",
        ),
    }
}

pub fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        // The keeper raises the soft limit to the hard one.
        Ok((soft, hard)) => open_files_of(soft, hard),
        Err(e) => Finding::bad(
            Level::Warning,
            "open files",
            format!("the limit is not known: {e}"),
            "see ulimit -n",
        ),
    }
}

fn open_files_of(soft: u64, hard: u64) -> Finding {
    let level = match hard {
        FILES.. => return Finding::ok("open files", format!("up to {hard} (now {soft})")),
        FEWEST_FILES.. => Level::Warning,
        _ => Level::Serious,
    };
    Finding::bad(
        level,
        "open files",
        format!("at most {hard} files may be open, which is little for many services"),
        format!("raise the limit to {FILES} or more: ulimit -Hn, LimitNOFILE= of the unit, or limits.conf"),
    )
}

pub fn clock(home: &Home) -> Finding {
    let newest = std::fs::metadata(home.store()).and_then(|meta| meta.modified()).ok();
    clock_at(SystemTime::now(), newest)
}

fn clock_at(now: SystemTime, written: Option<SystemTime>) -> Finding {
    let remedy = "set the clock, and keep it right with chrony or systemd-timesyncd";
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let shown = jiff::Timestamp::try_from(now).map(|now| now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    let shown = shown.unwrap_or_else(|_| "an impossible time".to_owned());
    if since_1970.as_secs() < BEFORE_US {
        let told = format!("it is {shown} by the clock, so tokens expire wrongly");
        return Finding::bad(Level::Serious, "clock", told, remedy);
    }
    if written.is_some_and(|written| written > now + AHEAD) {
        let told =
            format!("it is {shown} by the clock, and state was saved later than that: it was set back");
        return Finding::bad(Level::Warning, "clock", told, remedy);
    }
    Finding::ok("clock", shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_a_warning_and_very_few_are_serious() {
        let check = |hard, level| assert_eq!(open_files_of(64, hard).level, level, "{hard}");
        check(u64::MAX, Level::Ok);
        check(4096, Level::Ok);
        check(4095, Level::Warning);
        check(255, Level::Serious);
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_found() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let check = |now, written: Option<u64>, level| {
            assert_eq!(clock_at(at(now), written.map(at)).level, level, "{now} {written:?}");
        };
        check(1_800_000_000, None, Level::Ok);
        check(1_800_000_000, Some(1_800_000_030), Level::Ok);
        check(1_800_000_000, Some(1_800_000_061), Level::Warning);
        check(0, None, Level::Serious);
    }
}
