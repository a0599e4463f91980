//! What many ask for at the same time and is the same for all of them is made once.
//!
//! It counts for one picture, for one measurement, for those who see the same namespaces, and for a
//! moment: it may tell how long something has lasted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::daemon::sampling::Measured;
use crate::daemon::view::Snapshot;
use crate::model::{Moment, Namespaces};

/// So many are kept, the latest: one for each set of namespaces that somebody looks at.
const MOST: usize = 16;

/// What it is made from, and for whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    namespaces: Namespaces,
    picture: u64,
    measured: Option<Moment>,
}

impl Origin {
    /// For those who see these namespaces.
    pub fn new(namespaces: &Namespaces, picture: &Snapshot, measured: Option<&Measured>) -> Origin {
        let (namespaces, measured) = (namespaces.clone(), measured.map(|measured| measured.at));
        Origin { namespaces, picture: picture.seq, measured }
    }
}

/// The latest that were made.
pub struct Kept<T> {
    lasts: Duration,
    made: Mutex<Vec<(Origin, Moment, T)>>,
}

impl<T: Clone> Kept<T> {
    /// None yet. Each is given out for so long.
    pub fn new(lasts: Duration) -> Kept<T> {
        Kept { lasts, made: Mutex::default() }
    }

    /// That of this origin, which is made now if there is none or if it is too old.
    pub fn of(&self, origin: Origin, now: Moment, make: impl FnOnce() -> T) -> T {
        let is_fresh = |(of, at, _): &&(Origin, Moment, T)| *of == origin && now.since(*at) < self.lasts;
        if let Some((.., kept)) = self.made().iter().find(is_fresh) {
            return kept.clone();
        }
        // Without the lock: whoever sees other namespaces need not wait for this one.
        let value = make();
        let mut made = self.made();
        made.retain(|(of, ..)| of.namespaces != origin.namespaces);
        if made.len() == MOST {
            made.remove(0);
        }
        made.push((origin, now, value.clone()));
        value
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<(Origin, Moment, T)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(namespaces: &[&str], seq: u64, at: Option<u64>) -> Origin {
        let picture = Snapshot { seq, ..Snapshot::default() };
        let namespaces = Namespaces::parse(namespaces.iter().copied()).unwrap();
        Origin { measured: at.map(Moment), ..Origin::new(&namespaces, &picture, None) }
    }

    #[test]
    fn it_is_made_once_for_all_who_see_the_same_of_the_same_picture_within_a_moment() {
        let kept = Kept::new(Duration::from_millis(100));
        let now = Moment(0) + Duration::from_secs(1);
        let check = |origin: Origin, after: u64, made: &'static str, expected: &str| {
            assert_eq!(kept.of(origin, now + Duration::from_millis(after), || made), expected);
        };
        check(origin(&[], 1, None), 0, "a", "a");
        check(origin(&[], 1, None), 99, "b", "a");
        check(origin(&[], 1, None), 100, "c", "c");
        check(origin(&[], 2, None), 101, "another picture", "another picture");
        check(origin(&[], 2, Some(1)), 102, "measured", "measured");
        check(origin(&["shop"], 2, Some(1)), 103, "less", "less");
        check(origin(&[], 2, Some(1)), 104, "d", "measured");
        check(origin(&["shop"], 2, Some(1)), 105, "d", "less");
    }

    #[test]
    fn however_many_look_only_so_many_are_kept() {
        let kept = Kept::new(Duration::from_millis(100));
        for number in 0..3 * MOST {
            kept.of(origin(&[&format!("n{number}")], 1, None), Moment(0), || number);
        }
        assert_eq!(kept.made().len(), MOST);
        assert_eq!(kept.of(origin(&["n0"], 1, None), Moment(0), || 7), 7);
    }
}
