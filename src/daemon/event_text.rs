//! The history in words: one type word and one sentence for each kind of event.

use std::time::Duration;

use crate::model::{ByteSize, Cause, End, EventKind};

/// The stable word of an event's kind.
pub fn word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Created => "process.created",
        EventKind::Started { .. } => "process.started",
        EventKind::SpawnFailed { .. } => "process.spawn_failed",
        EventKind::StopAsked { .. } => "process.stop_asked",
        EventKind::Reloading { .. } => "process.reloading",
        EventKind::ReloadFailed { .. } => "process.reload_failed",
        EventKind::Signalled { .. } => "process.signalled",
        EventKind::CountersReset => "process.counters_reset",
        EventKind::Updated => "process.updated",
        EventKind::OverMemory(_) => "process.over_memory",
        EventKind::HostBudget => "process.host_budget",
        EventKind::Killed => "process.killed",
        EventKind::Exited { .. } => "process.exited",
        EventKind::BackingOff { .. } => "process.backing_off",
        EventKind::Errored { .. } => "process.errored",
        EventKind::Healthy => "process.healthy",
        EventKind::Unhealthy { .. } => "process.unhealthy",
        EventKind::LogRefused { .. } => "process.log_refused",
        EventKind::LogTakes { .. } => "process.log_takes",
        EventKind::Stopped => "process.stopped",
        EventKind::Deleted => "process.deleted",
    }
}

/// The event as a sentence about `name`.
pub fn sentence(name: &str, kind: &EventKind) -> String {
    match kind {
        EventKind::Created => format!("{name} was defined"),
        EventKind::Started { pid } => format!("{name} started with pid {pid}"),
        EventKind::SpawnFailed { detail } => format!("{name} could not be started: {detail}"),
        EventKind::StopAsked { cause } => format!("{name} was asked to end, {}", purpose(*cause)),
        EventKind::Reloading { turn, of } => format!("{name} is reloaded, {turn} of {of}"),
        EventKind::ReloadFailed { reason } => format!("the reload ended at {name}: {reason}"),
        EventKind::Signalled { signal } => format!("{name} was sent {signal}"),
        EventKind::CountersReset => format!("the counters of {name} were set to zero"),
        EventKind::Updated => format!("the definition of {name} was changed"),
        EventKind::OverMemory(over) => format!("{name} is restarted, {over}"),
        EventKind::HostBudget => {
            format!("{name} waits for its restart: host budget, too many processes restart at once")
        }
        EventKind::Killed => format!("{name} did not end within its kill timeout and got SIGKILL"),
        EventKind::Exited { end, asked, uptime } => exited(name, *end, *asked, *uptime),
        EventKind::BackingOff { wait, unstable } => {
            format!("{name} starts again in {} ({unstable} unstable runs in a row)", span(*wait))
        }
        EventKind::Errored { reason } => format!("{name} is errored: {reason}"),
        EventKind::Healthy => format!("{name} is healthy"),
        EventKind::Unhealthy { reason, restarts: true } => {
            format!("{name} is unhealthy and is restarted: {reason}")
        }
        EventKind::Unhealthy { reason, restarts: false } => format!("{name} is unhealthy: {reason}"),
        EventKind::LogRefused { log, reason, drops } => {
            let meanwhile = match drops {
                true => "what is written is dropped meanwhile",
                false => "it waits once its pipe is full",
            };
            format!("the log {log} of {name} cannot be written: {reason}; {meanwhile}")
        }
        EventKind::LogTakes { log, dropped: ByteSize(0), .. } => {
            format!("the log {log} of {name} takes output again")
        }
        EventKind::LogTakes { log, dropped, lines } => {
            format!("the log {log} of {name} takes output again; {dropped} with {lines} lines were dropped")
        }
        EventKind::Stopped => format!("{name} is stopped"),
        EventKind::Deleted => format!("{name} was deleted"),
    }
}

fn purpose(cause: Cause) -> &'static str {
    match cause {
        Cause::Stop => "to stop",
        Cause::Restart => "to be restarted",
        Cause::Reload => "to be reloaded",
        Cause::Delete => "to be deleted",
        Cause::Scale => "because its app is to have fewer processes",
        Cause::Shutdown => "because everything is to end",
    }
}

fn exited(name: &str, end: End, asked: bool, uptime: Duration) -> String {
    let after = span(uptime);
    let how = match end {
        End::Code(code) => format!("exited with code {code} after {after}"),
        End::Signal(signal) => format!("was ended by signal {signal} after {after}"),
        End::Unknown => format!("ended unseen, after at most {after}"),
    };
    let why = if asked { ", as asked" } else { "" };
    format!("{name} {how}{why}")
}

/// A time span for people: `350 ms`, `3.2 s`, `5 min`, `7 h`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..7200 => format!("{} min", time.as_secs() / 60),
        _ => format!("{} h", time.as_secs() / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Signal;

    #[test]
    fn an_exit_by_signal_is_told_as_one() {
        let check = |end, asked, text: &str| {
            let kind = EventKind::Exited { end, asked, uptime: Duration::from_millis(3240) };
            assert_eq!(sentence("web", &kind), text);
        };
        check(End::Signal(Signal::KILL), false, "web was ended by signal SIGKILL after 3.2 s");
        check(End::Code(1), false, "web exited with code 1 after 3.2 s");
        check(End::Code(0), true, "web exited with code 0 after 3.2 s, as asked");
        check(End::Unknown, false, "web ended unseen, after at most 3.2 s");
    }
}
