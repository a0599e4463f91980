//! Runs that are over, between their end and the moment at which the keeper may forget them: when
//! what followed from it is durable. Forgotten earlier, a job that was done could be run again by
//! the next daemon, and a crash would not be counted.

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::model::RunId;
use crate::store::Recorder;

/// Whether the store has it now.
type Written = Result<Vec<RunId>, Vec<RunId>>;

/// Runs on their way to being forgotten.
pub(super) struct Endings {
    /// Over; what follows is about to be given to the store.
    over: Vec<RunId>,
    /// Batches that the store has.
    pending: usize,
    written: UnboundedSender<Written>,
    answers: UnboundedReceiver<Written>,
}

impl Endings {
    /// None.
    pub(super) fn new() -> Endings {
        let (written, answers) = mpsc::unbounded_channel();
        Endings { over: Vec::new(), pending: 0, written, answers }
    }

    /// That run is over, and what follows is among the changes that are written next.
    pub(super) fn add(&mut self, run: RunId) {
        self.over.push(run);
    }

    /// Everything that follows was given to the store.
    pub(super) fn forget_when_durable(&mut self, recorder: &Recorder) {
        if self.over.is_empty() {
            return;
        }
        let (runs, written) = (std::mem::take(&mut self.over), self.written.clone());
        self.pending += 1;
        // A barrier: it may not fail of itself, only behind what fails.
        recorder.write_then(Vec::new(), move |saved| {
            // Without a driver there is nobody to forget them.
            let _ = written.send(if saved.is_ok() { Ok(runs) } else { Err(runs) });
        });
    }

    /// Whether the store has not answered yet.
    pub(super) fn are_being_written(&self) -> bool {
        self.pending > 0
    }

    /// The next runs that may be forgotten; none if they could not be written. They are tried again
    /// with what is written next. Cancel-safe.
    pub(super) async fn next(&mut self) -> Vec<RunId> {
        // Never closed: this has a sender itself.
        let Some(answer) = self.answers.recv().await else { return Vec::new() };
        self.pending -= 1;
        answer.unwrap_or_else(|runs| {
            self.over.extend(runs);
            Vec::new()
        })
    }
}
