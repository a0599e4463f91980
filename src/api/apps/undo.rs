//! What a reload that fails does to the processes that it had replaced before: if it was to bring another
//! definition, and that goes back to what it was, they are reloaded again and run as before, too
//! (acceptance row K5).
//!
//! By a reload and an operation of its own, so that it is seen and can be cancelled; it goes on when who
//! asked for the first one has gone. It begins when that operation is over, since an app has one reload at
//! a time. Nobody is interrupted by it: who cannot have a new run beside the old one stays as it is. Nothing
//! is undone where the definition is the same (what is on disk would be run again), where somebody wants
//! something else of the app meanwhile, and where the daemon ends before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::reload::side_by_side;
use crate::api::operations::begin;
use crate::daemon::handle::Handle;
use crate::daemon::operations::Operations;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{AppId, Goal, OperationId, ProcessId, RevisionCause};
use crate::supervisor::{Accepted, Command, Progress, Reload};

/// Reloads that are followed to their end, and undone if that has to be.
pub struct Undo {
    ended: oneshot::Receiver<Arc<Snapshot>>,
    undone: JoinHandle<BTreeSet<ProcessId>>,
}

impl Undo {
    /// Follows these, which are that operation.
    pub fn follow(
        handle: Handle,
        operations: Operations,
        author: String,
        operation: OperationId,
        going: BTreeMap<AppId, u64>,
    ) -> Undo {
        let (tell, ended) = oneshot::channel();
        let undone = tokio::spawn(async move {
            let is_over =
                |now: &Arc<Snapshot>| going.iter().all(|(app, number)| !goes_on(now, *app, *number));
            let mut pictures = handle.watch();
            let Ok(now) = pictures.wait_for(is_over).await.map(|now| Arc::clone(&now)) else {
                return BTreeSet::new();
            };
            // Who asked may be gone.
            let _ = tell.send(Arc::clone(&now));
            let replaced: Vec<(AppId, BTreeSet<ProcessId>)> =
                going.iter().filter_map(|(app, number)| replaced_in_vain(&now, *app, *number)).collect();
            if replaced.is_empty() {
                return BTreeSet::new();
            }
            operations.wait(operation, Duration::MAX).await;
            let all = replaced.into_iter().map(|(app, some)| undo(&handle, &operations, &author, app, some));
            futures_util::future::join_all(all).await.into_iter().flatten().collect()
        });
        Undo { ended, undone }
    }

    /// How it was when the reloads had ended; none if that is not within `limit`.
    pub async fn end(&mut self, limit: Duration) -> Option<Arc<Snapshot>> {
        tokio::time::timeout(limit, &mut self.ended).await.ok()?.ok()
    }

    /// Who runs as before again; none if that is not known within `limit`. It goes on then.
    pub async fn undone(self, limit: Duration) -> Option<BTreeSet<ProcessId>> {
        tokio::time::timeout(limit, self.undone).await.ok()?.ok()
    }
}

/// That reload goes on.
pub fn goes_on(now: &Snapshot, app: AppId, number: u64) -> bool {
    now.reloads.get(&app).is_some_and(|reload| reload.number == number && !reload.is_over())
}

/// The definition is again the one that there was before that reload, which ended at that process.
pub fn is_taken_back(now: &Snapshot, app: AppId, reload: &Reload, process: ProcessId) -> bool {
    let cause = now.of_app(app).next().and_then(|view| view.revision.as_ref()).map(|revision| revision.cause);
    reload.how.back_to.contains_key(&process) && cause == Some(RevisionCause::TakenBack)
}

fn replaced_in_vain(now: &Snapshot, app: AppId, number: u64) -> Option<(AppId, BTreeSet<ProcessId>)> {
    let reload = now.reloads.get(&app).filter(|reload| reload.number == number)?;
    let Progress::Failed { process, replaced, .. } = &reload.progress else { return None };
    let before = |id: &ProcessId| reload.how.back_to.get(id);
    // Who ran by another one before does not go back to that of the one that failed.
    let alike: BTreeSet<ProcessId> =
        replaced.iter().copied().filter(|id| before(id) == before(process)).collect();
    let back = is_taken_back(now, app, reload, *process) && !alike.is_empty();
    back.then_some((app, alike))
}

/// Reloads them, if they still run by another definition than that of their app. Who runs as before then.
async fn undo(
    handle: &Handle,
    operations: &Operations,
    author: &str,
    app: AppId,
    replaced: BTreeSet<ProcessId>,
) -> BTreeSet<ProcessId> {
    let now = handle.snapshot();
    let is_its = |view: &&Arc<ProcessView>| {
        let cause = view.revision.as_ref().map(|revision| revision.cause);
        replaced.contains(&view.id) && cause == Some(RevisionCause::TakenBack)
    };
    let is_as_before = |view: &&Arc<ProcessView>| {
        let present = view.revision.as_ref().map(|revision| revision.number);
        view.state.pid().is_some() && view.run_revision == present
    };
    let count = now.of_app(app).count() as u32;
    let may_have_two = |view: &&Arc<ProcessView>| view.spec.roll.limits(count).surge > 0;
    let others = now.of_app(app).filter(is_its).filter(|view| !is_as_before(view) && view.goal == Goal::Up);
    let others: Vec<Arc<ProcessView>> = others.filter(may_have_two).cloned().collect();
    if !others.is_empty() {
        reload_beside(handle, operations, author, app, others).await;
    }
    handle.snapshot().of_app(app).filter(is_its).filter(is_as_before).map(|view| view.id).collect()
}

/// Reloads those of them that need not pause for it, to the end.
async fn reload_beside(
    handle: &Handle,
    operations: &Operations,
    author: &str,
    app: AppId,
    mut views: Vec<Arc<ProcessView>>,
) {
    let Ok(beside) = side_by_side(&views).await else { return };
    views.retain(|view| beside.contains(&view.id));
    let command = Command::Reload {
        processes: views.iter().map(|view| view.id).collect(),
        beside,
        soak: None,
        ports: BTreeMap::new(),
        back_to: BTreeMap::new(),
    };
    let answer = handle.command(vec![command]).await.ok().and_then(|answers| answers.into_iter().next());
    if let Some(Ok(Accepted::Reloading { number })) = answer {
        begin::begin_reload(operations, author, &views, BTreeMap::from([(app, number)]));
        handle.wait(Duration::MAX, |now| !goes_on(now, app, number)).await;
    }
}
