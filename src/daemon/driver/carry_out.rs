//! What the brain wants: orders for the keeper, work for others, and what is to be written down.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::super::awaiting::Awaited;
use super::super::hooks::ReadyHook;
use super::super::log_files::{self, LogFiles};
use super::super::preparing::{Outcome, Prepared, Ready};
use super::super::{balancing, clock, environment, event_text, keeper_words, node, secret_env, slots};
use super::{Driver, RUN_BLOCK};
use crate::keeper::protocol::Order;
use crate::model::secret_ref::refers;
use crate::model::{AppSpec, Event, EventKind, ExitCause, Hook, Port, RunId};
use crate::store::{Change, EventRow, Keepsake};
use crate::supervisor::{Effect, Input, Record, Scope};

impl Driver {
    /// Sends the orders; returns what is to be written down.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Change> {
        // Before anybody is asked to end: who is, gets no more connections.
        self.steer();
        let mut changes = Vec::new();
        let mut recorded = HashSet::new();
        for effect in effects {
            match effect {
                Effect::Launch { run, process, instance, spec, restarts, port, told } => {
                    let spec = match self.brain.balanced_by(&spec) {
                        Some(app) => balancing::program(&self.home, app, &spec),
                        None => spec,
                    };
                    if let Some(Port::Shared(port)) = port {
                        self.shared_ports.insert(port);
                    }
                    let told_port = told.or(port);
                    let number = told_port.map(Port::number);
                    let preload = match told_port {
                        Some(Port::Shared(port)) => {
                            self.preload.path(&self.home, &spec).map(|path| (path, port))
                        }
                        Some(Port::Own(_)) | None => None,
                    };
                    let (home, files) = (self.home.clone(), spec.env_sources.files.clone());
                    let app = self.brain.process(process).map(|process| process.app);
                    app.into_iter().for_each(|app| self.revisions.launched(run, app));
                    let whose = Arc::clone(&spec);
                    let variables = move |from_files| {
                        environment::of_process(&home, &whose, process, instance, number, from_files)
                    };
                    let (whose, logs) = (Arc::clone(&spec), LogFiles::of(&self.home, &spec, instance));
                    self.log_places.note(run, logs.clone());
                    let launch = move |mut env| {
                        if let Some((path, port)) = preload {
                            node::preload(&mut env, &path, &whose, port);
                        }
                        let mut launch =
                            keeper_words::launch(run, (process, instance), restarts, port, &whose, env, logs);
                        if told.is_some() {
                            // It shares with nobody, and nobody else is to meet a version that is not proven.
                            (launch.slot, launch.local) = (None, true);
                        }
                        launch.keepsake = app
                            .map(|app| Keepsake { app, spec: whose, instance }.to_text())
                            .unwrap_or_default();
                        launch
                    };
                    let has_hook = spec.hooks.commands.contains_key(&Hook::BeforeStart);
                    if files.is_empty() && !has_hook && !spec.env.values().any(|value| refers(value)) {
                        self.keeper.order(Order::Launch(Box::new(launch(variables(BTreeMap::new())))));
                        continue;
                    }
                    let (home, secrets) = (self.home.clone(), Arc::clone(&self.secrets));
                    self.preparing.begin(run, files, move |from_files| {
                        let declared = declared(&spec, &from_files);
                        let mut env = variables(from_files);
                        secrets.fill(run, &spec, &declared, &mut env)?;
                        let before = ReadyHook::of(&home, &spec, Hook::BeforeStart, run, &env);
                        Ok(Ready { before, launch: launch(env) })
                    });
                }
                Effect::Signal { run, signal, scope } => {
                    let (id, signal) = (run.0, signal.number());
                    self.order(
                        run,
                        match scope {
                            Scope::Main => Order::Signal { run: id, signal, tree: false },
                            Scope::Tree => Order::Signal { run: id, signal, tree: true },
                            Scope::Message => Order::AskToEnd { run: id, signal },
                        },
                    );
                }
                Effect::CallOff { run } => self.preparing.call_off(run),
                Effect::KillTree { run } => self.order(run, Order::KillTree { run: run.0 }),
                // Until its end is durable the keeper is the only one to know it.
                Effect::Forget { run } => {
                    self.let_go_of(run);
                    self.endings.add(run);
                }
                Effect::Release { port } => self.keeper.order(Order::ReleasePort { port }),
                Effect::Watch { run, process, instance, spec, port, since, ready } => {
                    let (home, secrets) = (self.home.clone(), Arc::clone(&self.secrets));
                    let env = move |spec: &AppSpec, from_files| {
                        let declared = declared(spec, &from_files);
                        let mut env =
                            environment::of_process(&home, spec, process, instance, port, from_files);
                        if let Err(why) = secrets.fill(run, spec, &declared, &mut env) {
                            tracing::warn!("{} is checked without its secrets: {why}", spec.name);
                        }
                        env
                    };
                    let durations = self.counts.checks_of(process);
                    self.watching.begin(run, &spec, env, since, ready, durations);
                }
                Effect::Unwatch { run } => self.watching.end(run),
                Effect::Await { run, process, instance, by, spec, port, since } => {
                    let logs = self.log_places.of(&self.home, Some(run), &spec, instance);
                    let pid = self.brain.main_process(run);
                    self.awaiting.begin(by, Awaited { run, process, spec, logs, port, pid, since });
                }
                Effect::Unawait { run } => self.awaiting.end(run),
                Effect::KeepReady { run, at } => self.order(run, Order::KeepReady { run: run.0, at: at.0 }),
                Effect::Record(record) => {
                    if recorded.insert(record) {
                        changes.extend(self.record(record));
                    }
                }
                Effect::Publish(event) => changes.extend(self.remember(event)),
            }
        }
        if self.brain.next_run().0 + RUN_BLOCK / 2 > self.reserved_runs {
            self.reserved_runs = self.brain.next_run().0 + RUN_BLOCK;
            changes.push(Change::ReserveRuns(RunId(self.reserved_runs)));
            let newest: HashSet<_> =
                self.brain.processes().filter_map(|process| process.latest_run).collect();
            let recent = self.brain.next_run().0.saturating_sub(RUN_BLOCK);
            self.revisions.keep_runs(|run| run.0 >= recent || newest.contains(&run));
        }
        changes
    }

    /// A launch is ready, or cannot be made so.
    pub(super) fn launch(&mut self, prepared: Prepared) {
        let run = prepared.run;
        match self.preparing.end(prepared) {
            Some(Outcome::Orders(orders)) => orders.into_iter().for_each(|order| self.keeper.order(order)),
            Some(Outcome::Failed(fact)) => self.feed(Input::Fact(fact)),
            None => self.let_go_of(run),
        }
    }

    /// That run is over: what was kept for it is not needed any more.
    fn let_go_of(&mut self, run: RunId) {
        secret_env::remove(&self.home, run);
        self.usages.custom().forget(run);
        self.log_places.forget(run);
    }

    /// Of runs that never began the keeper has nothing to forget.
    pub(super) fn let_go_of_what_never_began(&mut self) {
        let over = self.log_places.runs().filter(|run| !self.brain.awaits_the_end_of(*run));
        over.collect::<Vec<_>>().into_iter().for_each(|run| self.let_go_of(run));
    }

    /// Sends an order for a run, after its launch.
    pub(super) fn order(&mut self, run: RunId, order: Order) {
        if let Some(order) = self.preparing.hold(run, order) {
            self.keeper.order(order);
        }
    }

    fn record(&mut self, record: Record) -> Vec<Change> {
        match record {
            Record::App(id) => {
                let Some(spec) = self.brain.app(id).cloned() else { return Vec::new() };
                let revised = self.revisions.revise(id, &spec, clock::unix_ms());
                [Change::PutApp { id, spec }].into_iter().chain(revised).collect()
            }
            Record::AppGone(id) => {
                self.revisions.forget_app(id);
                vec![Change::DropApp(id), slots::forgotten(id)]
            }
            Record::Slot(id) => {
                self.brain.considered(id).map(|at| slots::considered(id, at)).into_iter().collect()
            }
            Record::ProcessGone(id) => vec![Change::DropProcess(id)],
            Record::Process(id) => {
                let process = self.brain.process(id);
                process.map(|process| Change::PutProcess(process.to_remember())).into_iter().collect()
            }
        }
    }

    /// Gives the event its number and its words, tells it to whoever listens, and keeps it.
    pub(super) fn remember(&mut self, event: Event) -> Option<Change> {
        let snapshot = self.snapshot.borrow().clone();
        let known = snapshot.processes.get(&event.process);
        let spec = self.brain.app(event.app).cloned().or_else(|| known.map(|view| view.spec.clone()))?;
        let instance =
            self.brain.process(event.process).map(|p| p.instance).or_else(|| known.map(|v| v.instance))?;
        let name = spec.instance_name(instance);
        if let EventKind::Deleted = event.kind {
            let is_last = !self.brain.processes().any(|process| process.app == event.app);
            let (home, spec) = (self.home.clone(), spec.clone());
            self.log_health.forget(event.process);
            tokio::task::spawn_blocking(move || log_files::remove(&home, &spec, instance, is_last));
        }
        self.counts.learn(&event);
        let (end, asked) = match &event.kind {
            EventKind::Exited { end, cause, .. } => (
                Some(*end),
                matches!(cause, ExitCause::Asked(_) | ExitCause::TakenBack | ExitCause::Rehearsed),
            ),
            EventKind::Created
            | EventKind::Waits { .. }
            | EventKind::Needed { .. }
            | EventKind::StopTakenBack
            | EventKind::Started { .. }
            | EventKind::SpawnFailed { .. }
            | EventKind::Scheduled { .. }
            | EventKind::SlotSkipped
            | EventKind::SlotQueued
            | EventKind::SlotMissed { .. }
            | EventKind::FilesChanged { .. }
            | EventKind::StopAsked { .. }
            | EventKind::Reloading { .. }
            | EventKind::Rehearsing { .. }
            | EventKind::ReloadFailed { .. }
            | EventKind::Signalled { .. }
            | EventKind::CountersReset
            | EventKind::Updated
            | EventKind::OverMemory(_)
            | EventKind::HostBudget
            | EventKind::Killed
            | EventKind::BackingOff { .. }
            | EventKind::Errored { .. }
            | EventKind::Healthy
            | EventKind::Ready { .. }
            | EventKind::NotReady { .. }
            | EventKind::Unhealthy { .. }
            | EventKind::LogRefused { .. }
            | EventKind::LogTakes { .. }
            | EventKind::Stopped
            | EventKind::Deleted => (None, false),
        };
        let mut detail = event_text::sentence(&name, &event.kind);
        if end.is_some()
            && let Some((_, peak)) = self.peak.take().filter(|(run, _)| Some(*run) == event.run)
        {
            detail.push_str(&format!("; its memory was at most {peak}"));
        }
        tracing::info!(app = %name, "{detail}");
        let row = EventRow {
            seq: self.next_event,
            at_ms: clock::unix_ms(),
            app: Some(event.app),
            process: Some(event.process),
            run: event.run,
            kind: event_text::word(&event.kind).to_owned(),
            name,
            namespace: spec.namespace.to_string(),
            detail,
            end,
            asked,
            revision: event.run.and_then(|run| self.revisions.of_run(run)),
        };
        self.next_event += 1;
        let _ = self.events.send(Arc::new(row.clone()));
        Some(Change::AddEvent(row))
    }
}

/// The variables that were declared for an app, there or in its files; what it inherits is not among them.
fn declared(spec: &AppSpec, from_files: &BTreeMap<String, String>) -> HashSet<String> {
    from_files.keys().chain(spec.env.keys()).cloned().collect()
}
