//! The thread that owns the store: it settles what waits, in the order in which it was asked for, and
//! tries again what cannot be written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::watch;

use super::backlog::Backlog;
use super::{Change, Store, StoreError, room};

/// Pause between two attempts to write what is kept.
const RETRY: Duration = Duration::from_secs(1);

/// A transaction takes no further request once it has so many changes.
const BATCH: usize = 5_000;

/// Why nothing can be written, as long as that is so.
pub type Trouble = Option<Arc<StoreError>>;

/// The setting that is written to see whether that works.
const PROBE: &str = "probe";

pub(super) enum Message {
    Write(Request),
    /// Somebody found no room: look yourself.
    Look,
    Errand(Errand),
}

pub(super) struct Request {
    pub changes: Vec<Change>,
    pub done: Option<Done>,
    /// Not to be dropped when somebody waits in vain.
    pub keep: bool,
}

pub(super) enum Errand {
    Read(Box<dyn FnOnce(&Store) + Send>),
    Close(Sender<()>),
}

/// Calls back exactly once, whatever becomes of the request.
pub(super) struct Done(pub Option<Callback>);

pub(super) type Callback = Box<dyn FnOnce(Result<(), Arc<StoreError>>) + Send>;

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
pub(super) struct Desk {
    pub store: Store,
    pub backlog: Backlog,
    /// Why the latest attempt to write failed, if it did.
    pub trouble: watch::Sender<Trouble>,
    pub written: Arc<AtomicU64>,
}

impl Desk {
    pub fn run(mut self, inbox: &Receiver<Message>) {
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
