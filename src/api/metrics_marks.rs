//! What happened while something was measured: the marks in its charts.

use super::{ApiError, Shared, events};
use crate::model::End;
use crate::sample::history::Series;
use crate::store::{EventQuery, EventRow};
use crate::wire::MetricMark;

/// So many of the latest events of a process are looked through, and of each of [`OWN`].
const EVENTS: usize = 1000;

/// What happened to pmdaemon itself: it explains where nothing was measured.
const OWN: [&str; 3] = ["daemon.started", "daemon.recovered", "keeper.renewed"];

/// What happened between these times, in milliseconds since 1970, the oldest first.
///
/// # Errors
/// When the events cannot be read.
pub async fn between(
    api: &Shared,
    series: Series,
    from_ms: u64,
    to_ms: u64,
) -> Result<Vec<MetricMark>, ApiError> {
    let all = EventQuery { limit: EVENTS, newest: true, ..EventQuery::default() };
    let mut queries: Vec<EventQuery> =
        OWN.iter().map(|kind| EventQuery { kind: Some((*kind).to_owned()), ..all.clone() }).collect();
    if let Series::Process(id) = series {
        queries.push(EventQuery { process: Some(id), ..all });
    }
    let mut marks = Vec::new();
    for query in queries {
        let rows = events::rows(&api.handle, query).await?;
        let in_time = |row: &&EventRow| (from_ms..=to_ms).contains(&row.at_ms);
        marks.extend(rows.iter().filter(in_time).filter_map(mark));
    }
    marks.sort_by_key(|mark| mark.at_ms);
    Ok(marks)
}

/// A restart or a failure, also of pmdaemon itself.
fn mark(row: &EventRow) -> Option<MetricMark> {
    let failure = match row.kind.as_str() {
        "process.started" | "daemon.started" => false,
        "daemon.recovered" | "keeper.renewed" => true,
        "process.exited" => !row.asked && row.end != Some(End::Code(0)),
        "process.errored" | "process.unhealthy" | "process.over_memory" | "process.spawn_failed" => true,
        _ => return None,
    };
    Some(MetricMark { at_ms: row.at_ms as i64, kind: row.kind.clone(), detail: row.detail.clone(), failure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProcessId, Signal};

    #[test]
    fn an_end_is_a_failure_unless_it_was_asked_for_or_went_well() {
        let check = |kind: &str, end: Option<End>, asked: bool, expected: Option<bool>| {
            let row = EventRow {
                seq: 1,
                at_ms: 1,
                app: None,
                process: Some(ProcessId(3)),
                run: None,
                kind: kind.to_owned(),
                name: "web".to_owned(),
                namespace: "default".to_owned(),
                detail: String::new(),
                end,
                asked,
                revision: None,
            };
            assert_eq!(mark(&row).map(|mark| mark.failure), expected, "{kind} {end:?} {asked}");
        };
        check("process.started", None, false, Some(false));
        check("process.exited", Some(End::Code(1)), false, Some(true));
        check("process.exited", Some(End::Code(0)), false, Some(false));
        check("process.exited", Some(End::Signal(Signal::KILL)), false, Some(true));
        check("process.exited", Some(End::Code(143)), true, Some(false));
        check("process.errored", None, false, Some(true));
        check("process.ready", None, false, None);
        check("daemon.started", None, false, Some(false));
        check("daemon.recovered", None, false, Some(true));
    }
}
