//! Introduces the keeper's words to the brain's, member by member.

use std::collections::BTreeMap;
use std::time::Duration;

use super::log_files::LogFiles;
use super::resources;
use crate::keeper::protocol::{self, Ending, Launch, Report, RunReport, Step};
use crate::model::{
    AppSpec, End, Fact, Moment, Pid, Port, ProcessId, ReadyBy, ReadyPolicy, Remark, RunId, Sign, Signal,
    SpawnFailure, SpawnStep, Spread, WhenFull,
};
use crate::supervisor::Living;

/// What the keeper needs to run a program, as which process and which instance of its app.
pub(super) fn launch(
    run: RunId,
    (process, instance): (ProcessId, u32),
    restarts: u32,
    port: Option<Port>,
    spec: &AppSpec,
    env: BTreeMap<String, String>,
    logs: LogFiles,
) -> Launch {
    Launch {
        run: run.0,
        process: process.0,
        restarts,
        port: port.map(Port::number),
        shared: port.is_some_and(Port::is_shared),
        slot: (spec.spread == Spread::Even && port.is_some_and(Port::is_shared)).then_some(instance),
        local: false,
        program: spec.program.clone(),
        args: spec.args.clone(),
        env,
        cwd: spec.cwd.clone(),
        out_file: logs.written(&logs.out),
        err_file: logs.written(&logs.err),
        logs: protocol::Logs {
            combined_file: logs.combined,
            segments: protocol::Segments {
                max_size: spec.logs.max_size.map(|size| size.0),
                max_age: spec.logs.max_age.map(|age| age.as_secs()),
            },
            drop: match spec.logs.when_full {
                WhenFull::Block => false,
                WhenFull::Drop => true,
            },
        },
        resources: resources::for_keeper(&spec.resources),
        keepsake: String::new(),
        awaits: spec.ready.by.is_awaited().then(|| protocol::Awaits {
            by: spec.ready.by.to_string(),
            limit: spec.ready.limit.as_micros() as u64,
        }),
        channel: spec.has_channel(),
        notify: spec.has_notify_socket(),
        input: spec.stdin,
    }
}

/// The fact that a report tells of, if it tells of one run.
pub(super) fn fact(report: Report) -> Option<Fact> {
    Some(match report {
        Report::Spawned { run, pid, at } => Fact::Spawned { run: RunId(run), pid: Pid(pid), at: Moment(at) },
        Report::SpawnFailed { run, step, errno, detail } => Fact::SpawnFailed {
            run: RunId(run),
            failure: SpawnFailure { step: spawn_step(step), errno, detail },
        },
        Report::Exited { run, end, at, tree_empty, .. } => {
            Fact::Exited { run: RunId(run), end: self::end(end), at: Moment(at), tree_empty }
        }
        Report::TreeGone { run } => Fact::TreeGone { run: RunId(run) },
        Report::Signed { run, sign, at } => {
            Fact::Ready { run: RunId(run), sign: self::sign(sign), at: Moment(at) }
        }
        Report::Status { run, text } => Fact::Remarked { run: RunId(run), remark: Remark::Status(text) },
        Report::Message { .. }
        | Report::Given { .. }
        | Report::Hello { .. }
        | Report::Held { .. }
        | Report::ReplaceFailed(_)
        | Report::QuitAsked { .. }
        | Report::LogsTended { .. }
        | Report::LogChanged { .. } => return None,
    })
}

/// A run that the keeper holds.
pub(super) fn living(run: &RunReport) -> Living {
    Living {
        run: RunId(run.run),
        process: ProcessId(run.process),
        restarts: run.restarts,
        port: run.port.map(if run.shared { Port::Shared } else { Port::Own }),
        spawned: run.spawned.map(|(pid, at)| (Pid(pid), Moment(at))),
        ended: run.ended.map(|(end, at)| (self::end(end), Moment(at))),
        tree_empty: run.tree_empty,
        awaits: run.awaits.as_ref().and_then(awaits),
        ready: run.ready.map(Moment),
    }
}

/// What a run has said until now, of which another daemon may not have heard.
pub(super) fn said(report: &RunReport) -> Vec<Fact> {
    let run = RunId(report.run);
    let ready =
        |(sign, at): &(protocol::Sign, u64)| Fact::Ready { run, sign: self::sign(*sign), at: Moment(*at) };
    let status = report.status.clone().map(Remark::Status);
    let lost = report.channel_lost.clone().map(Remark::ChannelLost);
    let remarks = status.into_iter().chain(lost).map(|remark| Fact::Remarked { run, remark });
    report.signs.iter().map(ready).chain(remarks).collect()
}

/// What only a newer version understands is not awaited.
fn awaits(kept: &protocol::Awaits) -> Option<ReadyPolicy> {
    let by = ReadyBy::parse(&kept.by).ok()?;
    Some(ReadyPolicy { by, limit: Duration::from_micros(kept.limit) })
}

fn sign(sign: protocol::Sign) -> Sign {
    match sign {
        protocol::Sign::Notified => Sign::Notified,
        protocol::Sign::Message => Sign::Message,
    }
}

/// How a main process ended.
pub(super) fn end(end: Ending) -> End {
    match end {
        Ending::Code(code) => End::Code(code),
        Ending::Signal(number) => Signal::from_number(number).map_or(End::Unknown, End::Signal),
        Ending::Unknown => End::Unknown,
    }
}

fn spawn_step(step: Step) -> SpawnStep {
    match step {
        Step::Logs => SpawnStep::Logs,
        Step::Fork => SpawnStep::Fork,
        Step::Chdir => SpawnStep::Chdir,
        Step::Prepare => SpawnStep::Prepare,
        Step::Exec => SpawnStep::Exec,
    }
}
