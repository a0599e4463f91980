//! Changes that nobody waits for and that could not be written yet.
//!
//! It is bounded although the disk may stay full for days. What is wanted of apps and processes
//! is never dropped, only replaced by later news of the same thing, so it grows with what exists
//! and not with time. Of the history, the oldest events give way.

use std::collections::HashSet;

use super::Change;
use crate::model::{AppId, OperationId, ProcessId, RunId};

/// From so many changes on it is made smaller.
const LIMIT: usize = 10_000;

/// In the order in which they are to be written.
pub(super) struct Backlog {
    changes: Vec<Change>,
    shrink_at: usize,
}

/// What a change is about, if a later one about the same thing makes it pointless.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    App(AppId),
    Process(ProcessId),
    Session(String),
    Operation(OperationId),
    Answer(String, String),
    Setting(String),
}

impl Backlog {
    /// Nothing waits.
    pub(super) fn new() -> Backlog {
        Backlog { changes: Vec::new(), shrink_at: LIMIT }
    }

    /// What waits, in order.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Everything was written.
    pub(super) fn clear(&mut self) {
        *self = Backlog::new();
    }

    /// Keeps `changes` behind the others. The answer is the number of events that were dropped.
    pub(super) fn push(&mut self, changes: Vec<Change>) -> usize {
        self.changes.extend(changes);
        if self.changes.len() <= self.shrink_at {
            return 0;
        }
        self.keep_latest_news();
        let dropped = self.drop_old_events();
        // What is left may be all needed; looking at it again with every change would be slow.
        self.shrink_at = LIMIT.max(self.changes.len() * 2);
        dropped
    }

    fn keep_latest_news(&mut self) {
        let mut seen = HashSet::new();
        let mut reserved: Option<RunId> = None;
        let mut kept: Vec<Change> = Vec::with_capacity(self.changes.len());
        for change in self.changes.drain(..).rev() {
            let needed = match &change {
                Change::PutApp { id, .. } | Change::DropApp(id) => seen.insert(Subject::App(*id)),
                Change::PutProcess(process) => seen.insert(Subject::Process(process.id)),
                Change::DropProcess(id) => seen.insert(Subject::Process(*id)),
                Change::PutSession(session) => seen.insert(Subject::Session(session.id_hash.clone())),
                Change::DropSession(hash) => seen.insert(Subject::Session(hash.clone())),
                Change::PutOperation(operation) => seen.insert(Subject::Operation(operation.id)),
                Change::DropOperation(id) => seen.insert(Subject::Operation(*id)),
                Change::PutAnswer(row) => seen.insert(Subject::Answer(row.scope.clone(), row.key.clone())),
                Change::DropAnswer { scope, key } => seen.insert(Subject::Answer(scope.clone(), key.clone())),
                Change::ReserveRuns(below) => {
                    reserved = reserved.max(Some(*below));
                    false
                }
                Change::AddEvent(_)
                | Change::AddRevision(_)
                | Change::PutToken(_)
                | Change::RevokeToken(_)
                | Change::DropToken(_)
                | Change::PutUser(_)
                | Change::DropUser(_)
                // A chain with a gap could not be verified.
                | Change::AddAudit(_) => true,
                Change::PutSetting { name, .. } | Change::DropSetting(name) => {
                    seen.insert(Subject::Setting(name.clone()))
                }
            };
            if needed {
                kept.push(change);
            }
        }
        kept.extend(reserved.map(Change::ReserveRuns));
        kept.reverse();
        self.changes = kept;
    }

    fn drop_old_events(&mut self) -> usize {
        let is_event = |change: &Change| matches!(change, Change::AddEvent(_));
        let events = self.changes.iter().filter(|change| is_event(change)).count();
        let mut to_drop = events.saturating_sub(LIMIT / 2);
        let dropped = to_drop;
        self.changes.retain(|change| {
            let goes = is_event(change) && to_drop > 0;
            to_drop -= usize::from(goes);
            !goes
        });
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event, process};
    use super::*;

    #[test]
    fn a_long_backlog_keeps_the_latest_state_and_the_newest_events_only() {
        let mut backlog = Backlog::new();
        let mut dropped = 0;
        for seq in 1..=30_000 {
            let mut news = process(7, 1);
            news.restarts = seq;
            dropped += backlog.push(vec![
                Change::AddEvent(event(u64::from(seq), 7)),
                Change::PutProcess(news),
                Change::ReserveRuns(RunId(u64::from(seq))),
            ]);
            assert!(backlog.changes().len() <= 2 * LIMIT);
        }
        assert!(dropped > 0);
        backlog.keep_latest_news();
        let (mut events, mut states, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for change in backlog.changes() {
            match change {
                Change::AddEvent(event) => events.push(event.seq),
                Change::PutProcess(process) => states.push(process.restarts),
                Change::ReserveRuns(below) => runs.push(below.0),
                other => panic!("never pushed: {other:?}"),
            }
        }
        assert_eq!((states, runs), (vec![30_000], vec![30_000]));
        assert_eq!(events.len() + dropped, 30_000);
        assert!(events.is_sorted() && events.last() == Some(&30_000));
    }
}
