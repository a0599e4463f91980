//! The thread that owns the store, so that nobody else ever waits for the disk.
//!
//! Whatever waits when it looks becomes one transaction: under load a commit carries many changes.
//! Requests are carried out in the order in which they were made; a read sees every write before it.
//!
//! When a transaction fails, its requests are tried one by one, so that a bad one takes no other
//! with it:
//! - whoever waits (`write_then`) gets the error, and those changes are *not* written, now or later;
//! - whoever waits for what is in effect already (`keep_then`) gets the error too, but those changes
//!   are kept like those that nobody waits for: what is in memory and what is on disk come together
//!   again;
//! - changes that nobody waits for (`write`) are kept and tried again every second, if that can
//!   help (a full disk); later requests wait behind them or get their error. The backlog is
//!   bounded as described in `backlog`; what is wanted is never dropped;
//! - changes that contradict what is stored are dropped, and logged as the bugs that they are.
//!
//! So that it rarely comes to that, commands ask first ([`Recorder::may_write`]), and are refused
//! as a whole while nothing can be written or there is hardly any room. Whoever wants to know how
//! that stands watches [`Recorder::trouble`]. Meanwhile the disk is tried every second, with a
//! write of its own if nothing else waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};

use tokio::sync::{oneshot, watch};

use super::backlog::Backlog;
use super::desk::{Callback, Desk, Done, Errand, Message, Request, Trouble};
use super::{Change, Store, StoreError, room};

/// Talks to the thread that owns the store. Cheap to clone. When the last clone is dropped, the
/// thread writes what it still has and ends.
#[derive(Clone)]
pub struct Recorder {
    desk: Sender<Message>,
    path: PathBuf,
    trouble: watch::Receiver<Trouble>,
    written: Arc<AtomicU64>,
}

impl Recorder {
    /// Starts the thread.
    pub fn start(store: Store) -> Recorder {
        let (sender, inbox) = mpsc::channel();
        let (trouble, seen) = watch::channel(None);
        let (path, written) = (store.path.clone(), Arc::new(AtomicU64::new(0)));
        let desk = Desk { store, backlog: Backlog::new(), trouble, written: Arc::clone(&written) };
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || desk.run(&inbox))
            .expect("a thread can be started when the daemon starts");
        Recorder { desk: sender, path, trouble: seen, written }
    }

    /// Why nothing can be written at the moment, if that is so.
    pub fn trouble(&self) -> watch::Receiver<Trouble> {
        self.trouble.clone()
    }

    /// How often something was written: while it stays the same, a copy made before is as good as
    /// a new one.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Whether what a command changes could be written, as far as one can know.
    ///
    /// # Errors
    /// Why not.
    pub fn may_write(&self) -> Result<(), Arc<StoreError>> {
        if let Some(error) = self.trouble.borrow().as_ref() {
            return Err(Arc::clone(error));
        }
        room::find_out(&self.path).map_err(|error| {
            // So that everybody learns of it, and of its end.
            drop(self.desk.send(Message::Look));
            Arc::new(error)
        })
    }

    /// Writes `changes` after everything before. Nobody waits; see the module for what happens
    /// when it fails.
    pub fn write(&self, changes: Vec<Change>) {
        let request = Request { changes, done: None, keep: true };
        if self.desk.send(Message::Write(request)).is_err() {
            tracing::warn!("a change came after the store was closed and is lost");
        }
    }

    /// Writes `changes` after everything before and then calls `done`, on the store's thread: with
    /// `Ok` once they are durable, with the error if they were not and will not be written.
    /// Without changes it is a barrier: `Ok` says that everything before is durable.
    ///
    /// `done` is called in any case, with [`StoreError::Closed`] if the store is closed.
    pub fn write_then(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Result<(), Arc<StoreError>>) + Send + 'static,
    ) {
        self.ask(changes, false, Box::new(done));
    }

    /// As [`write_then`](Self::write_then), for what is in effect already: with an error, `changes`
    /// are not written yet, and are kept until they are.
    pub fn keep_then(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Result<(), Arc<StoreError>>) + Send + 'static,
    ) {
        self.ask(changes, true, Box::new(done));
    }

    fn ask(&self, changes: Vec<Change>, keep: bool, done: Callback) {
        let done = Some(Done(Some(done)));
        // If it cannot be sent, it is dropped, and that calls `done`.
        drop(self.desk.send(Message::Write(Request { changes, done, keep })));
    }

    /// Calls `f` with the store after everything before is written; the answer comes through the
    /// channel, which is closed without one if the store is closed.
    pub fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, receiver) = oneshot::channel();
        let errand = Errand::Read(Box::new(move |store| {
            // The reader may have gone away meanwhile.
            answer.send(f(store)).ok();
        }));
        drop(self.desk.send(Message::Errand(errand)));
        receiver
    }

    /// Waits until everything before is written and the file is closed.
    pub fn close(self) {
        let (closed, wait) = mpsc::channel();
        if self.desk.send(Message::Errand(Errand::Close(closed))).is_ok() {
            // An error means that the thread has ended already.
            wait.recv().ok();
        }
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
