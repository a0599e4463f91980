//! What the history says of an end: what led to it, and what came of it.

use serde::Serialize;

use crate::wire::Event;

/// An end before the last one.
#[derive(Serialize, Debug)]
pub(super) struct Older {
    pub(super) end: Event,
    /// What was done to the process in that run.
    pub(super) before: Vec<Event>,
    /// What was decided then.
    pub(super) after: Vec<Event>,
}

/// The ends before the last one, the newest first.
pub(super) fn older(events: &[Event]) -> Vec<Older> {
    // Each up to the next.
    let ends = (0..events.len()).filter(|at| is_end(&events[*at])).skip(1);
    let told = ends.filter_map(|next| {
        let (before, end, after) = story(events[..next].to_vec());
        end.map(|end| Older { end, before, after })
    });
    let mut older: Vec<Older> = told.collect();
    older.reverse();
    older
}

fn is_end(event: &Event) -> bool {
    matches!(event.kind.as_str(), "process.exited" | "process.spawn_failed")
}

/// The last end in a history, with what led to it in that run and what followed up to the next.
pub(super) fn story(events: Vec<Event>) -> (Vec<Event>, Option<Event>, Vec<Event>) {
    let Some(at) = events.iter().rposition(is_end) else { return (Vec::new(), None, events) };
    // From the end before: one that is asked to stop while it starts is asked before it has begun.
    let begun = events[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    // A wish that was taken back led to nothing.
    let taken_back = |event: &Event| event.kind == "process.stop_taken_back";
    let begun = events[begun..at].iter().rposition(taken_back).map_or(begun, |back| begun + back);
    let matters = |event: &&Event| {
        matches!(
            event.kind.as_str(),
            "process.stop_asked"
                | "process.signalled"
                | "process.not_ready"
                | "process.killed"
                | "process.over_memory"
                | "process.unhealthy"
        )
    };
    let before = events[begun..at].iter().filter(matters).cloned().collect();
    (before, Some(events[at].clone()), events[at + 1..].to_vec())
}

/// What the run of the last end wrote came after that time, if there was a run before it: after the end
/// of that, or after its own begin where the two ran side by side.
pub(super) fn begun(events: &[Event]) -> Option<String> {
    let at = events.iter().rposition(is_end)?;
    let last = |is: fn(&Event) -> bool| events[..at].iter().rfind(|event| is(event));
    let time = |event: &Event| event.ts.parse::<jiff::Timestamp>().ok();
    let ended = last(is_end)?;
    let started = last(|event| event.kind == "process.started").and_then(time);
    let is_later = started.zip(time(ended)).is_none_or(|(started, ended)| ended <= started);
    Some(if is_later { ended.ts.clone() } else { started?.to_string() })
}

/// Who wanted it, or that nobody did.
pub(super) fn causes(before: &[Event], end: &Event) -> Vec<String> {
    if end.kind == "process.spawn_failed" {
        return Vec::new();
    }
    let told = before.iter().map(|event| event.detail.clone());
    let ended = |event: &Event| match event.kind.as_str() {
        "process.stop_asked" | "process.not_ready" | "process.over_memory" => true,
        // Not one that nothing follows.
        "process.unhealthy" => event.detail.contains(" and is restarted"),
        _ => false,
    };
    // Asked for, by whom the history says elsewhere: a new run that a reload takes back.
    let nobody = (!end.asked && !before.iter().any(ended))
        .then(|| "nobody asked for it: it ended by itself or from outside".to_owned());
    told.chain(nobody).collect()
}

/// What came of the end: up to the next run, or up to now.
pub(super) fn decisions(after: &[Event]) -> Vec<&Event> {
    let mut decisions: Vec<&Event> = Vec::new();
    for event in after {
        decisions.push(event);
        if event.kind == "process.started" {
            break;
        }
    }
    // Without an end, what happened so far: it was defined, it was started.
    let from = decisions.len().saturating_sub(5);
    decisions.split_off(from)
}
