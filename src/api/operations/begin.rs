//! The document of something that was just commanded.

use std::sync::Arc;

use crate::api::Api;
use crate::auth::Principal;
use crate::daemon::clock;
use crate::daemon::operations::{New, Operations, Queue, Reloads};
use crate::daemon::view::ProcessView;
use crate::model::{OperationId, Step, Target, Task};

/// A process, and what is done to it.
pub fn target(view: &ProcessView, task: Task, step: Step) -> Target {
    Target {
        process: view.id,
        app: view.app,
        name: view.name(),
        namespace: view.spec.namespace.to_string(),
        task,
        before: view.latest_run,
        run: None,
        step,
        since_ms: clock::unix_ms(),
    }
}

/// How far a task is that was commanded a moment ago, as long as nobody has looked.
pub fn first_step(task: Task) -> Step {
    match task {
        Task::Start | Task::Scale => Step::Starting,
        Task::Stop | Task::Restart | Task::Delete => Step::Draining,
        Task::Reload => Step::Waiting,
        Task::Reset => Step::Done,
    }
}

/// An operation on these.
pub fn begin(api: &Api, by: &Principal, task: Task, targets: Vec<Target>) -> OperationId {
    begin_with(api, by, task, targets, Reloads::new(), None)
}

/// An operation that consists of reloads.
pub fn begin_reload(
    operations: &Operations,
    author: &str,
    targets: &[Arc<ProcessView>],
    reloads: Reloads,
) -> OperationId {
    let of_those = targets.iter().filter(|view| reloads.contains_key(&view.app));
    let targets = of_those.map(|view| target(view, Task::Reload, first_step(Task::Reload))).collect();
    let author = author.to_owned();
    operations.begin(New { task: Task::Reload, author, targets, reloads, queue: None })
}

/// An operation whose commands are given by itself.
pub fn begin_with(
    api: &Api,
    by: &Principal,
    task: Task,
    targets: Vec<Target>,
    reloads: Reloads,
    queue: Option<Queue>,
) -> OperationId {
    api.operations.begin(New { task, author: by.subject.clone(), targets, reloads, queue })
}
