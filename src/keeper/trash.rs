//! What reminds of runs that are over is put away a moment later, a few runs at a time: after an end
//! the next launch is waiting. What a keeper dies with is adopted by the next one as ended, and put
//! away by that.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::sets::FileSet;
use super::talk::NotifySocket;
use crate::fault;

/// The pause before files are put away.
const LATER: Duration = Duration::from_millis(50);
/// So many runs at once; then everything else has its turn.
const AT_ONCE: usize = 16;

/// Runs of which only files are left.
#[derive(Default)]
pub struct Trash(VecDeque<(u64, FileSet)>);

impl Keeper {
    /// Nothing of that run matters any more.
    pub fn throw_away(&mut self, id: u64, set: FileSet) {
        self.trash.0.push_back((id, set));
        self.alarms.set(Alarm::Sweep, Instant::now() + LATER);
    }

    /// Puts away what is next.
    pub fn sweep(&mut self) {
        let now = self.trash.0.len().min(AT_ONCE);
        fault::point!("forget.before_sweep");
        let most = self.runs.len();
        for (id, set) in self.trash.0.drain(..now) {
            let _ = fs::remove_file(NotifySocket::path(&self.run_dir, id));
            self.sets.put_back(&self.run_dir, set, most);
        }
        let too_many = self.sets.trim(&self.run_dir, most, AT_ONCE);
        if too_many || !self.trash.0.is_empty() {
            self.alarms.set(Alarm::Sweep, Instant::now());
        }
    }

    /// Removes everything: there is no later.
    pub fn sweep_all(&mut self) {
        for (id, set) in self.trash.0.drain(..) {
            let _ = fs::remove_file(NotifySocket::path(&self.run_dir, id));
            set.remove(&self.run_dir);
        }
        self.sets.trim(&self.run_dir, 0, usize::MAX);
    }
}
