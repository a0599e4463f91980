//! What reminds of runs that are over is removed a moment later, a few runs at a time: three files
//! in a directory that is written all the time are most of what an end costs, and after an end the
//! next launch is waiting. What a keeper dies with is adopted by the next one as ended, and removed
//! by that.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::record::Record;
use crate::fault;

/// The pause before files are removed.
const LATER: Duration = Duration::from_millis(50);
/// So many runs at once; then everything else has its turn.
const AT_ONCE: usize = 16;

/// Runs of which only files are left.
#[derive(Default)]
pub struct Trash(VecDeque<u64>);

impl Keeper {
    /// Nothing of that run matters any more.
    pub fn throw_away(&mut self, id: u64) {
        self.trash.0.push_back(id);
        self.alarms.set(Alarm::Sweep, Instant::now() + LATER);
    }

    /// Removes what is next.
    pub fn sweep(&mut self) {
        let now = self.trash.0.len().min(AT_ONCE);
        fault::point!("forget.before_sweep");
        self.trash.0.drain(..now).for_each(|id| Record::remove(&self.run_dir, id));
        if !self.trash.0.is_empty() {
            self.alarms.set(Alarm::Sweep, Instant::now());
        }
    }

    /// Removes everything: there is no later.
    pub fn sweep_all(&mut self) {
        self.trash.0.drain(..).for_each(|id| Record::remove(&self.run_dir, id));
    }
}
