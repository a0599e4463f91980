//! How the daemon before this one ended, and since when nobody was there: told as an event when a
//! daemon begins.
//!
//! A daemon that ends in order says so in the store. One that was killed cannot; when it was last
//! there is seen by a file of which it sets the time whenever it measures.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::event_text::span;
use super::own_events::Own;
use crate::keeper::boot_id;
use crate::store::Change;

/// The small fact in the store: `WORD VERSION BOOT MILLISECONDS`.
const PRESENCE: &str = "presence";

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The word while a daemon is there.
const UP: &str = "up";

/// Why a daemon ended that could say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Farewell {
    /// It alone was asked to end.
    Asked,
    /// It made room for another program.
    Upgraded,
    /// Everything was to end.
    Stopped,
}

impl Farewell {
    const ALL: [Farewell; 3] = [Farewell::Asked, Farewell::Upgraded, Farewell::Stopped];

    fn word(self) -> &'static str {
        match self {
            Farewell::Asked => "asked",
            Farewell::Upgraded => "upgraded",
            Farewell::Stopped => "stopped",
        }
    }

    /// Notes that this daemon ends so.
    pub fn change(self, now_ms: u64) -> Change {
        note(self.word(), now_ms)
    }
}

/// Notes that this daemon is there.
pub(super) fn up(now_ms: u64) -> Change {
    note(UP, now_ms)
}

fn note(word: &str, now_ms: u64) -> Change {
    let value = format!("{word} {VERSION} {} {now_ms}", boot_id());
    Change::PutSetting { name: PRESENCE.to_owned(), value }
}

/// That is the time until which this daemon was there at least.
pub(super) fn give_sign(file: &File) {
    if let Err(e) = file.set_modified(SystemTime::now()) {
        tracing::debug!("no sign of life can be given: {e}");
    }
}

/// What there is to tell of the daemon before, by the store's small facts and the file of its signs.
/// Nothing, if there was none.
pub(super) fn told(settings: &BTreeMap<String, String>, signs: &Path, now_ms: u64) -> Option<(Own, String)> {
    let sign = std::fs::metadata(signs).and_then(|file| file.modified()).ok();
    let sign = sign.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let sign_ms = sign.map_or(now_ms, |at| at.as_millis() as u64);
    tell(settings.get(PRESENCE)?, &boot_id(), sign_ms, now_ms)
}

/// `boot`: of now.
fn tell(before: &str, boot: &str, sign_ms: u64, now_ms: u64) -> Option<(Own, String)> {
    let mut words = before.split(' ');
    let (word, version, its_boot) = (words.next()?, words.next()?, words.next()?);
    let at_ms: u64 = words.next()?.parse().ok()?;
    let ago = |ms: u64| span(Duration::from_millis(now_ms.saturating_sub(ms)));
    let version = match version == VERSION {
        true => String::new(),
        false => format!(", and is {VERSION} now instead of {version}"),
    };
    let Some(farewell) = Farewell::ALL.into_iter().find(|farewell| farewell.word() == word) else {
        let why = match its_boot == boot {
            true => "the one before was killed or crashed",
            false => "the host was restarted",
        };
        let gap = ago(sign_ms.max(at_ms));
        let told = format!("the daemon is there again: {why}; nobody was there for {gap} at most{version}");
        return Some((Own::DaemonRecovered, told));
    };
    let gap = ago(at_ms);
    let told = match farewell {
        Farewell::Asked => format!("the daemon is there again {gap} after it was asked to end{version}"),
        Farewell::Upgraded => format!("the daemon was replaced within {gap}{version}"),
        Farewell::Stopped => {
            format!("the daemon is there again {gap} after all of pmdaemon was stopped{version}")
        }
    };
    Some((Own::DaemonStarted, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_a_daemon_is_told_by_the_next_one() {
        let check = |before: &str, told: Option<(Own, &str)>| {
            let said = tell(before, "b", 95_000, 100_000);
            assert_eq!(said.as_ref().map(|(what, text)| (*what, text.as_str())), told, "{before}");
        };
        let up = format!("up {VERSION}");
        let killed = "the daemon is there again: the one before was killed or crashed; nobody was there for 5.0 s at most";
        check(&format!("{up} b 80000"), Some((Own::DaemonRecovered, killed)));
        // It had given no sign yet.
        let killed = "the daemon is there again: the one before was killed or crashed; nobody was there for 2.0 s at most";
        check(&format!("{up} b 98000"), Some((Own::DaemonRecovered, killed)));
        let boot = "the daemon is there again: the host was restarted; nobody was there for 5.0 s at most";
        check(&format!("{up} a 80000"), Some((Own::DaemonRecovered, boot)));
        let asked = "the daemon is there again 300 ms after it was asked to end";
        check(&format!("asked {VERSION} b 99700"), Some((Own::DaemonStarted, asked)));
        let upgraded = format!("the daemon was replaced within 1.0 s, and is {VERSION} now instead of 0.0.9");
        check("upgraded 0.0.9 b 99000", Some((Own::DaemonStarted, &upgraded)));
        let stopped = "the daemon is there again 1 min after all of pmdaemon was stopped";
        check(&format!("stopped {VERSION} b 30000"), Some((Own::DaemonStarted, stopped)));
        check("nothing that is known", None);
    }

    #[test]
    fn what_is_noted_is_understood() {
        for (change, is_up) in [(up(7), true), (Farewell::Asked.change(7), false)] {
            let Change::PutSetting { name, value } = change else { panic!("{change:?}") };
            let settings = BTreeMap::from([(name, value)]);
            let (what, _) = told(&settings, Path::new("/proc/self/exe"), 7).unwrap();
            assert_eq!(what == Own::DaemonRecovered, is_up);
        }
        assert_eq!(told(&BTreeMap::new(), Path::new("/"), 7), None);
    }
}
