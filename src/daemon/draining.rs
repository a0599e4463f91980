//! Asks balancers whether a life that leaves has answered everything. One task for each; what it
//! finds comes back into the loop as a fact.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::balance::status::Status;
use crate::model::{Fact, RunId};

/// From one question to the next.
const PAUSE: Duration = Duration::from_millis(30);

/// The lives that drain.
pub struct Draining {
    tasks: BTreeMap<RunId, AbortHandle>,
    found: mpsc::Sender<Fact>,
}

impl Draining {
    /// None so far; what is found goes there.
    pub fn new(found: mpsc::Sender<Fact>) -> Draining {
        Draining { tasks: BTreeMap::new(), found }
    }

    /// These drain now, as the balancer at that socket has been told, or will be, by the table of
    /// that number; nobody else does.
    pub fn update(&mut self, now: BTreeMap<RunId, (PathBuf, u64)>) {
        self.tasks.extract_if(.., |run, _| !now.contains_key(run)).for_each(|(_, task)| task.abort());
        for (run, (socket, generation)) in now {
            self.tasks.entry(run).or_insert_with(|| {
                let found = self.found.clone();
                let asking = async move {
                    // One that does not answer is starting anew, or is gone, which the brain sees.
                    while !Status::ask(&socket).await.is_ok_and(|it| it.has_drained(run.0, generation)) {
                        tokio::time::sleep(PAUSE).await;
                    }
                    // A loop that is gone needs no facts.
                    let _ = found.send(Fact::Drained { run }).await;
                };
                tokio::spawn(asking).abort_handle()
            });
        }
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}
