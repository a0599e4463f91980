//! What happens to pmdaemon itself and not to one of its processes: told and kept like everything
//! else that happens.

use std::sync::Arc;

use super::clock;
use super::driver::Driver;
use crate::store::{Change, EventRow, Trouble};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// A daemon is there again after one that was asked to end, or is of another version now.
    DaemonStarted,
    /// A daemon is there again after one that ended without a word.
    DaemonRecovered,
    /// A new keeper has taken the place of one that ended.
    KeeperRenewed,
    /// The store was lost or damaged.
    StoreLost,
    /// Services run that the store did not know.
    StoreAdopted,
    /// Nothing can be saved any more.
    StoreFailed,
    /// Everything is saved again.
    StoreHealed,
    /// Old logs were removed, since all together took too much of the disk.
    LogsRemoved,
    /// Changes of files are not all seen.
    WatchLimited,
    /// Lines were removed before they could be forwarded.
    ForwardGap,
    /// An alert fires.
    AlertFiring,
    /// It is over.
    AlertResolved,
    /// A channel of alerts could not be told something, and it was given up.
    AlertLost,
    /// Everything of an operation is as was asked.
    OperationDone,
    /// Some of an operation is not.
    OperationFailed,
    /// The rest of an operation is left undone, since somebody wanted that.
    OperationCancelled,
    /// The rest of an operation is left undone, since the daemon ended.
    OperationInterrupted,
}

impl Own {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Own::DaemonStarted => "daemon.started",
            Own::DaemonRecovered => "daemon.recovered",
            Own::KeeperRenewed => "keeper.renewed",
            Own::StoreLost => "store.lost",
            Own::StoreAdopted => "store.adopted",
            Own::StoreFailed => "store.failed",
            Own::StoreHealed => "store.healed",
            Own::LogsRemoved => "logs.removed",
            Own::WatchLimited => "watch.limited",
            Own::ForwardGap => "forward.gap",
            Own::AlertFiring => "alert.firing",
            Own::AlertResolved => "alert.resolved",
            Own::AlertLost => "alert.lost",
            Own::OperationDone => "operation.done",
            Own::OperationFailed => "operation.failed",
            Own::OperationCancelled => "operation.cancelled",
            Own::OperationInterrupted => "operation.interrupted",
        }
    }
}

impl Driver {
    /// Tells whoever listens, and keeps it.
    pub(super) fn tell_own(&mut self, what: Own, detail: String) {
        match what {
            Own::DaemonRecovered
            | Own::KeeperRenewed
            | Own::StoreLost
            | Own::StoreAdopted
            | Own::StoreFailed
            | Own::LogsRemoved
            | Own::ForwardGap
            | Own::AlertFiring
            | Own::AlertLost
            | Own::WatchLimited
            | Own::OperationInterrupted => tracing::warn!("{detail}"),
            Own::DaemonStarted
            | Own::StoreHealed
            | Own::AlertResolved
            | Own::OperationDone
            | Own::OperationFailed
            | Own::OperationCancelled => tracing::info!("{detail}"),
        }
        let row = EventRow {
            seq: self.next_event,
            at_ms: clock::unix_ms(),
            app: None,
            process: None,
            run: None,
            kind: what.word().to_owned(),
            name: "pmdaemon".to_owned(),
            namespace: "pmdaemon".to_owned(),
            detail,
            end: None,
            asked: false,
            revision: None,
        };
        self.next_event += 1;
        // Nobody may listen.
        let _ = self.events.send(Arc::new(row.clone()));
        self.recorder.write(vec![Change::AddEvent(row)]);
    }

    /// The store can be written no longer, or again.
    pub(super) fn trouble_changed(&mut self, trouble: Trouble) {
        match trouble {
            Some(error) => {
                self.in_trouble = true;
                let told = format!("nothing can be saved: {error}. Services go on, changes are refused");
                self.tell_own(Own::StoreFailed, told);
            }
            None if self.in_trouble => {
                self.in_trouble = false;
                self.tell_own(Own::StoreHealed, "everything is saved again".to_owned());
            }
            None => {}
        }
    }
}
