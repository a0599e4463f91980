//! A reload: new runs for the processes of one app, a few at a time (acceptance rows A4, K5).
//!
//! ```text
//!  Reload ─▶ turns of the first ──▶ new run beside the old: online ──▶ has soaked ──▶ next turn
//!                                      │ dies, cannot be executed,      the old one     │ none left
//!                                      ▼ is unhealthy                   is asked to end ▼
//!                                    Failed: the old ones go on                       Done
//! ```
//!
//! The new run begins [beside](super::beside) the old one, which is asked to end only when the new
//! one has proven itself; a failed reload leaves everything as it was. An old one that ends by itself
//! before leaves its place to the new one. Where two runs cannot live side by side, since each binds the
//! same port by itself, the old one goes before the new one: that process pauses, and goes on by the
//! restart rules when its new run fails. Which way is possible is found out by whoever gives the command.
//!
//! How many have their turn at a time is said by the app's [`RollPolicy`]: so many new runs beside
//! old ones, and so many processes that pause although they could have a run beside. Whose turn comes
//! when is in [`turns`](super::turns), what becomes of one in [`turn`](super::turn).
//!
//! A reload that was to bring a new definition takes that back when it fails: what runs next is what
//! ran before. Whoever changes the definition meanwhile ends the reload, and nothing is taken back.
//!
//! A failed reload leaves all other processes as they are: those that were replaced before it, which
//! have proven themselves, and those whose turn has not come. Whether the former go back, too, with one
//! more reload, is for whoever gave the command (`api/apps/undo.rs`). What somebody else does to a process
//! of the app meanwhile ends the reload as interrupted: two wills about the same processes are never
//! mixed. A new daemon does not take a reload up again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::turn::Outlook;
use super::{Accepted, Denied, Supervisor};
use crate::model::{AppId, AppSpec, EventKind, Goal, Moment, Port, PortPlan, ProcessId, RunId, State};

/// The latest reload of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reload {
    /// Tells it from others. Grows, and begins anew with each daemon.
    pub number: u64,
    /// The processes, by instance.
    pub processes: Vec<ProcessId>,
    /// How that was asked for.
    pub how: How,
    /// Its version was [rehearsed](super::rehearsal).
    pub rehearsed: bool,
    /// Who has, or had, a second turn, to come back into the range of its app's ports.
    pub again: BTreeSet<ProcessId>,
    /// How far it is.
    pub progress: Progress,
}

/// How a reload was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct How {
    /// The processes whose new run may live beside the old one.
    pub beside: BTreeSet<ProcessId>,
    /// How long a new run has to stay well, if not for as long as the definition says.
    pub soak: Option<Duration>,
    /// Where new runs are to be, if not where the definition says.
    pub ports: BTreeMap<ProcessId, PortPlan>,
    /// By which definition their present runs are, of those for which that is another one.
    pub back_to: BTreeMap<ProcessId, Arc<AppSpec>>,
}

/// How far a reload is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Some of them have their turn.
    Rolling {
        /// Who has.
        turns: Vec<Turn>,
        /// Who has not had one yet, by instance.
        waiting: Vec<ProcessId>,
        /// When somebody of those can have one: turns begin only with a tick.
        due: Option<Moment>,
    },
    /// All are replaced.
    Done,
    /// A new run did not come up.
    Failed {
        /// Whose.
        process: ProcessId,
        /// Why, as a sentence without its name.
        reason: String,
        /// The others whose old run is gone.
        replaced: BTreeSet<ProcessId>,
    },
    /// Something else was wanted meanwhile.
    Interrupted {
        /// What, if that is known.
        by: Option<Overtaken>,
    },
}

/// What is wanted of an app instead of its reload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overtaken {
    /// Its processes, or some, are to stop.
    Stop,
    /// They are to be restarted.
    Restart,
    /// They are to be deleted.
    Delete,
    /// It is to have another number of processes.
    Scale,
    /// It has another definition.
    Update,
    /// Its schedule restarts it.
    Schedule,
    /// A changed file restarts it.
    FilesChanged,
    /// Everything is to end.
    Shutdown,
    /// Nothing, but no reload either.
    Cancel,
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Overtaken::Stop => "a stop",
            Overtaken::Restart => "a restart",
            Overtaken::Delete => "a delete",
            Overtaken::Scale => "a scale",
            Overtaken::Update => "a change of the definition",
            Overtaken::Schedule => "a restart by its schedule",
            Overtaken::FilesChanged => "a restart for a changed file",
            Overtaken::Shutdown => "the end of pmdaemon",
            Overtaken::Cancel => "a cancel",
        })
    }
}

/// One process that is being replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Which.
    pub process: ProcessId,
    /// The new life begins beside the old one.
    pub beside: bool,
    /// The port of that, if it has one.
    pub port: Option<Port>,
    /// How often a life was begun for it beside the old one.
    pub tries: u32,
    /// Its newest life when its turn came.
    pub old: Option<RunId>,
    /// The life that is to replace that, once it is launched.
    pub new: Option<RunId>,
    /// When the new life will have been well for long enough.
    pub stable_at: Option<Moment>,
}

impl Reload {
    /// It is over, in whatever way.
    pub fn is_over(&self) -> bool {
        !matches!(self.progress, Progress::Rolling { .. })
    }

    /// Who has a turn.
    pub fn turns(&self) -> &[Turn] {
        match &self.progress {
            Progress::Rolling { turns, .. } => turns,
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted { .. } => &[],
        }
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.progress {
            Progress::Rolling { turns, due, .. } => {
                turns.iter().filter_map(|turn| turn.stable_at).chain(*due).min()
            }
            Progress::Done | Progress::Failed { .. } | Progress::Interrupted { .. } => None,
        }
    }
}

impl Supervisor {
    /// Begins a reload of these processes, which are of one app. Those that are stopped stay so, and who
    /// rests between the slots of its schedule runs at the next one.
    pub(super) fn reload(
        &mut self,
        now: Moment,
        processes: Vec<ProcessId>,
        how: How,
    ) -> Result<Accepted, Denied> {
        let mut numbered = Vec::new();
        let mut stopped = None;
        for id in processes {
            let process = self.may_launch(id)?;
            let rests = matches!(process.state, State::Idle(_));
            if rests && self.apps[&process.app].rests_between_slots() && !planted!(RunsJobsUnasked) {
                continue;
            }
            match process.goal {
                Goal::Up => numbered.push((process.app, process.instance, id)),
                // Only a command changes a goal, and later turns are taken by themselves.
                Goal::Down | Goal::Gone => stopped = stopped.or(Some(process.app)),
            }
        }
        numbered.sort_unstable();
        let Some((app, _, _)) = numbered.first().copied() else {
            return match stopped {
                Some(app) => Err(Denied::NothingUp { name: self.apps[&app].name.to_string() }),
                None => Ok(Accepted::AlreadySo),
            };
        };
        if self.reloads.get(&app).is_some_and(|reload| !reload.is_over()) {
            return Err(Denied::Reloading { name: self.apps[&app].name.to_string() });
        }
        let of_app = numbered.iter().filter(|(other, _, _)| *other == app);
        let processes: Vec<ProcessId> = of_app.map(|(_, _, id)| *id).collect();
        // Refused before anything begins if there is no port for the first; unless it runs by another
        // definition, and by the present one could not be launched again: that is taken back.
        let goes_back =
            |id: &ProcessId| how.back_to.contains_key(id) && self.processes[id].state.run().is_some();
        let first = self.in_order_of_turns(&processes).next();
        if let Some(first) = first.filter(|first| !goes_back(first)) {
            let plan = how.ports.get(&first).copied();
            match self.can_try(first, &how.beside, plan) {
                true => _ = self.rehearsal_port(first, self.port_of_trial(first, plan)?)?,
                false => self.aim(first, plan)?,
            }
        }
        let number = self.next_reload;
        self.next_reload += 1;
        let progress = Progress::Rolling { turns: Vec::new(), waiting: processes.clone(), due: None };
        let again = BTreeSet::new();
        self.reloads.insert(app, Reload { number, processes, how, rehearsed: false, again, progress });
        self.reloads_touched = true;
        self.give_turns(now, app, true);
        Ok(Accepted::Reloading { number })
    }

    /// Somebody does not want that reload any more.
    pub(super) fn break_off(&mut self, now: Moment, app: AppId, number: u64) -> Accepted {
        let going = self.reloads.get(&app).is_some_and(|reload| !reload.is_over());
        let is_it = self.reloads.get(&app).is_some_and(|reload| reload.number == number);
        if !going || !(is_it || planted!(BreaksOffAnyReload)) {
            return Accepted::AlreadySo;
        }
        if !planted!(ReloadsOnRegardless) {
            self.interrupt_reload(now, app, Overtaken::Cancel);
        }
        Accepted::Done
    }

    /// Somebody wants something else of that app.
    pub(super) fn interrupt_reload(&mut self, now: Moment, app: AppId, by: Overtaken) {
        if self.reloads.get(&app).is_some_and(|reload| !reload.is_over()) {
            self.set_progress(now, app, Progress::Interrupted { by: Some(by) });
        }
    }

    /// Moves every reload on, as far as the rows say. `time_passed`: this step is a tick; only
    /// then has anything been well for long enough, and has anybody a turn.
    pub(super) fn advance_reloads(&mut self, now: Moment, time_passed: bool) {
        let going = self.reloads.iter().filter(|(_, reload)| !reload.is_over());
        let going: Vec<AppId> = going.map(|(app, _)| *app).collect();
        for app in going {
            self.advance_reload(now, app, time_passed);
        }
    }

    fn advance_reload(&mut self, now: Moment, app: AppId, time_passed: bool) {
        let Progress::Rolling { turns, waiting, due } = self.reloads[&app].progress.clone() else { return };
        let seen: Vec<(Turn, Outlook)> = turns
            .into_iter()
            .map(|turn| {
                let outlook = self.outlook(now, app, &turn, time_passed);
                (turn, outlook)
            })
            .collect();
        let (mut going, mut failed, mut interrupted) = (Vec::new(), None, false);
        for (turn, outlook) in seen {
            match outlook {
                Outlook::Waits { new, stable_at } => {
                    // It may have taken the place of the old one, which has ended.
                    let beside = turn.beside && self.trials.contains_key(&turn.process);
                    going.push(Turn { new, stable_at, beside, ..turn });
                }
                Outlook::Succeeds => match self.end_rehearsal(now, turn.process) {
                    None => self.promote(now, turn.process),
                    new => going.push(Turn { new, stable_at: None, ..turn }),
                },
                Outlook::Fails(_) if planted!(ReloadsOnAfterADeath) => {}
                // It was replaced already, and stays where it is.
                Outlook::Fails(_) if self.reloads[&app].again.contains(&turn.process) => {}
                Outlook::Fails(reason) => {
                    if let Some(again) = self.try_elsewhere(&turn) {
                        going.push(again);
                        continue;
                    }
                    failed = failed.or(Some((turn.process, turn.new, reason)));
                    going.push(turn);
                }
                Outlook::Interrupted => {
                    interrupted = true;
                    going.push(turn);
                }
            }
        }
        let progress = Progress::Rolling { turns: going, waiting, due };
        if self.reloads[&app].progress != progress {
            self.set_progress(now, app, progress);
        }
        match failed {
            _ if interrupted => self.set_progress(now, app, Progress::Interrupted { by: None }),
            Some((process, run, reason)) => self.fail_reload(now, app, process, run, reason),
            None => self.give_turns(now, app, time_passed),
        }
    }

    pub(super) fn fail_reload(
        &mut self,
        now: Moment,
        app: AppId,
        process: ProcessId,
        run: Option<RunId>,
        reason: String,
    ) {
        let reload = &self.reloads[&app];
        let Progress::Rolling { turns, waiting, .. } = &reload.progress else { return };
        let tried = |id: &ProcessId| turns.iter().any(|turn| turn.process == *id && turn.beside);
        let replaced = |id: &ProcessId| *id != process && !waiting.contains(id) && !tried(id);
        let replaced = reload.processes.iter().copied().filter(replaced).collect();
        let back_to = reload.how.back_to.get(&process).cloned();
        if self.processes.contains_key(&process) {
            self.publish(process, run, EventKind::ReloadFailed { reason: reason.clone() });
        }
        // Before it is over: who looks at it then sees the definition that holds.
        if let Some(spec) = back_to.filter(|_| !planted!(KeepsTheDefinitionThatFailed)) {
            self.take_back(app, &spec);
        }
        self.set_progress(now, app, Progress::Failed { process, reason, replaced });
    }

    pub(super) fn set_progress(&mut self, now: Moment, app: AppId, progress: Progress) {
        let Some(reload) = self.reloads.get_mut(&app) else { return };
        reload.progress = progress;
        self.reloads_touched = true;
        let go_on: Vec<RunId> = reload.turns().iter().filter_map(|turn| turn.new).collect();
        let members = reload.processes.clone();
        let given_up = |id: &ProcessId| self.trials.get(id).is_some_and(|trial| !go_on.contains(&trial.run));
        let given_up: Vec<ProcessId> = members.into_iter().filter(given_up).collect();
        given_up.into_iter().for_each(|id| self.end_trial(now, id));
    }
}
