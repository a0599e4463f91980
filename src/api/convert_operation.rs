//! Operations, as somebody sees them.

use super::convert::time;
use crate::model::{Namespaces, Operation, Step, Target};
use crate::wire;

/// Whether one of its targets is in these namespaces.
pub fn is_seen(operation: &Operation, namespaces: &Namespaces) -> bool {
    operation.targets.iter().any(|target| namespaces.has(&target.namespace))
}

/// An operation with those of its targets that are in these namespaces. `None`: none is.
pub fn operation(operation: &Operation, namespaces: &Namespaces) -> Option<wire::Operation> {
    let seen = || operation.targets.iter().filter(|target| namespaces.has(&target.namespace));
    seen().next()?;
    let count = |is: fn(&Step) -> bool| seen().filter(|target| is(&target.step)).count() as i64;
    Some(wire::Operation {
        id: operation.id.0 as i64,
        action: operation.task.as_str().to_owned(),
        state: operation.standing().as_str().to_owned(),
        author: operation.author.clone(),
        begun_at: time(operation.begun_ms),
        ended_at: operation.ended_ms.map(time),
        progress: wire::OperationProgress {
            total: seen().count() as i64,
            done: count(|step| *step == Step::Done),
            failed: count(|step| matches!(step, Step::Failed(_))),
            left: count(|step| matches!(step, Step::Left(_))),
        },
        items: seen().map(item).collect(),
    })
}

fn item(target: &Target) -> wire::OperationItem {
    let (state, reason) = match &target.step {
        Step::Waiting => ("waiting", None),
        Step::Draining => ("draining", None),
        Step::Starting => ("starting", None),
        Step::Ready => ("ready", None),
        Step::Done => ("done", None),
        Step::Failed(why) => ("failed", Some(why.clone())),
        Step::Left(why) => ("left", Some(why.clone())),
    };
    wire::OperationItem {
        id: i64::from(target.process.0),
        name: target.name.clone(),
        namespace: target.namespace.clone(),
        action: target.task.as_str().to_owned(),
        state: state.to_owned(),
        reason,
        since: time(target.since_ms),
    }
}
