//! How soon a FIFO that fills fast is looked into again.
//!
//! Whoever waits for a pipe makes each write to it dearer, and is woken by each. So a FIFO into which
//! much is written is not waited for: it is visited. The pause is such that about three eighths of its
//! room fill up meanwhile: with less there is a visit for each write, at which the two take turns at
//! the lock of the pipe; with more the program would meet a full pipe, and wait.

use std::time::{Duration, Instant};

use super::capture::COALESCE;

/// Less than this in one visit, in bytes, and the FIFO is waited for again.
const STEADY: usize = 16 * 1024;
/// The shortest pause.
const SHORTEST: Duration = Duration::from_micros(100);

/// The rhythm of one FIFO.
pub struct Pace {
    /// How much the FIFO holds, in bytes.
    room: usize,
    /// The latest visit, while it is visited.
    last: Option<Instant>,
}

impl Pace {
    /// Of a FIFO that is waited for.
    pub fn of(room: usize) -> Pace {
        Pace { room, last: None }
    }

    /// So many bytes were moved, just now: the pause before the next visit. `None`: it is to be
    /// waited for.
    pub fn next(&mut self, moved: usize, now: Instant) -> Option<Duration> {
        let since = self.last.take().map_or(COALESCE, |last| now.duration_since(last));
        if moved < STEADY {
            return None;
        }
        self.last = Some(now);
        // It was full before: how fast it fills is not known, and the program waits.
        if moved >= self.room {
            return Some(Duration::ZERO);
        }
        let pause = since.mul_f64(self.room as f64 * 0.375 / moved as f64);
        Some(pause.clamp(SHORTEST, COALESCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pause in microseconds after each `(microseconds since the one before, bytes)`.
    fn check(room: usize, visits: &[(u64, usize)], expected: &[Option<u64>]) {
        let (mut pace, mut now) = (Pace::of(room), Instant::now());
        let pauses = visits.iter().map(|(after, moved)| {
            now += Duration::from_micros(*after);
            pace.next(*moved, now).map(|pause| pause.as_micros() as u64)
        });
        assert_eq!(pauses.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_writes_little_is_waited_for() {
        check(1 << 20, &[(0, 100), (5000, 0), (9000, 16_383)], &[None, None, None]);
    }

    #[test]
    fn who_writes_much_is_visited_when_three_eighths_are_full_until_it_writes_little() {
        let (quarter, part) = (256 * 1024, 384 * 1024);
        check(
            1 << 20,
            &[(0, quarter), (1000, quarter), (1500, part), (1500, 0), (9000, quarter / 2)],
            &[Some(5000), Some(1500), Some(1500), None, Some(5000)],
        );
        check(64 * 1024, &[(0, 32 * 1024), (3750, 48 * 1024)], &[Some(3750), Some(1875)]);
    }

    #[test]
    fn a_full_pipe_is_visited_again_at_once_and_no_pause_is_shorter_than_the_shortest() {
        let full = 1 << 20;
        check(full, &[(0, full), (10, full), (10, 512 * 1024)], &[Some(0), Some(0), Some(100)]);
    }
}
