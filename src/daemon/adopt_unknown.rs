//! Running services that the store does not know: it was lost, or an older copy took its place.
//!
//! To the supervisor a run of an unknown process is a stray, to be killed. That is right when the
//! store is right. When it is not, the keeper's picture and the keepsakes of the runs are: what
//! runs was wanted up, by whoever started it, and goes on.
//!
//! | the keeper has | the store says | so |
//! |---|---|---|
//! | a run of a process | nothing | app and process are made anew from the keepsake, wanted up |
//! | a living run | down | wanted up: it was started after the copy was made |
//! | a living run | up, or being deleted | as always |
//! | a run without a legible keepsake | nothing | left alone, and told: whose it is, nobody knows |
//! | no run | up | as always: the copy is all there is, so it is launched |
//!
//! Where both define an app, the copy's definition stays. An app or process of the copy that has
//! the name or the place of one that runs, and has no run itself, was deleted since: it goes.
//!
//! The setting [`DONE`] says that this was done. It is written together with what was taken over,
//! so that a daemon that dies before does it again; a new or recovered store is without it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::keeper::protocol::RunReport;
use crate::model::{AppId, Goal, ProcessId};
use crate::store::{Change, Keepsake, Saved};
use crate::supervisor::Remembered;

/// The setting that says that the store and the keeper have been laid side by side.
pub const DONE: &str = "adopted";

/// What was taken over.
#[derive(Default)]
pub(super) struct Taken {
    /// What is to be written down, in one transaction.
    pub changes: Vec<Change>,
    /// The processes that are known now, as people call them.
    pub names: Vec<String>,
    /// Runs of which nothing is known: not to be shown to the supervisor.
    pub illegible: Vec<u64>,
}

/// Completes what the store remembers by what the keeper has, if that is still to be done.
pub(super) fn take_up(
    saved: &mut Saved,
    runs: &[RunReport],
    keepsake: impl Fn(u64) -> Result<Keepsake, String>,
) -> Taken {
    let mut taken = Taken::default();
    if saved.settings.contains_key(DONE) {
        return taken;
    }
    let mut newest: BTreeMap<ProcessId, &RunReport> = BTreeMap::new();
    for run in runs {
        let known = newest.entry(ProcessId(run.process)).or_insert(run);
        if known.run < run.run {
            *known = run;
        }
    }
    let before: BTreeMap<ProcessId, Goal> = saved.processes.iter().map(|row| (row.id, row.goal)).collect();
    for (process, run) in &newest {
        match before.get(process) {
            Some(Goal::Down) if run.ended.is_none() => want_up(saved, *process, &mut taken),
            Some(Goal::Up | Goal::Down | Goal::Gone) => {}
            None => match keepsake(run.run) {
                Ok(keepsake) => add(saved, *process, run, keepsake, &newest, &mut taken),
                Err(why) => {
                    tracing::error!("run {} goes on, but nobody knows what it is: {why}", run.run);
                    taken.illegible.push(run.run);
                }
            },
        }
    }
    taken.changes.push(Change::PutSetting { name: DONE.to_owned(), value: "yes".to_owned() });
    taken
}

fn want_up(saved: &mut Saved, id: ProcessId, taken: &mut Taken) {
    let Some(row) = saved.processes.iter_mut().find(|row| row.id == id) else { return };
    row.goal = Goal::Up;
    taken.changes.push(Change::PutProcess(row.clone()));
    taken.names.extend(saved.apps.get(&row.app).map(|spec| spec.instance_name(row.instance)));
}

fn add(
    saved: &mut Saved,
    id: ProcessId,
    run: &RunReport,
    keepsake: Keepsake,
    newest: &BTreeMap<ProcessId, &RunReport>,
    taken: &mut Taken,
) {
    let Keepsake { app, spec, instance } = keepsake;
    let same_name = |(other, known): &(&AppId, &std::sync::Arc<crate::model::AppSpec>)| {
        **other != app && known.name == spec.name && known.namespace == spec.namespace
    };
    if let Some((other, _)) = saved.apps.iter().find(same_name) {
        let other = *other;
        drop_processes(saved, taken, newest, |row| row.app == other);
        if saved.processes.iter().any(|row| row.app == other) {
            // Both run: only one can have the name. The other one has it.
            tracing::error!("run {} goes on unmanaged: another app has the name {}", run.run, spec.name);
            return taken.illegible.push(run.run);
        }
        saved.apps.remove(&other);
        taken.changes.push(Change::DropApp(other));
    }
    drop_processes(saved, taken, newest, |row| row.app == app && row.instance == instance);
    if let Entry::Vacant(place) = saved.apps.entry(app) {
        place.insert(spec.clone());
        taken.changes.push(Change::PutApp { id: app, spec: spec.clone() });
    }
    let row = Remembered { goal: Goal::Up, restarts: run.restarts, ..Remembered::new(id, app, instance) };
    taken.changes.push(Change::PutProcess(row.clone()));
    taken.names.push(spec.instance_name(instance));
    saved.processes.push(row);
    saved.next_app = saved.next_app.max(AppId(app.0.saturating_add(1)));
    saved.next_process = saved.next_process.max(ProcessId(id.0.saturating_add(1)));
}

/// Drops the rows of which `which` is true and that have no run.
fn drop_processes(
    saved: &mut Saved,
    taken: &mut Taken,
    newest: &BTreeMap<ProcessId, &RunReport>,
    which: impl Fn(&Remembered) -> bool,
) {
    let gone: BTreeSet<ProcessId> = saved
        .processes
        .iter()
        .filter(|row| which(row) && !newest.contains_key(&row.id))
        .map(|row| row.id)
        .collect();
    saved.processes.retain(|row| !gone.contains(&row.id));
    taken.changes.extend(gone.into_iter().map(Change::DropProcess));
}

#[cfg(test)]
#[path = "adopt_unknown_tests.rs"]
mod tests;
