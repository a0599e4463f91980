//! Where living runs write: that is where their definition said when they were launched, and not where
//! it says since, if it was changed and what runs was left alone.

use std::collections::BTreeMap;

use super::log_files::LogFiles;
use crate::home::Home;
use crate::keeper::protocol::RunFiles;
use crate::model::{AppSpec, ProcessId, RunId};

/// The files of the latest run of each process.
#[derive(Default)]
pub struct LogPlaces(BTreeMap<ProcessId, (RunId, LogFiles)>);

impl LogPlaces {
    /// That run writes there.
    pub(super) fn note(&mut self, process: ProcessId, run: RunId, files: LogFiles) {
        self.0.insert(process, (run, files));
    }

    /// A run that an earlier daemon launched writes there. It is noted if the definition of now says
    /// something else.
    pub(super) fn found(&mut self, process: ProcessId, run: RunId, files: &RunFiles, now: &LogFiles) {
        let same = files.out == now.written(&now.out)
            && files.err == now.written(&now.err)
            && files.combined == now.combined;
        if !same {
            let RunFiles { out, err, combined } = files.clone();
            self.note(process, run, LogFiles { out, err, combined });
        }
    }

    /// That process is no more.
    pub(super) fn forget(&mut self, process: ProcessId) {
        self.0.remove(&process);
    }

    /// Where a process writes: its living run, or the next one.
    pub(super) fn of(
        &self,
        home: &Home,
        process: ProcessId,
        run: Option<RunId>,
        spec: &AppSpec,
        instance: u32,
    ) -> LogFiles {
        match self.0.get(&process) {
            Some((noted, files)) if run == Some(*noted) => files.clone(),
            Some(_) | None => LogFiles::of(home, spec, instance),
        }
    }
}
