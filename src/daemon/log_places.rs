//! Where living runs write: that is where their definition said when they were launched, and not where
//! it says since, if it was changed and what runs was left alone.

use std::collections::BTreeMap;

use super::log_files::LogFiles;
use crate::home::Home;
use crate::keeper::protocol::RunFiles;
use crate::model::{AppSpec, RunId};

/// The files of each run that may still write.
#[derive(Default)]
pub struct LogPlaces(BTreeMap<RunId, LogFiles>);

impl LogPlaces {
    /// That run writes there.
    pub(super) fn note(&mut self, run: RunId, files: LogFiles) {
        self.0.insert(run, files);
    }

    /// A run that an earlier daemon launched writes there. It is noted if the definition of now says
    /// something else.
    pub(super) fn found(&mut self, run: RunId, files: &RunFiles, now: &LogFiles) {
        let same = files.out == now.written(&now.out)
            && files.err == now.written(&now.err)
            && files.combined == now.combined;
        if !same {
            let RunFiles { out, err, combined } = files.clone();
            self.note(run, LogFiles { out, err, combined });
        }
    }

    /// That run is over.
    pub(super) fn forget(&mut self, run: RunId) {
        self.0.remove(&run);
    }

    /// The runs that were noted.
    pub(super) fn runs(&self) -> impl Iterator<Item = RunId> {
        self.0.keys().copied()
    }

    /// Where a process writes: its living run, or the next one.
    pub(super) fn of(&self, home: &Home, run: Option<RunId>, spec: &AppSpec, instance: u32) -> LogFiles {
        let noted = run.and_then(|run| self.0.get(&run)).cloned();
        noted.unwrap_or_else(|| LogFiles::of(home, spec, instance))
    }
}
