//! The thread that owns the store, so that nobody else ever waits for the disk.
//!
//! Whatever waits when it looks becomes one transaction: under load a commit carries many changes.
//! Requests are carried out in the order in which they were made; a read sees every write before it.
//!
//! When a transaction fails, its requests are tried one by one, so that a bad one takes no other
//! with it:
//! - whoever waits (`write_then`) gets the error, and those changes are *not* written, now or later;
//! - changes that nobody waits for (`write`) are kept and tried again every second, if that can
//!   help (a full disk); later requests wait behind them or get their error. The backlog is
//!   bounded as described in `backlog`; what is wanted is never dropped;
//! - changes that contradict what is stored are dropped, and logged as the bugs that they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::oneshot;

use super::backlog::Backlog;
use super::{Change, Store, StoreError};

/// Pause between two attempts to write what is kept.
const RETRY: Duration = Duration::from_secs(1);

/// A transaction takes no further request once it has so many changes.
const BATCH: usize = 5_000;

/// Talks to the thread that owns the store. Cheap to clone. When the last clone is dropped, the
/// thread writes what it still has and ends.
#[derive(Clone)]
pub struct Recorder(Sender<Message>);

enum Message {
    Write(Request),
    Errand(Errand),
}

struct Request {
    changes: Vec<Change>,
    done: Option<Done>,
}

enum Errand {
    Read(Box<dyn FnOnce(&Store) + Send>),
    Close(Sender<()>),
}

impl Recorder {
    /// Starts the thread.
    pub fn start(store: Store) -> Recorder {
        let (sender, inbox) = mpsc::channel();
        let desk = Desk { store, backlog: Backlog::new(), failing: false };
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || desk.run(&inbox))
            .expect("a thread can be started when the daemon starts");
        Recorder(sender)
    }

    /// Writes `changes` after everything before. Nobody waits; see the module for what happens
    /// when it fails.
    pub fn write(&self, changes: Vec<Change>) {
        if self.0.send(Message::Write(Request { changes, done: None })).is_err() {
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
        let done = Some(Done(Some(Box::new(done))));
        // If it cannot be sent, it is dropped, and that calls `done`.
        drop(self.0.send(Message::Write(Request { changes, done })));
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
        drop(self.0.send(Message::Errand(errand)));
        receiver
    }

    /// Waits until everything before is written and the file is closed.
    pub fn close(self) {
        let (closed, wait) = mpsc::channel();
        if self.0.send(Message::Errand(Errand::Close(closed))).is_ok() {
            // An error means that the thread has ended already.
            wait.recv().ok();
        }
    }
}

/// Calls back exactly once, whatever becomes of the request.
struct Done(Option<Callback>);

type Callback = Box<dyn FnOnce(Result<(), Arc<StoreError>>) + Send>;

impl Done {
    fn call(mut self, result: Result<(), Arc<StoreError>>) {
        self.answer(result);
    }

    fn answer(&mut self, result: Result<(), Arc<StoreError>>) {
        if let Some(callback) = self.0.take() {
            guarded(|| callback(result));
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.answer(Err(Arc::new(StoreError::Closed)));
    }
}

/// Runs what others gave us; their panic must not end the store's thread.
fn guarded(f: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(f)).is_err() {
        tracing::error!("a function that was given to the store panicked");
    }
}

/// The state of the thread.
struct Desk {
    store: Store,
    backlog: Backlog,
    /// The latest attempt to write failed, and that was logged.
    failing: bool,
}

impl Desk {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let first = match self.backlog.changes() {
                [] => inbox.recv().map_err(RecvTimeoutError::from),
                [_, ..] => inbox.recv_timeout(RETRY),
            };
            let (requests, errand) = match first {
                Ok(message) => gather(message, inbox),
                Err(RecvTimeoutError::Timeout) => (Vec::new(), None),
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            };
            self.settle(requests);
            match errand {
                None => {}
                Some(Errand::Read(read)) => guarded(|| read(&self.store)),
                Some(Errand::Close(closed)) => {
                    self.finish();
                    // Nobody waits any more if this fails.
                    closed.send(()).ok();
                    return;
                }
            }
        }
    }

    /// Everything that waits, in one transaction; one by one if that fails.
    fn settle(&mut self, requests: Vec<Request>) {
        let kept = self.backlog.changes().iter();
        let new = requests.iter().flat_map(|request| &request.changes);
        match self.store.apply_all(kept.chain(new)) {
            Ok(()) => {
                self.backlog.clear();
                self.wrote();
                for done in requests.into_iter().filter_map(|request| request.done) {
                    done.call(Ok(()));
                }
            }
            Err(_) => self.settle_one_by_one(requests),
        }
    }

    fn settle_one_by_one(&mut self, requests: Vec<Request>) {
        // What is kept must not be overtaken.
        let mut stuck = self.settle_backlog().err();
        for Request { changes, done } in requests {
            let result = match &stuck {
                Some(error) => Err(Arc::clone(error)),
                None => self.store.apply(&changes).map_err(Arc::new),
            };
            match (&result, done) {
                (Ok(()), done) => {
                    self.wrote();
                    if let Some(done) = done {
                        done.call(result);
                    }
                }
                (Err(error), Some(done)) => {
                    self.failed(error);
                    done.call(result);
                }
                (Err(error), None) if error.is_passing() => {
                    self.failed(error);
                    self.keep(changes);
                    stuck = result.err();
                }
                (Err(error), None) => tracing::error!("{error}; {} changes are dropped", changes.len()),
            }
        }
    }

    fn settle_backlog(&mut self) -> Result<(), Arc<StoreError>> {
        match self.store.apply(self.backlog.changes()) {
            Ok(()) => self.backlog.clear(),
            Err(error) if error.is_passing() => {
                self.failed(&error);
                return Err(Arc::new(error));
            }
            Err(_) => self.drop_refused()?,
        }
        Ok(())
    }

    /// One of those that are kept can never be written: finds it.
    fn drop_refused(&mut self) -> Result<(), Arc<StoreError>> {
        let changes = self.backlog.changes().to_vec();
        self.backlog.clear();
        for (at, change) in changes.iter().enumerate() {
            match self.store.apply(std::slice::from_ref(change)) {
                Ok(()) => {}
                Err(error) if error.is_passing() => {
                    self.failed(&error);
                    self.keep(changes[at..].to_vec());
                    return Err(Arc::new(error));
                }
                Err(error) => tracing::error!("{error}; one change is dropped"),
            }
        }
        Ok(())
    }

    fn keep(&mut self, changes: Vec<Change>) {
        let dropped = self.backlog.push(changes);
        if dropped > 0 {
            tracing::warn!(
                "the history has a gap: {dropped} events could not be kept until the disk has room"
            );
        }
    }

    fn wrote(&mut self) {
        if self.failing {
            tracing::info!("the store can be written again");
        }
        self.failing = false;
    }

    fn failed(&mut self, error: &StoreError) {
        if !self.failing {
            tracing::error!("{error}; what is wanted is kept in memory and tried again");
        }
        self.failing = true;
    }

    /// One last attempt; then the file is closed.
    fn finish(mut self) {
        self.settle(Vec::new());
        let lost = self.backlog.changes().len();
        if lost > 0 {
            tracing::error!("{lost} changes could not be written to the store and are lost");
        }
    }
}

/// The requests that wait, up to the first errand.
fn gather(first: Message, inbox: &Receiver<Message>) -> (Vec<Request>, Option<Errand>) {
    let (mut requests, mut size) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Errand(errand) => return (requests, Some(errand)),
            Message::Write(request) => {
                size += request.changes.len();
                requests.push(request);
            }
        }
        next = if size < BATCH { inbox.try_recv().ok() } else { None };
    }
    (requests, None)
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
