//! Dependencies between apps: who waits for whom at the start, and who goes before whom at the
//! end (acceptance row K15).
//!
//! ```text
//!   start of what rests ──▶ all satisfied? ── yes ──▶ launch
//!                                │ no                   ▲ `settle`, after every step
//!                                └──▶ Waiting ──────────┘
//!
//!   end is wanted ──▶ does what depends on it end, too, and live still?
//!                        │ no                  │ yes: it runs on, its end is wanted
//!                        ▼                     │
//!                    stop signal ◀── `settle` ─┘
//! ```
//!
//! Only the first start of a process waits: what ran, and is restarted after a crash or by a
//! command, does not, and its dependents do not notice. Whoever starts an app starts what it
//! depends on, too, if somebody had stopped that or it was given up; a boot starts only what is
//! wanted up. A dependency that ends alone ends at once: what depends on it runs on.
//!
//! Apps are meant by name, so one that is deleted and defined anew is meant again. Definitions
//! never form a cycle, and name only apps that are there; a deletion may leave a name behind.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Command, Denied, Process, Supervisor, restart};
use crate::model::{
    AppId, AppSpec, Condition, Dependency, End, EventKind, Goal, Health, Moment, Name, Obstacle, ProcessId,
    Rest, State, Status, Unmet,
};

impl Supervisor {
    /// Launches the process, or lets it wait for what it depends on. `counts`: this is a restart,
    /// not a start.
    pub(super) fn begin(&mut self, now: Moment, id: ProcessId, counts: bool) {
        let unmet = self.unmet(self.processes[&id].app);
        if unmet.is_empty() {
            return self.launch(now, id, counts);
        }
        self.change(id, |process| {
            process.state = State::Waiting { unmet: unmet.clone() };
            process.restarts = process.restarts.saturating_add(counts.into());
        });
        self.publish(id, None, EventKind::Waits { unmet });
    }

    /// Launches who waits for nothing any more, and ends whose dependents are gone. Nothing is left
    /// to do afterwards, until something changes.
    pub(super) fn settle(&mut self, now: Moment) {
        self.tell_ends(now);
        self.end_vain_drains(now);
        self.launch_waiting(now);
    }

    /// Ends whose end is wanted and has nothing to wait for.
    pub(super) fn tell_ends(&mut self, now: Moment) {
        let ending: Vec<ProcessId> = self.ending.iter().copied().collect();
        for id in ending {
            if !self.ends_later(id) && !self.drains(id) {
                self.ask_to_end(now, id);
            }
        }
    }

    fn launch_waiting(&mut self, now: Moment) {
        let mut goes_on = true;
        while std::mem::take(&mut goes_on) {
            let waiting: Vec<ProcessId> = self.waiting.iter().copied().collect();
            for id in waiting {
                let unmet = self.unmet(self.processes[&id].app);
                if unmet.is_empty() && !planted!(ForgetsWhoWaits) {
                    self.launch(now, id, false);
                    // It may have lost its port, which somebody else wants to know.
                    goes_on = true;
                } else if self.processes[&id].state != (State::Waiting { unmet: unmet.clone() }) {
                    self.change(id, |process| process.state = State::Waiting { unmet });
                    // Who waits for it may say so.
                    goes_on = true;
                }
            }
        }
    }

    /// What processes of that app wait for.
    fn unmet(&self, app: AppId) -> Vec<Unmet> {
        let spec = &self.apps[&app];
        if planted!(StartsBeforeItsDependencies) {
            return Vec::new();
        }
        let all = spec.depends_on.iter();
        all.filter_map(|dependency| self.obstacle(dependency).map(|it| unmet(spec, dependency, it))).collect()
    }

    /// What is in the way of a dependency; none: it is satisfied.
    fn obstacle(&self, dependency: &Dependency) -> Option<Obstacle> {
        let Some(app) = self.app_of(&dependency.namespace, &dependency.app) else {
            return Some(Obstacle::Absent);
        };
        let members = self.members_of(app).map(|id| &self.processes[&id]);
        let members: Vec<&Process> = members.filter(|process| process.goal != Goal::Gone).collect();
        if members.is_empty() {
            return Some(Obstacle::Absent);
        }
        let condition = dependency.condition;
        let counts = |process: &&&Process| condition == Condition::Completed || process.goal == Goal::Up;
        let counted: Vec<&&Process> = members.iter().filter(counts).collect();
        if counted.is_empty() {
            return Some(Obstacle::Stopped);
        }
        let spec = &self.apps[&app];
        let (checked, ends) = (spec.health.is_some(), ends_well(spec));
        counted
            .into_iter()
            .filter(|process| !satisfies(condition, process))
            .map(|process| match &process.state {
                State::Idle(Rest::Errored(reason)) => Obstacle::Errored(reason.clone()),
                State::Idle(Rest::Finished(_)) => Obstacle::Ended,
                State::Idle(Rest::Stopped) if process.goal == Goal::Down => Obstacle::Stopped,
                State::Waiting { unmet } if unmet.iter().any(Unmet::is_hopeless) => {
                    let others: Vec<&str> = unmet.iter().map(|unmet| unmet.app.as_str()).collect();
                    Obstacle::Waits(others.join(" and "))
                }
                State::Idle(Rest::Stopped)
                | State::Waiting { .. }
                | State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. } => match condition {
                    Condition::Healthy if !checked => Obstacle::Unchecked,
                    Condition::Completed if !ends => Obstacle::Restarted,
                    Condition::Started | Condition::Ready | Condition::Healthy | Condition::Completed => {
                        Obstacle::Time
                    }
                },
            })
            // The one that will not go away by itself tells more.
            .reduce(|first, other| if first == Obstacle::Time { other } else { first })
    }

    /// The processes that have to be started with one of that definition, what they depend on
    /// first: of each app that is not as it is to be and of which nothing is up or on its way.
    pub(super) fn stopped_dependencies(&self, spec: &AppSpec) -> Vec<ProcessId> {
        let mut seen = BTreeSet::new();
        let mut needed = Vec::new();
        self.add_stopped_dependencies(spec, &mut seen, &mut needed);
        // What more depend on goes first: who needs it has those above itself, and itself, as well.
        needed.sort_by_key(|id| Reverse(self.dependents_of(self.processes[id].app).len()));
        needed
    }

    fn add_stopped_dependencies(
        &self,
        spec: &AppSpec,
        seen: &mut BTreeSet<AppId>,
        needed: &mut Vec<ProcessId>,
    ) {
        for dependency in &spec.depends_on {
            let Some(app) = self.app_of(&dependency.namespace, &dependency.app) else { continue };
            if self.obstacle(dependency).is_none() || !seen.insert(app) {
                continue;
            }
            self.add_stopped_dependencies(&self.apps[&app].clone(), seen, needed);
            let members: Vec<&Process> = self.members_of(app).map(|id| &self.processes[&id]).collect();
            let comes =
                |process: &&Process| process.goal == Goal::Up && !matches!(process.state, State::Idle(_));
            if !members.iter().any(comes) {
                let there = members.into_iter().filter(|process| process.goal != Goal::Gone);
                needed.extend(there.map(|process| process.id));
            }
        }
    }

    /// Starts these because `by` is to be started.
    pub(super) fn start_needed(&mut self, now: Moment, needed: &[ProcessId], by: &str) -> Result<(), Denied> {
        for id in needed {
            self.publish(*id, None, EventKind::Needed { by: by.to_owned() });
            self.start_alone(now, *id)?;
        }
        Ok(())
    }

    /// Whether a definition may have these dependencies: apps that are there, and no cycle.
    pub(super) fn check_dependencies(&self, spec: &AppSpec) -> Result<(), Denied> {
        for dependency in &spec.depends_on {
            let name = spec.name.to_string();
            let other = dependency.name_in(&spec.namespace);
            let itself = (&dependency.namespace, &dependency.app) == (&spec.namespace, &spec.name);
            match self.app_of(&dependency.namespace, &dependency.app) {
                _ if itself => {}
                None => return Err(Denied::UnknownDependency { name, other }),
                Some(app)
                    if dependency.condition == Condition::Healthy && self.apps[&app].health.is_none() =>
                {
                    return Err(Denied::NeverHealthy { name, other });
                }
                Some(app) if dependency.condition == Condition::Completed && !ends_well(&self.apps[&app]) => {
                    return Err(Denied::NeverCompleted { name, other });
                }
                Some(_) => {}
            }
        }
        self.check_cycle(spec)
    }

    /// Whether nothing would depend on itself with that definition, through others.
    pub(super) fn check_cycle(&self, spec: &AppSpec) -> Result<(), Denied> {
        let mut path = vec![(spec.namespace.clone(), spec.name.clone())];
        match self.cycle(&spec.depends_on, &mut path, &mut BTreeSet::new()) {
            true if planted!(AllowsCycles) => Ok(()),
            true => {
                let shown = path.iter().map(|(namespace, app)| {
                    let condition = Condition::default();
                    let link = Dependency { namespace: namespace.clone(), app: app.clone(), condition };
                    link.name_in(&spec.namespace)
                });
                Err(Denied::DependencyCycle { path: shown.collect() })
            }
            false => Ok(()),
        }
    }

    /// Whether the first of `path` is reached again; `path` is then the way.
    fn cycle(
        &self,
        depends_on: &[Dependency],
        path: &mut Vec<(Name, Name)>,
        seen: &mut BTreeSet<(Name, Name)>,
    ) -> bool {
        for dependency in depends_on {
            let link = (dependency.namespace.clone(), dependency.app.clone());
            let is_first = path.first() == Some(&link);
            path.push(link.clone());
            if is_first {
                return true;
            }
            if seen.insert(link)
                && let Some(app) = self.app_of(&dependency.namespace, &dependency.app)
                && self.cycle(&self.apps[&app].depends_on, path, seen)
            {
                return true;
            }
            path.pop();
        }
        false
    }

    /// The apps that depend on that one, in steps of any number.
    pub fn dependents_of(&self, app: AppId) -> BTreeSet<AppId> {
        let mut found = BTreeSet::new();
        let mut open = vec![app];
        while let Some(app) = open.pop() {
            let Some(spec) = self.apps.get(&app) else { continue };
            let direct = self.dependents.get(&(spec.namespace.clone(), spec.name.clone()));
            let direct = direct.into_iter().flatten();
            open.extend(direct.copied().filter(|dependent| found.insert(*dependent)));
        }
        found
    }

    /// Its end is wanted and has to wait, because something that depends on it ends, too, and has
    /// not yet. What is only restarted waits for nobody.
    pub(super) fn ends_later(&self, id: ProcessId) -> bool {
        let process = &self.processes[&id];
        if !self.is_to_end(process) || planted!(StopsWhatIsNeeded) {
            return false;
        }
        let lives = |id: ProcessId| {
            let process = &self.processes[&id];
            process.state.run().is_some() && self.is_to_end(process)
        };
        self.dependents_of(process.app).into_iter().any(|app| self.members_of(app).any(lives))
    }

    /// No run of it is to follow the present one.
    fn is_to_end(&self, process: &Process) -> bool {
        process.goal != Goal::Up || self.shutting_down
    }

    /// In which order to give these commands, as indexes: stops and deletions of several take what
    /// depends on others first. All others stay where they are.
    pub fn in_order(&self, commands: &[Command]) -> Vec<usize> {
        let ended = |command: &Command| match command {
            Command::Stop { process } | Command::Delete { process } => Some(*process),
            Command::Create { .. }
            | Command::Start { .. }
            | Command::Restart { .. }
            | Command::Move { .. }
            | Command::Signal { .. }
            | Command::Reset { .. }
            | Command::Scale { .. }
            | Command::Update { .. }
            | Command::Complete { .. }
            | Command::Reload { .. }
            | Command::BreakOff { .. }
            | Command::Shutdown => None,
        };
        let mut order: Vec<usize> = (0..commands.len()).collect();
        let ends: Option<Vec<ProcessId>> = commands.iter().map(ended).collect();
        let Some(ends) = ends.filter(|_| !self.dependents.is_empty() && commands.len() > 1) else {
            return order;
        };
        // Who depends on an app has fewer dependents than the app, which has those and it.
        let below = |id: &ProcessId| {
            self.processes.get(id).map_or(0, |process| self.dependents_of(process.app).len())
        };
        let below: Vec<usize> = ends.iter().map(below).collect();
        if !planted!(StopsInAnyOrder) {
            order.sort_by_key(|index| below[*index]);
        }
        order
    }
}

/// After exit code 0 it stays as it is.
fn ends_well(spec: &AppSpec) -> bool {
    restart::is_planned(&spec.restart, End::Code(0))
}

/// It is as is awaited.
fn satisfies(condition: Condition, process: &Process) -> bool {
    match (condition, &process.state) {
        (Condition::Started, State::Running { .. } | State::Idle(Rest::Finished(_))) => true,
        (Condition::Ready, state) => state.status() == Status::Online,
        (Condition::Healthy, State::Running { vitals: Some(vitals), .. }) => vitals.health == Health::Healthy,
        (Condition::Completed, State::Idle(Rest::Finished(end))) => *end == End::Code(0),
        // It had ended well before somebody stopped it.
        (Condition::Completed, State::Idle(Rest::Stopped)) => {
            process.goal == Goal::Down && process.last_end == Some(End::Code(0))
        }
        (
            Condition::Started | Condition::Healthy | Condition::Completed,
            State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. },
        ) => false,
    }
}

fn unmet(spec: &AppSpec, dependency: &Dependency, obstacle: Obstacle) -> Unmet {
    Unmet { app: dependency.name_in(&spec.namespace), condition: dependency.condition, obstacle }
}
