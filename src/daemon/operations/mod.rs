//! Operations: what takes time has a document that says how far it is, for each of its targets.
//!
//! ```text
//!   handler ─ begin ─▶ book ◀─ advance ─ follower (a task each) ◀─ picture of now
//!                       │ └─▶ store (at its begin, at its end, once a second in between)
//!                       └───▶ news: whoever watches
//! ```
//!
//! Whoever asks for something gives its commands to the brain first, as ever, all in one turn; the
//! operation only looks at what becomes of them. With a [`Queue`] it gives them itself, a few at a
//! time. Nothing here decides what happens to a process.
//!
//! Bounded: the newest [`OPERATIONS_KEPT`], and none that was over a day ago. An operation in which
//! nothing moves for an hour is over, too, and says so.
//!
//! When the daemon ends, what was begun goes on in the next one, since what is wanted is in the
//! store; so its operation goes on, too. What was not begun is left undone: the operation is
//! `interrupted`, and says of which targets. Reloads are never taken up again.

mod durations;
mod follow;
mod progress;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::clock;
use super::handle::Handle;
use crate::model::{AppId, CutOff, Operation, OperationId, Standing, Target, Task};
use crate::store::{Change, OPERATIONS_KEPT};
use crate::supervisor::{Accepted, Command};

pub use durations::Durations;
pub use progress::Reloads;
pub use queue::Queue;

/// An operation that is over for so long is forgotten.
const KEPT_MS: u64 = 24 * 3_600_000;
/// While it goes on it is written down about so often.
const SAVED_MS: u64 = 1_000;
/// Something that begins.
pub struct New {
    /// What was asked for.
    pub task: Task,
    /// By whom.
    pub author: String,
    /// What it is about, in order.
    pub targets: Vec<Target>,
    /// The reloads that it is made of.
    pub reloads: Reloads,
    /// What is still to be commanded.
    pub queue: Option<Queue>,
}

/// Why nothing was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CannotCancel {
    /// There is none of that number.
    Unknown,
    /// It is over.
    Over(Standing),
    /// All of it has begun.
    Begun,
}

/// All operations. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

struct Inner {
    handle: Handle,
    book: Mutex<Book>,
    news: watch::Sender<u64>,
    durations: Durations,
}

#[derive(Default)]
struct Book {
    next: u64,
    /// Grows with every change.
    version: u64,
    entries: BTreeMap<OperationId, Entry>,
}

struct Entry {
    operation: Arc<Operation>,
    version: u64,
    saved_ms: u64,
    /// Kept for whoever cancels.
    reloads: Reloads,
    /// Who has cancelled it.
    cancelled_by: Option<String>,
}

impl Operations {
    /// None so far.
    pub fn new(handle: Handle) -> Operations {
        let book = Mutex::new(Book { next: 1, ..Book::default() });
        Operations(Arc::new(Inner {
            handle,
            book,
            news: watch::Sender::new(0),
            durations: durations::none(),
        }))
    }

    /// Takes up those of the daemon before.
    pub fn restore(&self, saved: Vec<Operation>, next: OperationId) {
        let now = clock::unix_ms();
        for mut operation in saved {
            let id = operation.id;
            let goes_on = operation.ended_ms.is_none();
            if goes_on {
                operation.cut_off = operation.cut_off.or(Some(CutOff::Interrupted));
                operation.leave("the daemon ended before it was begun", now, |_| true);
            }
            let operation = Arc::new(operation);
            let entry =
                Entry { operation, version: 0, saved_ms: 0, reloads: Reloads::new(), cancelled_by: None };
            self.book().entries.insert(id, entry);
            if goes_on {
                tokio::spawn(self.clone().follow(id, Reloads::new(), None));
            }
        }
        self.book().next = next.0;
    }

    /// A new one, which is followed to its end.
    pub fn begin(&self, new: New) -> OperationId {
        let now_ms = clock::unix_ms();
        let New { task, author, targets, reloads, queue } = new;
        let mut changes = Vec::new();
        let id = {
            let mut book = self.book();
            changes.extend(book.forget_old(now_ms));
            let id = OperationId(book.next);
            book.next += 1;
            let operation =
                Operation { id, task, author, begun_ms: now_ms, ended_ms: None, cut_off: None, targets };
            changes.push(Change::PutOperation(operation.clone()));
            let entry = Entry {
                operation: Arc::new(operation),
                version: 0,
                saved_ms: now_ms,
                reloads: reloads.clone(),
                cancelled_by: None,
            };
            book.entries.insert(id, entry);
            book.touch(id);
            id
        };
        self.0.handle.recorder().write(changes);
        self.tell();
        tokio::spawn(self.clone().follow(id, reloads, queue));
        id
    }

    /// That one.
    pub fn get(&self, id: OperationId) -> Option<Arc<Operation>> {
        self.book().entries.get(&id).map(|entry| entry.operation.clone())
    }

    /// All that are known, by id.
    pub fn all(&self) -> Vec<Arc<Operation>> {
        self.book().entries.values().map(|entry| entry.operation.clone()).collect()
    }

    /// How long those took that have ended.
    pub fn durations(&self) -> &Durations {
        &self.0.durations
    }

    /// Wakes with every change.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Those that have changed since that version, and the version of now.
    pub fn since(&self, version: u64) -> (Vec<Arc<Operation>>, u64) {
        let book = self.book();
        let news = book.entries.values().filter(|entry| entry.version > version);
        (news.map(|entry| entry.operation.clone()).collect(), book.version)
    }

    /// Waits until that one is over, at most for `limit`. The answer is how it was last.
    pub async fn wait(&self, id: OperationId, limit: Duration) -> Option<Arc<Operation>> {
        let mut news = self.watch();
        let is_over = |_: &u64| self.get(id).is_none_or(|operation| operation.ended_ms.is_some());
        // After the limit it is shown as it is.
        let _ = tokio::time::timeout(limit, news.wait_for(is_over)).await;
        self.get(id)
    }

    /// Who has cancelled that one, if somebody has since this daemon began.
    pub fn cancelled_by(&self, id: OperationId) -> Option<String> {
        self.book().entries.get(&id).and_then(|entry| entry.cancelled_by.clone())
    }

    /// The reload of that app that goes on.
    pub fn reload_of(&self, app: AppId) -> Option<OperationId> {
        let book = self.book();
        let goes_on = |entry: &&Entry| entry.operation.ended_ms.is_none() && entry.reloads.contains_key(&app);
        book.entries.values().rev().find(goes_on).map(|entry| entry.operation.id)
    }

    /// Leaves undone what has not begun, of those targets that `which` allows. `by`: who wants that.
    ///
    /// # Errors
    /// When there is nothing to leave.
    pub async fn cancel(
        &self,
        id: OperationId,
        by: &str,
        which: impl Fn(&Target) -> bool,
    ) -> Result<Arc<Operation>, CannotCancel> {
        let (standing, reloads) = {
            let mut book = self.book();
            let entry = book.entries.get_mut(&id).ok_or(CannotCancel::Unknown)?;
            if entry.operation.ended_ms.is_none() {
                entry.cancelled_by = Some(by.to_owned());
            }
            let theirs =
                |app| entry.operation.targets.iter().any(|target| target.app == app && which(target));
            let mut reloads = entry.reloads.clone();
            reloads.retain(|app, _| theirs(*app));
            (entry.operation.standing(), reloads)
        };
        if standing != Standing::Running {
            return Err(CannotCancel::Over(standing));
        }
        let mut left = false;
        self.change(id, true, |operation| {
            let is_its_own = |target: &Target| target.task != Task::Reload && which(target);
            left = operation.leave("it was cancelled before it was begun", clock::unix_ms(), is_its_own);
            let cut_off = left || !reloads.is_empty();
            operation.cut_off = if cut_off { Some(CutOff::Cancelled) } else { operation.cut_off };
            cut_off
        });
        let mut broken_off = false;
        if !reloads.is_empty() {
            let break_off = reloads.into_iter().map(|(app, number)| Command::BreakOff { app, number });
            // A reload that is over meanwhile has nothing to break off; a daemon that ends leaves it.
            let answers = self.0.handle.command(break_off.collect()).await.unwrap_or_default();
            broken_off = answers.iter().any(|answer| matches!(answer, Ok(Accepted::Done)));
        }
        if !left && !broken_off {
            if let Some(entry) = self.book().entries.get_mut(&id) {
                entry.cancelled_by = None;
            }
            self.change(id, true, |operation| operation.cut_off.take().is_some());
            return Err(CannotCancel::Begun);
        }
        self.get(id).ok_or(CannotCancel::Unknown)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one, if `how` does; tells and writes it down. The answer is how it is.
    fn change(
        &self,
        id: OperationId,
        save: bool,
        how: impl FnOnce(&mut Operation) -> bool,
    ) -> Option<Arc<Operation>> {
        let now_ms = clock::unix_ms();
        let mut book = self.book();
        let entry = book.entries.get_mut(&id)?;
        let mut operation = entry.operation.clone();
        if !how(Arc::make_mut(&mut operation)) {
            return Some(entry.operation.clone());
        }
        entry.operation = operation.clone();
        let due = save || operation.ended_ms.is_some() || now_ms >= entry.saved_ms + SAVED_MS;
        if due {
            entry.saved_ms = now_ms;
        }
        book.touch(id);
        drop(book);
        if due {
            self.0.handle.recorder().write(vec![Change::PutOperation(Operation::clone(&operation))]);
        }
        self.tell();
        Some(operation)
    }

    fn tell(&self) {
        self.0.news.send_replace(self.book().version);
    }
}

impl Book {
    fn touch(&mut self, id: OperationId) {
        self.version += 1;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.version = self.version;
        }
    }

    /// What is over for long enough, or too much. What goes on is kept in any case.
    fn forget_old(&mut self, now_ms: u64) -> Vec<Change> {
        let last = self.next.saturating_sub(OPERATIONS_KEPT);
        let old = self.entries.extract_if(.., |id, entry| match entry.operation.ended_ms {
            Some(ended) => ended + KEPT_MS < now_ms || id.0 < last,
            None => false,
        });
        old.map(|(id, _)| Change::DropOperation(id)).collect()
    }
}
