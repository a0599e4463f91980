//! The facts that are told with an alert: the last lines of a process, as `why` shows them.

use std::sync::Arc;

use crate::daemon::forward::logs_of;
use crate::daemon::handle::Handle;
use crate::daemon::view::ProcessView;
use crate::logs::{Filter, Item, Reading, Start, Until, ansi};
use crate::model::ProcessId;
use crate::store::{EventQuery, EventRow};

/// So many lines are told.
pub const LINES: usize = 10;
/// So many events are looked through for when its newest life began.
const EVENTS: usize = 50;
/// More of a line is not told, in characters.
const LONGEST: usize = 500;

/// What the newest life of that process wrote last, without escapes.
pub async fn last_lines(handle: &Handle, id: ProcessId) -> Vec<String> {
    let Some(view) = handle.snapshot().processes.get(&id).cloned() else { return Vec::new() };
    let since = ended_before(handle, id).await * 1000;
    let read = tokio::task::spawn_blocking(move || read(&view, since)).await;
    match read.map_err(std::io::Error::other).flatten() {
        Ok(lines) => lines,
        Err(e) => {
            // An alert without lines is better than none.
            tracing::debug!("an alert is told without lines: {e}");
            Vec::new()
        }
    }
}

/// When the life before the newest one ended, in milliseconds since 1970; 0 where nobody knows.
async fn ended_before(handle: &Handle, id: ProcessId) -> u64 {
    let query = EventQuery { process: Some(id), limit: EVENTS, newest: true, ..EventQuery::default() };
    let read = handle.recorder().read(move |store| store.events(&query)).await;
    let Ok(Ok(events)) = read else { return 0 };
    let Some(started) = events.iter().rposition(|event| event.kind == "process.started") else { return 0 };
    let is_end = |event: &&EventRow| matches!(event.kind.as_str(), "process.exited" | "process.spawn_failed");
    events[..started].iter().rfind(is_end).map_or(0, |end| end.at_ms)
}

fn read(view: &Arc<ProcessView>, since_us: u64) -> std::io::Result<Vec<String>> {
    let mut sources = logs_of(std::slice::from_ref(view), None);
    sources.iter_mut().for_each(|source| source.since = Some(since_us));
    let mut reading = Reading::open(sources, &Start::Tail(LINES), Filter::default(), Until::Now)?;
    let mut lines = Vec::new();
    while let Some(item) = reading.next_item()? {
        match item {
            Item::Line(line) => lines.push(shown(&line.text)),
            Item::Gone(_) | Item::Busy => {}
        }
    }
    Ok(lines)
}

/// A line as it is told: without escapes, and not endless.
pub fn shown(line: &[u8]) -> String {
    let plain = ansi::plain(line);
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}
