//! Operations: bounded, the newest are kept.

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::apply::{json, run};
use super::format::Misfit;
use super::int;
use super::load::Read;
use crate::model::{AppId, CutOff, Operation, OperationId, ProcessId, RunId, Step, Target, Task};

/// So many of the newest operations are kept.
pub const OPERATIONS_KEPT: u64 = 1_000;

/// All of them, by id.
pub(super) const OPERATIONS: &str = "SELECT id, record FROM operation ORDER BY id";

/// Writes one down as it is, and removes the one that is too old by now.
pub(super) fn put(at: &Connection, operation: &Operation) -> rusqlite::Result<()> {
    let sql = "INSERT INTO operation (id, record) VALUES (?1, ?2)
               ON CONFLICT (id) DO UPDATE SET record = excluded.record";
    let id = operation.id.0;
    run(at, sql, params![int(id), json(&StoredOperation::new(operation))?])?;
    run(at, "DELETE FROM operation WHERE id <= ?1", [int(id.saturating_sub(OPERATIONS_KEPT))])
}

/// Forgets one.
pub(super) fn drop(at: &Connection, id: OperationId) -> rusqlite::Result<()> {
    run(at, "DELETE FROM operation WHERE id = ?1", [int(id.0)])
}

pub(super) fn read(row: &Row<'_>) -> Read<Operation> {
    let id = OperationId(row.get::<_, i64>(0)? as u64);
    let json: String = row.get(1)?;
    let stored = serde_json::from_str::<StoredOperation>(&json).map_err(|error| error.to_string());
    Ok(stored.and_then(|stored| stored.into_model(id)))
}

#[derive(Serialize, Deserialize)]
struct StoredOperation {
    task: String,
    author: String,
    begun_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut_off: Option<StoredCutOff>,
    targets: Vec<StoredTarget>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCutOff {
    Cancelled,
    Interrupted,
}

#[derive(Serialize, Deserialize)]
struct StoredTarget {
    process: u32,
    app: u32,
    name: String,
    namespace: String,
    task: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<u64>,
    step: StoredStep,
    since_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredStep {
    Waiting,
    Draining,
    Starting,
    Ready,
    Done,
    Failed(String),
    Left(String),
}

impl StoredOperation {
    fn new(operation: &Operation) -> StoredOperation {
        let Operation { id: _, task, author, begun_ms, ended_ms, cut_off, targets } = operation;
        StoredOperation {
            task: task.as_str().to_owned(),
            author: author.clone(),
            begun_ms: *begun_ms,
            ended_ms: *ended_ms,
            cut_off: cut_off.map(|cut_off| match cut_off {
                CutOff::Cancelled => StoredCutOff::Cancelled,
                CutOff::Interrupted => StoredCutOff::Interrupted,
            }),
            targets: targets.iter().map(StoredTarget::new).collect(),
        }
    }

    fn into_model(self, id: OperationId) -> Result<Operation, Misfit> {
        Ok(Operation {
            id,
            task: task(&self.task)?,
            author: self.author,
            begun_ms: self.begun_ms,
            ended_ms: self.ended_ms,
            cut_off: self.cut_off.map(|cut_off| match cut_off {
                StoredCutOff::Cancelled => CutOff::Cancelled,
                StoredCutOff::Interrupted => CutOff::Interrupted,
            }),
            targets: self.targets.into_iter().map(StoredTarget::into_model).collect::<Result<_, _>>()?,
        })
    }
}

impl StoredTarget {
    fn new(target: &Target) -> StoredTarget {
        let Target { process, app, name, namespace, task, before, run, step, since_ms } = target;
        StoredTarget {
            process: process.0,
            app: app.0,
            name: name.clone(),
            namespace: namespace.clone(),
            task: task.as_str().to_owned(),
            before: before.map(|run| run.0),
            run: run.map(|run| run.0),
            step: match step {
                Step::Waiting => StoredStep::Waiting,
                Step::Draining => StoredStep::Draining,
                Step::Starting => StoredStep::Starting,
                Step::Ready => StoredStep::Ready,
                Step::Done => StoredStep::Done,
                Step::Failed(why) => StoredStep::Failed(why.clone()),
                Step::Left(why) => StoredStep::Left(why.clone()),
            },
            since_ms: *since_ms,
        }
    }

    fn into_model(self) -> Result<Target, Misfit> {
        Ok(Target {
            process: ProcessId(self.process),
            app: AppId(self.app),
            name: self.name,
            namespace: self.namespace,
            task: task(&self.task)?,
            before: self.before.map(RunId),
            run: self.run.map(RunId),
            step: match self.step {
                StoredStep::Waiting => Step::Waiting,
                StoredStep::Draining => Step::Draining,
                StoredStep::Starting => Step::Starting,
                StoredStep::Ready => Step::Ready,
                StoredStep::Done => Step::Done,
                StoredStep::Failed(why) => Step::Failed(why),
                StoredStep::Left(why) => Step::Left(why),
            },
            since_ms: self.since_ms,
        })
    }
}

fn task(word: &str) -> Result<Task, Misfit> {
    Task::parse(word).ok_or_else(|| format!("there is no operation {word:?}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Change;
    use super::super::tests::Place;
    use super::*;

    /// One of several targets at every step.
    pub fn operation(id: u64) -> Operation {
        let steps = [
            Step::Waiting,
            Step::Draining,
            Step::Starting,
            Step::Ready,
            Step::Done,
            Step::Failed("it ended with exit code 3".into()),
            Step::Left("it was cancelled".into()),
        ];
        let target = |(at, step): (usize, Step)| Target {
            process: ProcessId(at as u32),
            app: AppId(1),
            name: format!("web-{at}"),
            namespace: "shop".into(),
            task: Task::ALL[at],
            before: Some(RunId(7)),
            run: (at > 3).then_some(RunId(8)),
            step,
            since_ms: 1_700_000_000_500,
        };
        Operation {
            id: OperationId(id),
            task: Task::Restart,
            author: "alice".into(),
            begun_ms: 1_700_000_000_000,
            ended_ms: None,
            cut_off: Some(CutOff::Cancelled),
            targets: steps.into_iter().enumerate().map(target).collect(),
        }
    }

    #[test]
    fn operations_come_back_as_they_were_and_only_the_newest_are_kept() {
        let place = Place::new();
        let mut store = place.open();
        let ended = Operation { ended_ms: Some(1), cut_off: Some(CutOff::Interrupted), ..operation(2) };
        store.apply(&[Change::PutOperation(operation(1)), Change::PutOperation(operation(2))]).unwrap();
        store.apply(&[Change::PutOperation(ended.clone())]).unwrap();
        let saved = store.load().unwrap();
        assert_eq!((saved.operations, saved.next_operation), (vec![operation(1), ended], OperationId(3)));
        let many = (3..=OPERATIONS_KEPT + 5).map(|id| Change::PutOperation(operation(id)));
        store.apply(&many.collect::<Vec<_>>()).unwrap();
        let saved = store.load().unwrap();
        assert_eq!(saved.operations.len() as u64, OPERATIONS_KEPT);
        assert_eq!(saved.operations[0].id, OperationId(6));
        store.apply(&[Change::DropOperation(OperationId(OPERATIONS_KEPT + 5))]).unwrap();
        let saved = store.load().unwrap();
        assert_eq!(saved.next_operation, OperationId(OPERATIONS_KEPT + 6), "no number is given twice");
    }
}
