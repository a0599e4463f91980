//! How many sockets somebody may have at a time (web.md 4.3, row 22).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Sockets of one principal.
pub const MOST: usize = 64;

/// Who has how many.
#[derive(Clone, Default)]
pub struct Seats(Arc<Mutex<BTreeMap<String, usize>>>);

/// The seat of one socket, given back when it is dropped.
pub struct Seat {
    seats: Seats,
    of: String,
}

impl Seats {
    /// A seat for that principal. `None`: they have as many as they may.
    pub fn take(&self, subject: &str) -> Option<Seat> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(subject.to_owned()).or_default();
        if *taken >= MOST {
            return None;
        }
        *taken += 1;
        Some(Seat { seats: self.clone(), of: subject.to_owned() })
    }

    /// All that are taken.
    pub fn taken(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.of) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_22_one_may_have_so_many_sockets_and_others_are_not_in_their_way() {
        let seats = Seats::default();
        let mut theirs: Vec<Seat> = (0..MOST).map(|_| seats.take("alice").expect("a seat")).collect();
        assert!(seats.take("alice").is_none());
        assert!(seats.take("bob").is_some());
        theirs.pop();
        assert!(seats.take("alice").is_some());
        drop(theirs);
        assert_eq!(seats.taken(), 0);
    }
}
