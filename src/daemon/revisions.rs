//! Which version every definition has, and with which one each run was launched.
//!
//! The brain knows definitions, not their history: whoever commands says who it is and why, and
//! here each definition that differs from the one before gets a number. The versions themselves are
//! in the store, which keeps the newest [`REVISIONS_KEPT`](crate::store::REVISIONS_KEPT) of an app.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{AppId, AppSpec, Revision, RevisionCause, RunId};
use crate::store::{Change, RevisionRow, Saved};

/// Who changes definitions, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Author {
    /// The name of the principal.
    pub name: String,
    /// Why.
    pub cause: RevisionCause,
    /// Only if that is so still.
    pub expected: Option<Expected>,
}

/// A version that a definition is to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Whose definition.
    pub app: AppId,
    /// Its number.
    pub number: u64,
}

impl Author {
    /// Somebody who has a reason.
    pub fn new(name: &str, cause: RevisionCause) -> Author {
        Author { name: name.to_owned(), cause, expected: None }
    }

    /// pmdaemon itself, in what nobody commands: then a definition changes only because a reload has
    /// failed.
    pub fn undoing() -> Author {
        Author::new("pmdaemon", RevisionCause::TakenBack)
    }

    /// Nobody but pmdaemon itself.
    pub fn ourselves() -> Author {
        Author::new("pmdaemon", RevisionCause::Found)
    }
}

impl Default for Author {
    fn default() -> Author {
        Author::ourselves()
    }
}

/// The newest version of each definition.
#[derive(Default)]
pub struct Revisions {
    newest: BTreeMap<AppId, (Arc<Revision>, Arc<AppSpec>)>,
    runs: BTreeMap<RunId, u64>,
    /// Who gives the present commands.
    pub author: Author,
}

impl Revisions {
    /// What the store remembers. Definitions that it knows no version of get their first one.
    pub fn begin(saved: &Saved, now_ms: u64) -> (Revisions, Vec<Change>) {
        let mut begun = Revisions { runs: saved.revisions_of_runs.clone(), ..Revisions::default() };
        let mut changes = Vec::new();
        for (app, spec) in &saved.apps {
            match saved.revisions.get(app) {
                Some(revision) => _ = begun.newest.insert(*app, (revision.clone(), spec.clone())),
                None => changes.extend(begun.revise(*app, spec, now_ms)),
            }
        }
        (begun, changes)
    }

    /// The version that is there instead of the one that was expected.
    pub fn unexpected(&self, expected: Option<Expected>) -> Option<u64> {
        let expected = expected?;
        let is = self.of_app(expected.app).map_or(0, |revision| revision.number);
        (is != expected.number).then_some(is)
    }

    /// The definition of `app` is `spec` now. Answers the version that is new with it, if one is.
    pub fn revise(&mut self, app: AppId, spec: &Arc<AppSpec>, now_ms: u64) -> Option<Change> {
        let before = self.newest.get(&app);
        if before.is_some_and(|(_, before)| before == spec) {
            return None;
        }
        let number = before.map_or(1, |(revision, _)| revision.number + 1);
        let Author { name: author, cause, expected: _ } = self.author.clone();
        let revision = Revision { number, at_ms: now_ms, author, cause };
        self.newest.insert(app, (Arc::new(revision.clone()), spec.clone()));
        Some(Change::AddRevision(RevisionRow { app, revision, spec: spec.clone() }))
    }

    /// The app is gone.
    pub fn forget_app(&mut self, app: AppId) {
        self.newest.remove(&app);
    }

    /// A run of `app` is launched.
    pub fn launched(&mut self, run: RunId, app: AppId) {
        self.runs.extend(self.newest.get(&app).map(|(revision, _)| (run, revision.number)));
    }

    /// Only runs for which `is_known` is true are asked for any more.
    pub fn keep_runs(&mut self, is_known: impl Fn(RunId) -> bool) {
        self.runs.retain(|run, _| is_known(*run));
    }

    /// The version that a run was launched with.
    pub fn of_run(&self, run: RunId) -> Option<u64> {
        self.runs.get(&run).copied()
    }

    /// The newest version of a definition.
    pub fn of_app(&self, app: AppId) -> Option<&Arc<Revision>> {
        self.newest.get(&app).map(|(revision, _)| revision)
    }
}
