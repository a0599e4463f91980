//! Introduces the keeper's words to the brain's, member by member.

use std::collections::BTreeMap;

use super::log_files::LogFiles;
use super::resources;
use crate::keeper::protocol::{Ending, Launch, Report, RunReport, Step};
use crate::model::{
    AppSpec, End, Fact, Moment, Pid, Port, ProcessId, RunId, Signal, SpawnFailure, SpawnStep,
};
use crate::supervisor::Living;

/// What the keeper needs to run a program.
pub(super) fn launch(
    run: RunId,
    process: ProcessId,
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
        program: spec.program.clone(),
        args: spec.args.clone(),
        env,
        cwd: spec.cwd.clone(),
        out_file: logs.out,
        err_file: logs.err,
        resources: resources::for_keeper(&spec.resources),
        keepsake: String::new(),
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
        Report::Exited { run, end, at, tree_empty } => {
            Fact::Exited { run: RunId(run), end: self::end(end), at: Moment(at), tree_empty }
        }
        Report::TreeGone { run } => Fact::TreeGone { run: RunId(run) },
        Report::Hello { .. } | Report::QuitAsked { .. } => return None,
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
