//! How a new daemon takes up the work of an earlier one.
//!
//! Two pictures are laid side by side: what the store remembers (what was wanted) and what the
//! keeper has (what is). The keeper is right about everything that it has; the store is right
//! about everything else.
//!
//! | wanted | the keeper has | so |
//! |---|---|---|
//! | up | a life | it is adopted |
//! | up | a life that ended | as if the end were reported now |
//! | up | nothing | launched, unless it was given up or had finished |
//! | down, gone | a life | it is ended |
//! | gone | nothing | forgotten |
//! | not known | a life | a stray: killed, and forgotten when it is gone |
//!
//! What a process was waiting for, how many unstable runs it had, and whether the present life
//! was being ended for a restart is not remembered: such a life is adopted as running, and its
//! end, if it was asked already, counts as a crash.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::{Effect, Process, Record, Supervisor};
use crate::model::{AppId, AppSpec, End, Goal, Moment, Pid, ProcessId, Rest, RunId, State};

/// A process as the store remembers it. [`Process::to_remember`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// Its id.
    pub id: ProcessId,
    /// Its app.
    pub app: AppId,
    /// Its number among the instances.
    pub instance: u32,
    /// What was wanted.
    pub goal: Goal,
    /// How it rested, if it did; [`Rest::Stopped`] when it did not. Wanted up, an errored or
    /// finished one is not started again by itself. After a reboot of the host, give a finished
    /// one as stopped, and it runs again.
    pub rest: Rest,
    /// Restart count.
    pub restarts: u32,
    /// Lives up to this one know an older count, from before it was set to zero.
    pub reset_at: Option<RunId>,
    /// How its latest life ended.
    pub last_end: Option<End>,
}

/// A run that the keeper has when the daemon starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Living {
    /// The life.
    pub run: RunId,
    /// Whose it was when launched; that process may be gone by now.
    pub process: ProcessId,
    /// Restart count at its launch.
    pub restarts: u32,
    /// Its main process and when that was executed; absent while it is being launched.
    pub spawned: Option<(Pid, Moment)>,
    /// How and when the main process ended, if it has.
    pub ended: Option<(End, Moment)>,
    /// Nothing of the tree is left.
    pub tree_empty: bool,
}

impl Supervisor {
    /// Takes up the work of an earlier daemon: adopts what lives, starts what is wanted up and
    /// does not, ends what is not wanted.
    ///
    /// `next_*` are the first ids that were never given out. Rows without an app, and apps
    /// without a row, are what a crash in the middle of a deletion or a creation leaves: they are
    /// dropped.
    pub fn restore(
        now: Moment,
        apps: BTreeMap<AppId, Arc<AppSpec>>,
        remembered: Vec<Remembered>,
        living: Vec<Living>,
        next_app: AppId,
        next_process: ProcessId,
        next_run: RunId,
    ) -> (Supervisor, Vec<Effect>) {
        let given_out = living.iter().map(|life| life.run.0 + 1).max().unwrap_or(0);
        let mut brain = Supervisor::empty(next_app, next_process, RunId(next_run.0.max(given_out)));
        let (known, orphaned): (Vec<_>, Vec<_>) =
            remembered.into_iter().partition(|row| apps.contains_key(&row.app));
        for (id, spec) in apps {
            brain.define(id, spec);
        }
        for row in known {
            brain.put(row.id, Some(Process::at_rest(row)));
        }
        // All that came out of the store, and is in it.
        brain.effects.clear();
        for row in orphaned {
            brain.effects.push(Effect::Record(Record::ProcessGone(row.id)));
        }
        let apps: Vec<AppId> = brain.apps.keys().copied().collect();
        for app in apps {
            brain.drop_app_without_process(app);
        }
        for (id, life) in brain.tell_strays(living) {
            brain.adopt(now, id, life);
        }
        let at_rest: Vec<ProcessId> = brain.processes.keys().copied().collect();
        for id in at_rest {
            brain.resume(now, id);
        }
        let effects = mem::take(&mut brain.effects);
        (brain, effects)
    }

    /// The newest life of each process that is known. Every other one is a stray, to be killed.
    fn tell_strays(&mut self, mut living: Vec<Living>) -> BTreeMap<ProcessId, Living> {
        living.sort_by_key(|life| life.run);
        let mut newest = BTreeMap::new();
        let mut strays = Vec::new();
        for life in living {
            if self.processes.contains_key(&life.process) {
                strays.extend(newest.insert(life.process, life));
            } else {
                strays.push(life);
            }
        }
        for stray in strays {
            let run = stray.run;
            if stray.tree_empty && stray.ended.is_some() {
                self.effects.push(Effect::Forget { run });
                continue;
            }
            if planted!(OverlooksStrays) {
                continue;
            }
            self.strays.insert(run);
            // One that is being launched is killed when it has been.
            if stray.spawned.is_some() {
                self.effects.push(Effect::KillTree { run });
            }
        }
        newest
    }

    /// Lays the keeper's picture of a life over the row of its process.
    fn adopt(&mut self, now: Moment, id: ProcessId, life: Living) {
        let Living { run, process: _, restarts, spawned, ended, tree_empty } = life;
        let over = ended.is_some() && tree_empty;
        let decided = match &self.processes[&id].state {
            State::Idle(Rest::Errored(_) | Rest::Finished(_)) => true,
            State::Idle(Rest::Stopped)
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => false,
        };
        self.change(id, |process| {
            process.latest_run = Some(run);
            if process.reset_at < Some(run) || planted!(RevivesOldCounts) {
                process.restarts = process.restarts.max(restarts);
            }
        });
        if over && decided {
            // What follows this end was written down; only its acknowledgement was lost.
            self.effects.push(Effect::Forget { run });
            return;
        }
        self.change(id, |process| {
            process.state = match spawned {
                Some((pid, at)) => State::Running { run, pid, since: at },
                None => State::Starting { run, since: now },
            };
            process.started = spawned.map(|(_, at)| at);
            process.end_asked = process.goal != Goal::Up;
        });
        match ended {
            Some((end, at)) => self.exited(now, id, end, at, tree_empty),
            None if self.processes[&id].goal != Goal::Up => self.ask_to_end(now, id),
            None => {}
        }
    }

    /// Moves what has no life toward its goal.
    fn resume(&mut self, now: Moment, id: ProcessId) {
        let process = &self.processes[&id];
        match (&process.state, process.goal) {
            (State::Idle(Rest::Stopped), Goal::Up) => self.launch(now, id, false),
            (State::Idle(Rest::Errored(_) | Rest::Finished(_)), Goal::Up) if planted!(RetriesTheGivenUp) => {
                self.launch(now, id, false);
            }
            (State::Idle(_), Goal::Gone) => self.forget(id),
            (State::Idle(_), Goal::Up | Goal::Down)
            | (
                State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. },
                Goal::Up | Goal::Down | Goal::Gone,
            ) => {}
        }
    }
}
