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

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::backlog::Backlog;
use super::{Change, Store, StoreError, room};

/// Pause between two attempts to write what is kept.
const RETRY: Duration = Duration::from_secs(1);

/// A transaction takes no further request once it has so many changes.
const BATCH: usize = 5_000;

/// Talks to the thread that owns the store. Cheap to clone. When the last clone is dropped, the
/// thread writes what it still has and ends.
#[derive(Clone)]
pub struct Recorder {
    desk: Sender<Message>,
    path: PathBuf,
    trouble: watch::Receiver<Trouble>,
    written: Arc<AtomicU64>,
}

/// Why nothing can be written, as long as that is so.
pub type Trouble = Option<Arc<StoreError>>;

/// The setting that is written to see whether that works.
const PROBE: &str = "probe";

enum Message {
    Write(Request),
    /// Somebody found no room: look yourself.
    Look,
    Errand(Errand),
}

struct Request {
    changes: Vec<Change>,
    done: Option<Done>,
    /// Not to be dropped when somebody waits in vain.
    keep: bool,
}

enum Errand {
    Read(Box<dyn FnOnce(&Store) + Send>),
    Close(Sender<()>),
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
    /// Why the latest attempt to write failed, if it did.
    trouble: watch::Sender<Trouble>,
    written: Arc<AtomicU64>,
}

impl Desk {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let in_trouble = self.trouble.borrow().is_some() || !self.backlog.changes().is_empty();
            let first = match in_trouble {
                false => inbox.recv().map_err(RecvTimeoutError::from),
                true => inbox.recv_timeout(RETRY),
            };
            let (requests, errand) = match first {
                Ok(message) => self.gather(message, inbox),
                Err(RecvTimeoutError::Timeout) => (Vec::new(), None),
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            };
            self.settle(requests);
            if self.trouble.borrow().is_some() {
                self.try_again();
            }
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
        let nothing = self.backlog.changes().is_empty() && requests.iter().all(|r| r.changes.is_empty());
        let kept = self.backlog.changes().iter();
        let new = requests.iter().flat_map(|request| &request.changes);
        match self.store.apply_all(kept.chain(new)) {
            Ok(()) => {
                self.backlog.clear();
                if !nothing {
                    self.wrote();
                }
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
        for Request { changes, done, keep } in requests {
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
                    if keep && error.is_passing() {
                        self.keep(changes);
                        stuck = Some(Arc::clone(error));
                    }
                    done.call(result);
                }
                (Err(error), None) if error.is_passing() => {
                    self.failed(error);
                    self.keep(changes);
                    stuck = Some(Arc::clone(error));
                }
                (Err(error), None) => tracing::error!("{error}; {} changes are dropped", changes.len()),
            }
        }
    }

    /// The requests that wait, up to the first errand.
    fn gather(&mut self, first: Message, inbox: &Receiver<Message>) -> (Vec<Request>, Option<Errand>) {
        let (mut requests, mut size) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Errand(errand) => return (requests, Some(errand)),
                Message::Look => {
                    _ = room::find_out(&self.store.path).map_err(|error| self.failed(&Arc::new(error)))
                }
                Message::Write(request) => {
                    size += request.changes.len();
                    requests.push(request);
                }
            }
            next = if size < BATCH { inbox.try_recv().ok() } else { None };
        }
        (requests, None)
    }

    fn settle_backlog(&mut self) -> Result<(), Arc<StoreError>> {
        match self.store.apply(self.backlog.changes()) {
            Ok(()) => self.backlog.clear(),
            Err(error) if error.is_passing() => {
                let error = Arc::new(error);
                self.failed(&error);
                return Err(error);
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
                    let error = Arc::new(error);
                    self.failed(&error);
                    self.keep(changes[at..].to_vec());
                    return Err(error);
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

    /// While there is trouble: is it over? It is when something could be written, and there is room
    /// for more.
    fn try_again(&mut self) {
        if let Err(error) = room::find_out(&self.store.path) {
            return self.failed(&Arc::new(error));
        }
        if !self.backlog.changes().is_empty() {
            return;
        }
        let value = self.written.load(Ordering::Relaxed).to_string();
        match self.store.apply(&[Change::PutSetting { name: PROBE.to_owned(), value }]) {
            Ok(()) => self.over(),
            Err(error) => self.failed(&Arc::new(error)),
        }
    }

    fn wrote(&mut self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    fn over(&mut self) {
        if self.trouble.borrow().is_some() {
            tracing::info!("the store can be written again");
            self.trouble.send_replace(None);
        }
    }

    fn failed(&mut self, error: &Arc<StoreError>) {
        // What is refused for itself says nothing about the disk.
        if !error.is_passing() {
            return;
        }
        let text = error.to_string();
        let known = self.trouble.borrow().as_ref().map(|known| known.to_string());
        if known.as_ref() == Some(&text) {
            return;
        }
        tracing::error!("nothing can be saved: {text}; what is wanted is kept in memory and tried again");
        self.trouble.send_replace(Some(Arc::clone(error)));
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

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
