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
//! | up | two lives | the newest that is not on trial is adopted, the other is a stray |
//! | known | a life that was replaced, or on trial | its end goes on ([`leaving`](super::leaving)) |
//!
//! A life whose end somebody had asked for is asked again, since the order may have been lost
//! with the daemon, and what was to follow follows: a restart is finished. What waited for its
//! next start goes on waiting, and unstable runs go on counting. What depends on others is launched
//! when those are as it needs them.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::restart::LONGEST_WAIT;
use super::{Effect, Ports, Process, Record, Supervisor, ready};
use crate::model::{
    AppId, AppSpec, Cause, End, Goal, Moment, OverMemory, Pid, Port, PortOwner, ProcessId, ReadyPolicy, Rest,
    RunId, State,
};

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
    /// Its ports, if it was to keep any.
    pub ports: Ports,
    /// Restart count.
    pub restarts: u32,
    /// Lives up to this one know an older count, from before it was set to zero.
    pub reset_at: Option<RunId>,
    /// How its latest life ended.
    pub last_end: Option<End>,
    /// It was ended because of its memory.
    pub last_over_memory: Option<OverMemory>,
    /// Unstable runs in a row. Give 0 after a reboot of the host.
    pub unstable: u32,
    /// Automatic restarts since the last calm. Give 0 after a reboot of the host.
    pub waits: u32,
    /// When its next automatic start comes, if it waits for one. Give none after a reboot of the
    /// host: moments of another boot mean nothing.
    pub waits_until: Option<Moment>,
    /// Lives beside the present one that are on trial or leave; since when, of those that were replaced.
    /// None is taken up: a new daemon finishes no reload, and goes on with their end.
    pub apart: BTreeMap<RunId, Option<Moment>>,
    /// The life whose end was asked for and has not come.
    pub asked: Option<Asked>,
    /// It is run once more when its present run is over.
    pub queued: bool,
}

/// A wish that was not carried out yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The life that is to end. Another one than it is not meant.
    pub run: RunId,
    /// What follows counts as a restart.
    pub restart: bool,
    /// What for; absent: nobody knows any more.
    pub cause: Option<Cause>,
    /// It is to end because of its memory.
    pub over_memory: Option<OverMemory>,
}

impl Remembered {
    /// A process that has never run and is not wanted to.
    pub fn new(id: ProcessId, app: AppId, instance: u32) -> Remembered {
        Remembered {
            id,
            app,
            instance,
            goal: Goal::Down,
            rest: Rest::Stopped,
            restarts: 0,
            reset_at: None,
            last_end: None,
            ports: Ports::default(),
            last_over_memory: None,
            unstable: 0,
            waits: 0,
            waits_until: None,
            apart: BTreeMap::new(),
            asked: None,
            queued: false,
        }
    }
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
    /// Its port.
    pub port: Option<Port>,
    /// Its main process and when that was executed; absent while it is being launched.
    pub spawned: Option<(Pid, Moment)>,
    /// How and when the main process ended, if it has.
    pub ended: Option<(End, Moment)>,
    /// Nothing of the tree is left.
    pub tree_empty: bool,
    /// By what, and within which time, it was launched to become ready; absent: nothing was awaited
    /// of it.
    pub awaits: Option<ReadyPolicy>,
    /// It was ready, since then.
    pub ready: Option<Moment>,
}

impl Supervisor {
    /// Takes up the work of an earlier daemon: adopts what lives, starts what is wanted up and
    /// does not, ends what is not wanted.
    ///
    /// `busy` are the ports that other programs have, of those in
    /// [`port_questions_at_restore`](Self::port_questions_at_restore). `next_*` are the first ids that were never given out. Rows without an app, and apps
    /// without a row, are what a crash in the middle of a deletion or a creation leaves: they are
    /// dropped.
    #[allow(clippy::too_many_arguments)] // Each is a picture or a number of its own.
    pub fn restore(
        now: Moment,
        apps: BTreeMap<AppId, Arc<AppSpec>>,
        remembered: Vec<Remembered>,
        living: Vec<Living>,
        busy: BTreeMap<u16, PortOwner>,
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
        brain.ports.see(busy);
        let mut asked = BTreeMap::new();
        let apart: BTreeMap<RunId, Option<Moment>> = known.iter().flat_map(|row| row.apart.clone()).collect();
        let mut differ = Vec::new();
        for mut row in known {
            let stored = row.clone();
            let longest = brain.apps[&row.app].restart.delay.max(LONGEST_WAIT);
            row.waits_until =
                row.waits_until.filter(|_| row.goal == Goal::Up).map(|at| at.min(now + longest));
            asked.extend(row.asked.map(|asked| (row.id, asked)));
            let process = Process::at_rest(row);
            if process.to_remember() != stored {
                differ.push(stored.id);
            }
            brain.put(stored.id, Some(process));
        }
        // All that came out of the store, and is in it; but for wishes that may be out of date.
        brain.effects.clear();
        brain.effects.extend(differ.into_iter().map(|id| Effect::Record(Record::Process(id))));
        for row in orphaned {
            brain.effects.push(Effect::Record(Record::ProcessGone(row.id)));
        }
        let apps: Vec<AppId> = brain.apps.keys().copied().collect();
        for app in apps {
            brain.drop_app_without_process(app);
        }
        // First all of them, then what follows: nobody is given a port that another life has.
        let (living, leaving) = brain.tell_leaving(living, &apart);
        let mut adopted = brain.tell_strays(living);
        adopted.retain(|id, life| brain.adopt(now, *id, life, asked.remove(id)));
        for life in leaving {
            let since = apart.get(&life.run).copied().flatten();
            brain.go_on_leaving(now, &life, since);
        }
        for (id, life) in adopted {
            brain.catch_up(now, id, life);
        }
        // What is to end is no ground to start on.
        brain.tell_ends(now);
        let at_rest: Vec<ProcessId> = brain.processes.keys().copied().collect();
        for id in at_rest {
            brain.resume(now, id, asked.get(&id).is_some_and(|asked| asked.restart));
        }
        brain.settle(now);
        let effects = mem::take(&mut brain.effects);
        (brain, effects)
    }

    /// Sets those apart of which the rows say that they are to go.
    fn tell_leaving(
        &self,
        living: Vec<Living>,
        apart: &BTreeMap<RunId, Option<Moment>>,
    ) -> (Vec<Living>, Vec<Living>) {
        let stays = |life: &Living| {
            let known = self.processes.contains_key(&life.process);
            !known || !apart.contains_key(&life.run) || planted!(TakesUpTheUnproven)
        };
        living.into_iter().partition(stays)
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

    /// Lays the keeper's picture of a life over the row of its process. False: what is to follow
    /// its end is known already. `asked` is a wish that may be about that life.
    fn adopt(&mut self, now: Moment, id: ProcessId, life: &Living, asked: Option<Asked>) -> bool {
        let Living { run, process: _, restarts, port, spawned, ended, tree_empty, ref awaits, ready } = *life;
        let over = ended.is_some() && tree_empty;
        let decided = match &self.processes[&id].state {
            State::Idle(Rest::Errored(_) | Rest::Finished(_)) | State::Backoff { .. } => true,
            State::Idle(Rest::Stopped)
            | State::Waiting { .. }
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
            return false;
        }
        let vitals = spawned.and_then(|(_, at)| self.first_vitals(id, at, now, ready.is_some()));
        let readiness = |since: Moment| ready::found(since, now, awaits.as_ref(), ready);
        self.change(id, |process| {
            process.ports.held = port.or(process.ports.held);
            process.state = match spawned {
                Some((pid, at)) => State::Running { run, pid, since: at, vitals, readiness: readiness(at) },
                None => State::Starting { run, since: now },
            };
            process.started = spawned.map(|(_, at)| at);
            process.awaits = awaits.clone();
            process.end_asked = process.goal != Goal::Up;
            if let Some(asked) = asked.filter(|asked| asked.run == run) {
                process.end_asked = true;
                process.restart_asked = asked.restart;
                process.end_cause = asked.cause;
                process.over_memory = asked.over_memory;
            }
        });
        true
    }

    /// What happened to an adopted life, and what was wanted of it, while nobody looked.
    fn catch_up(&mut self, now: Moment, id: ProcessId, life: Living) {
        // An end that was asked for, and has not come, is seen to later, in the right order.
        if let Some((end, at)) = life.ended {
            self.exited(now, id, end, at, life.tree_empty);
        }
    }

    /// Moves what has no life toward its goal. `counts`: a restart was asked for, and the old life
    /// is gone.
    fn resume(&mut self, now: Moment, id: ProcessId, counts: bool) {
        let process = &self.processes[&id];
        match (&process.state, process.goal) {
            // Its run is over unseen, or its host has booted: its slot comes again.
            (State::Idle(Rest::Stopped), Goal::Up)
                if !counts && self.apps[&process.app].is_job() && !planted!(RunsJobsAtBoot) =>
            {
                if process.queued {
                    self.change(id, |process| process.queued = false);
                    self.begin(now, id, false);
                } else if process.ports != Ports::default() {
                    self.change(id, |process| process.ports = Ports::default());
                }
            }
            (State::Idle(Rest::Stopped), Goal::Up) => self.begin(now, id, counts),
            (State::Idle(Rest::Errored(_) | Rest::Finished(_)), Goal::Up) if planted!(RetriesTheGivenUp) => {
                self.launch(now, id, false);
            }
            (State::Idle(_), Goal::Gone) => self.forget(id),
            (State::Idle(_), Goal::Up | Goal::Down) if process.ports != Ports::default() => {
                self.change(id, |process| process.ports = Ports::default());
            }
            (State::Idle(_), Goal::Up | Goal::Down)
            | (
                State::Waiting { .. }
                | State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. },
                Goal::Up | Goal::Down | Goal::Gone,
            ) => {}
        }
    }
}
