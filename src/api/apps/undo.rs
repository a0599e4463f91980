//! What a reload that fails does to the processes that it had replaced before: if it was to bring another
//! definition, and that goes back to what it was, they are reloaded again and run as before, too
//! (acceptance row K5).
//!
//! By a reload and an operation of its own, so that it is seen and can be cancelled; it goes on when who
//! asked for the first one has gone. It begins when that operation is over, since an app has one reload at
//! a time. Nothing is undone where the definition is the same (what is on disk would be run again), where
//! somebody wants something else of the app meanwhile, and where the daemon ends before.

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
    let back = is_taken_back(now, app, reload, *process) && !replaced.is_empty();
    back.then(|| (app, replaced.clone()))
}

/// Reloads them, if they still run by another definition than that of their app. Who has been.
async fn undo(
    handle: &Handle,
    operations: &Operations,
    author: &str,
    app: AppId,
    replaced: BTreeSet<ProcessId>,
) -> BTreeSet<ProcessId> {
    let now = handle.snapshot();
    let is_other = |view: &&Arc<ProcessView>| {
        let present = view.revision.as_ref().map(|revision| revision.number);
        view.goal == Goal::Up && view.run_revision != present && replaced.contains(&view.id)
    };
    let views: Vec<Arc<ProcessView>> = now.of_app(app).filter(is_other).cloned().collect();
    let Ok(beside) = side_by_side(&views).await else { return BTreeSet::new() };
    let processes: Vec<ProcessId> = views.iter().map(|view| view.id).collect();
    let command = Command::Reload {
        processes: processes.clone(),
        beside,
        soak: None,
        ports: BTreeMap::new(),
        back_to: BTreeMap::new(),
    };
    let answers = handle.command(vec![command]).await;
    let Ok(Some(Ok(Accepted::Reloading { number }))) = answers.map(|answers| answers.into_iter().next())
    else {
        return BTreeSet::new();
    };
    begin::begin_reload(operations, author, &views, BTreeMap::from([(app, number)]));
    let (now, _) = handle.wait(Duration::MAX, |now| !goes_on(now, app, number)).await;
    let reload = now.reloads.get(&app).filter(|reload| reload.number == number);
    match reload.map(|reload| &reload.progress) {
        Some(Progress::Done) => processes.into_iter().collect(),
        Some(Progress::Failed { replaced, .. }) => replaced.clone(),
        Some(Progress::Rolling { .. } | Progress::Interrupted { .. }) | None => BTreeSet::new(),
    }
}
