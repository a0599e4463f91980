//! What becomes of an operation: a task each looks at the picture of now until all of its targets are
//! over, and gives what is still to be commanded when its turn comes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Operations, Queue, Reloads, durations, progress};
use crate::daemon::clock;
use crate::daemon::own_events::Own;
use crate::model::{Operation, OperationId, Standing, Step, Task};
use crate::supervisor::Accepted;

/// An operation in which nothing moves for so long is over.
const STUCK: Duration = Duration::from_secs(3600);

impl Operations {
    /// To its end.
    pub(super) async fn follow(self, id: OperationId, reloads: Reloads, mut queue: Option<Queue>) {
        let handle = self.0.handle.clone();
        let (mut pictures, mut news) = (handle.watch(), self.watch());
        let mut moved_at = Instant::now();
        loop {
            let now = pictures.borrow_and_update().clone();
            news.mark_unchanged();
            let mut moved = false;
            let looked = self.change(id, false, |operation| {
                moved = progress::advance(operation, &now, &reloads, clock::unix_ms());
                moved
            });
            let Some(mut operation) = looked else { return };
            if let Some(queue) = &mut queue {
                moved |= self.give(id, queue).await;
                let Some(now) = self.get(id) else { return };
                operation = now;
            }
            if moved {
                moved_at = Instant::now();
            }
            if operation.targets.iter().all(|target| target.step.is_over()) {
                return self.end(id).await;
            }
            if moved {
                continue;
            }
            tokio::select! {
                changed = pictures.changed() => if changed.is_err() { return },
                _ = news.changed() => {}
                () = tokio::time::sleep_until(moved_at + STUCK) => {
                    self.give_up(id);
                    return self.end(id).await;
                }
            }
        }
    }

    /// Gives the commands whose turn it is. False: it is nobody's.
    async fn give(&self, id: OperationId, queue: &mut Queue) -> bool {
        let mut given = false;
        while let Some(operation) = self.get(id) {
            if queue.gives_up(&operation) {
                self.change(id, true, |operation| {
                    operation.leave("too many others failed before it", clock::unix_ms(), |_| true)
                });
                return given;
            }
            let Some((index, command)) = queue.next(&operation) else { return given };
            given = true;
            // The daemon may end between the two: then it is known to be begun.
            let first = match operation.targets[index].task {
                Task::Stop | Task::Delete | Task::Restart | Task::Scale | Task::Reload => Step::Draining,
                Task::Start | Task::Reset => Step::Starting,
            };
            let latest = self.0.handle.snapshot();
            self.change(id, true, |operation| {
                let target = &mut operation.targets[index];
                target.before = latest.processes.get(&target.process).and_then(|view| view.latest_run);
                operation.set(index, first, clock::unix_ms())
            });
            let answer = self.0.handle.command(vec![command]).await;
            let step = match answer.map(|answers| answers.into_iter().next()) {
                Ok(Some(Ok(Accepted::AlreadySo))) => Step::Done,
                Ok(Some(Ok(_)) | None) => continue,
                Ok(Some(Err(denied))) => Step::Failed(denied.to_string()),
                Err(error) => Step::Failed(error.to_string()),
            };
            self.change(id, true, |operation| operation.set(index, step, clock::unix_ms()));
        }
        given
    }

    fn give_up(&self, id: OperationId) {
        self.change(id, true, |operation| {
            let now_ms = clock::unix_ms();
            for index in 0..operation.targets.len() {
                let why = "nothing has moved for an hour; pmdaemon goes on with it".to_owned();
                operation.set(index, Step::Failed(why), now_ms);
            }
            true
        });
    }

    async fn end(&self, id: OperationId) {
        let ended = self.change(id, true, |operation| {
            operation.ended_ms = Some(clock::unix_ms());
            true
        });
        if let Some(operation) = &ended {
            durations::count(&self.0.durations, operation);
        }
        // One by itself is told by what happened to its process.
        if let Some(operation) = ended.filter(|operation| operation.targets.len() > 1) {
            let (what, detail) = told(&operation);
            self.0.handle.tell(what, detail).await;
        }
    }
}

/// What is told at the end of one on several processes.
fn told(operation: &Operation) -> (Own, String) {
    let (total, author, task) = (operation.targets.len(), &operation.author, operation.task.as_str());
    let done = operation.count(|step| *step == Step::Done);
    let failed = operation.count(|step| matches!(step, Step::Failed(_)));
    let left = operation.count(|step| matches!(step, Step::Left(_)));
    let mut parts = vec![format!("{done} done")];
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.extend((left > 0).then(|| format!("{left} left undone")));
    let sum = parts.join(", ");
    let id = operation.id;
    match operation.standing() {
        Standing::Running | Standing::Done => {
            (Own::OperationDone, format!("operation {id} ({task} of {total} processes by {author}) is done"))
        }
        Standing::Failed => (
            Own::OperationFailed,
            format!("operation {id} ({task} of {total} processes by {author}) has failed: {sum}"),
        ),
        Standing::Cancelled => (
            Own::OperationCancelled,
            format!("operation {id} ({task} of {total} processes by {author}) was cancelled: {sum}"),
        ),
        Standing::Interrupted => (
            Own::OperationInterrupted,
            format!(
                "operation {id} ({task} of {total} processes by {author}) was interrupted by the end of the \
                 daemon: {sum}"
            ),
        ),
    }
}
