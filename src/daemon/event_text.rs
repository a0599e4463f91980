//! The history in words: one type word and one sentence for each kind of event.

use std::time::Duration;

use crate::model::depends::waits_for;
use crate::model::{ByteSize, Cause, End, EventKind, ExitCause, in_words};

/// The stable word of an event's kind.
pub fn word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Created => "process.created",
        EventKind::Waits { .. } => "process.waits",
        EventKind::Needed { .. } => "process.needed",
        EventKind::StopTakenBack => "process.stop_taken_back",
        EventKind::Started { .. } => "process.started",
        EventKind::SpawnFailed { .. } => "process.spawn_failed",
        EventKind::Scheduled { late: None } => "process.scheduled",
        EventKind::Scheduled { late: Some(_) } => "process.caught_up",
        EventKind::SlotSkipped => "process.slot_skipped",
        EventKind::SlotQueued => "process.slot_queued",
        EventKind::SlotMissed { .. } => "process.slot_missed",
        EventKind::FilesChanged { .. } => "process.files_changed",
        EventKind::StopAsked { .. } => "process.stop_asked",
        EventKind::Reloading { .. } => "process.reloading",
        EventKind::Rehearsing { .. } => "process.rehearsing",
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
        EventKind::Ready { .. } => "process.ready",
        EventKind::NotReady { .. } => "process.not_ready",
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
        EventKind::Waits { unmet } => format!("{name} {}", waits_for(unmet)),
        EventKind::Needed { by } => format!("{name} is started, because {by} depends on it"),
        EventKind::StopTakenBack => format!("{name} goes on: it is not to end any more"),
        EventKind::Started { pid } => format!("{name} started with pid {pid}"),
        EventKind::SpawnFailed { detail } => format!("{name} could not be started: {detail}"),
        EventKind::Scheduled { late: None } => format!("{name} is due by its schedule"),
        EventKind::Scheduled { late: Some(late) } => {
            format!("{name} was due by its schedule {} ago, which is made up for now", span(*late))
        }
        EventKind::SlotSkipped => {
            format!("{name} is due by its schedule, and its run before goes on: it is not run")
        }
        EventKind::SlotQueued => {
            format!("{name} is due by its schedule, and is run when its run before is over")
        }
        EventKind::SlotMissed { late } => {
            format!(
                "{name} was due by its schedule {} ago, when nobody could look: it is not run",
                span(*late)
            )
        }
        EventKind::FilesChanged { file } => format!("{name} is restarted, because {file} was changed"),
        EventKind::StopAsked { cause } => format!("{name} was asked to end, {}", purpose(*cause)),
        EventKind::Reloading { turn, of, beside: true } => {
            format!("{name} is reloaded, {turn} of {of}: a new run begins beside the present one")
        }
        EventKind::Rehearsing { port } => {
            format!(
                "{name}: its new run is tried on a socket of its own first (port {port}), apart from all connections"
            )
        }
        EventKind::Reloading { turn, of, beside: false } => format!("{name} is reloaded, {turn} of {of}"),
        EventKind::ReloadFailed { reason } => format!("the reload ended at {name}: {reason}"),
        EventKind::Signalled { signal } => format!("{name} was sent {signal}"),
        EventKind::CountersReset => format!("the counters of {name} were set to zero"),
        EventKind::Updated => format!("the definition of {name} was changed"),
        EventKind::OverMemory(over) => format!("{name} is restarted, {over}"),
        EventKind::HostBudget => {
            format!("{name} waits for its turn: the host restarts only so many processes at once")
        }
        EventKind::Killed => format!("{name} did not end within its kill timeout and got SIGKILL"),
        EventKind::Exited { end, cause, uptime } => exited(name, *end, cause, *uptime),
        EventKind::BackingOff { wait, unstable } => {
            format!("{name} starts again in {} ({unstable} unstable runs in a row)", span(*wait))
        }
        EventKind::Errored { reason } => format!("{name} is errored: {reason}"),
        EventKind::Healthy => format!("{name} is healthy"),
        EventKind::Unhealthy { reason, restarts: true } => {
            format!("{name} is unhealthy and is restarted: {reason}")
        }
        EventKind::Unhealthy { reason, restarts: false } => format!("{name} is unhealthy: {reason}"),
        EventKind::Ready { after } => format!("{name} is ready after {}", span(*after)),
        EventKind::NotReady { limit } => {
            format!("{name} was not ready within {} and is ended", in_words(*limit))
        }
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
        Cause::Schedule => "because it is due by its schedule",
        Cause::FilesChanged => "because a file was changed",
    }
}

fn exited(name: &str, end: End, cause: &ExitCause, uptime: Duration) -> String {
    let after = span(uptime);
    let how = match end {
        End::Code(code) => format!("exited with code {code} after {after}"),
        End::Signal(signal) => format!("was ended by signal {signal} after {after}"),
        End::OutOfMemory => format!("was ended by the kernel after {after}, out of memory"),
        End::Unknown => format!("ended unseen, after at most {after}"),
    };
    match cause {
        ExitCause::Itself => format!("{name} {how}"),
        ExitCause::Asked(cause) => format!("{name} {how}, as asked: {}", purpose(*cause)),
        ExitCause::TakenBack => format!("{name} {how}, as asked: taken back by its reload"),
        ExitCause::Rehearsed => format!("{name} {how}, as asked: its rehearsal is over"),
        ExitCause::OverMemory(over) => format!("{name} {how}, {over}"),
        ExitCause::Unhealthy { complaint } => format!("{name} {how}, unhealthy: {complaint}"),
        ExitCause::NotReady { limit } => format!("{name} {how}, not ready within {}", in_words(*limit)),
    }
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
    use crate::model::{ByteSize, OverMemory, Signal};

    #[test]
    fn an_exit_tells_how_and_why() {
        let check = |end, cause, text: &str| {
            let kind = EventKind::Exited { end, cause, uptime: Duration::from_millis(3240) };
            assert_eq!(sentence("web", &kind), text);
        };
        let itself = || ExitCause::Itself;
        check(End::Signal(Signal::KILL), itself(), "web was ended by signal SIGKILL after 3.2 s");
        check(End::OutOfMemory, itself(), "web was ended by the kernel after 3.2 s, out of memory");
        check(End::Code(1), itself(), "web exited with code 1 after 3.2 s");
        check(End::Unknown, itself(), "web ended unseen, after at most 3.2 s");
        let asked = |cause| ExitCause::Asked(cause);
        check(End::Code(0), asked(Cause::Stop), "web exited with code 0 after 3.2 s, as asked: to stop");
        check(
            End::Code(0),
            asked(Cause::Reload),
            "web exited with code 0 after 3.2 s, as asked: to be reloaded",
        );
        let text = "web exited with code 0 after 3.2 s, as asked: taken back by its reload";
        check(End::Code(0), ExitCause::TakenBack, text);
        let over = OverMemory { used: ByteSize(600 << 20), limit: ByteSize(512 << 20) };
        let text = "web exited with code 0 after 3.2 s, memory limit: 600 MiB > 512 MiB";
        check(End::Code(0), ExitCause::OverMemory(over), text);
        let unhealthy = ExitCause::Unhealthy { complaint: "answered 503".to_owned() };
        check(End::Code(0), unhealthy, "web exited with code 0 after 3.2 s, unhealthy: answered 503");
    }
}
