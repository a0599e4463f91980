//! Whose logs are read, and of which time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::query::Wanted;
use crate::api::ApiError;
use crate::daemon::handle::Handle;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::logs::{Source, Stream};
use crate::model::{Namespaces, ProcessId};
use crate::store::{EventQuery, EventRow};
use crate::wire;

/// So many events of a process are looked through for its runs.
const EVENTS: usize = 1000;

/// The logs that somebody wants to see.
#[derive(Debug)]
pub struct Chosen {
    /// Absent: all processes, also later ones.
    pub ids: Option<BTreeSet<ProcessId>>,
    /// And only of these.
    namespaces: Namespaces,
    stream: Option<wire::Stream>,
    instances: Option<Vec<u32>>,
    since: Option<u64>,
    until: Option<u64>,
    /// The run before the present one, for those that have one. Absent: every run.
    previous: Option<HashMap<ProcessId, Run>>,
}

/// When a run was, in microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    since: Option<u64>,
    until: Option<u64>,
}

impl Chosen {
    /// Looks up what is needed to choose.
    pub async fn of(
        handle: &Handle,
        namespaces: Namespaces,
        ids: Option<BTreeSet<ProcessId>>,
        wanted: &Wanted,
    ) -> Result<Chosen, ApiError> {
        let mut chosen = Chosen {
            ids,
            namespaces,
            stream: wanted.stream,
            instances: wanted.instances.clone(),
            since: wanted.since,
            until: wanted.until,
            previous: None,
        };
        if wanted.previous {
            let mut runs = HashMap::new();
            for id in chosen.views(&handle.snapshot()).map(|view| view.id) {
                if let Some(run) = previous_run(&events(handle, Some(id), EVENTS).await?) {
                    runs.insert(id, run);
                }
            }
            chosen.previous = Some(runs);
        }
        Ok(chosen)
    }

    /// No process.
    pub fn nobody() -> Chosen {
        let ids = Some(BTreeSet::new());
        let namespaces = Namespaces::All;
        Chosen { ids, namespaces, stream: None, instances: None, since: None, until: None, previous: None }
    }

    /// What is read is of no process.
    pub fn is_nobody(&self) -> bool {
        self.ids.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The logs, as of that picture. A file that several write into is read once.
    pub fn sources(&self, snapshot: &Snapshot) -> Vec<Source> {
        let mut seen = HashSet::new();
        let all = self.views(snapshot).flat_map(|view| self.sources_of(view));
        all.filter(|source| seen.insert(source.path.clone())).collect()
    }

    fn views<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Arc<ProcessView>> {
        snapshot.processes.values().filter(|view| {
            self.wants(view.id)
                && self.namespaces.has(view.spec.namespace.as_str())
                && self.instances.as_ref().is_none_or(|some| some.contains(&view.instance))
        })
    }

    /// Whether that process was asked for.
    fn wants(&self, id: ProcessId) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    /// Whether that happened to a process that was asked for.
    pub fn tells(&self, row: &EventRow) -> bool {
        row.process.is_some_and(|id| self.wants(id)) && self.namespaces.has(&row.namespace)
    }

    fn sources_of(&self, view: &ProcessView) -> Vec<Source> {
        let run = match &self.previous {
            None => Run { since: None, until: None },
            Some(runs) => match runs.get(&view.id) {
                Some(run) => *run,
                None => return Vec::new(),
            },
        };
        let files = [
            (wire::Stream::Out, Stream::Out, &view.logs.out),
            (wire::Stream::Err, Stream::Err, &view.logs.err),
        ];
        let wanted = files.into_iter().filter(|(word, ..)| self.stream.is_none_or(|wanted| wanted == *word));
        // Nobody knows which of them wrote a line of a common file.
        let name = match view.spec.logs.merge && view.spec.instances > 1 {
            true => view.spec.name.to_string(),
            false => view.name(),
        };
        let source = |(_, stream, path): (wire::Stream, Stream, &std::path::PathBuf)| Source {
            process: view.id,
            name: name.clone(),
            stream,
            path: path.clone(),
            since: self.since.max(run.since),
            until: [self.until, run.until].into_iter().flatten().min(),
        };
        wanted.map(source).collect()
    }

    /// Everything that was asked for is deleted. Never so for "all", or for what is of no process.
    pub fn gone(&self, snapshot: &Snapshot) -> bool {
        let deleted = |id: &ProcessId| !snapshot.processes.contains_key(id);
        !self.is_nobody() && self.ids.as_ref().is_some_and(|ids| ids.iter().all(deleted))
    }
}

/// The newest events, of all processes or of one, oldest first.
pub async fn events(
    handle: &Handle,
    process: Option<ProcessId>,
    limit: usize,
) -> Result<Vec<EventRow>, ApiError> {
    let query = EventQuery { process, limit, newest: true, ..EventQuery::default() };
    crate::api::events::rows(handle, query).await
}

/// The last run that is over.
///
/// Events are written down a moment after the fact, and a run's last bytes come a moment after its
/// end; between two runs nothing is written. So the middle of that time is where one ends.
fn previous_run(events: &[EventRow]) -> Option<Run> {
    let is_start = |row: &EventRow| row.kind == "process.started";
    let end = events.iter().rposition(|row| row.kind == "process.exited")?;
    let start = events[..end].iter().rposition(is_start)?;
    let middle = |a: &EventRow, b: &EventRow| (a.at_ms + b.at_ms) * 1000 / 2;
    let before = events[..start].iter().rev().find(|row| row.kind == "process.exited");
    let after = events[end..].iter().find(|row| is_start(row));
    Some(Run {
        since: before.map(|end| middle(end, &events[start])),
        until: after.map(|start| middle(&events[end], start)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppId;

    fn rows(story: &[(&str, u64)]) -> Vec<EventRow> {
        let row = |(kind, at_ms): &(&str, u64)| EventRow {
            seq: *at_ms,
            at_ms: *at_ms,
            app: Some(AppId(1)),
            process: Some(ProcessId(1)),
            run: None,
            kind: format!("process.{kind}"),
            name: "web".into(),
            namespace: "default".into(),
            detail: String::new(),
            end: None,
            asked: false,
            revision: None,
        };
        story.iter().map(row).collect()
    }

    #[test]
    fn the_previous_run_is_the_last_one_that_is_over() {
        let check = |story: &[(&str, u64)], expected: Option<(Option<u64>, Option<u64>)>| {
            let run = previous_run(&rows(story)).map(|run| (run.since, run.until));
            assert_eq!(run, expected, "{story:?}");
        };
        check(&[("started", 10)], None);
        check(&[("started", 10), ("exited", 20)], Some((None, None)));
        let two = [("started", 10), ("exited", 20), ("backing_off", 20), ("started", 30)];
        check(&two, Some((None, Some(25_000))));
        let three = [("started", 10), ("exited", 20), ("started", 30), ("exited", 40), ("started", 60)];
        check(&three, Some((Some(25_000), Some(50_000))));
    }
}
