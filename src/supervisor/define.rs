//! How apps come into the table, change and go; and what is known of them by their definitions: who has
//! which name, who depends on whom, who is behind a balancer.

use std::sync::Arc;

use super::{Effect, Record, Supervisor};
use crate::model::{AppId, AppSpec, ProcessId, Spread};

impl Supervisor {
    /// Adds an app, which has no process yet.
    pub(super) fn define(&mut self, id: AppId, spec: Arc<AppSpec>) {
        self.names.insert((spec.namespace.clone(), spec.name.clone()), id);
        self.depend(id, Some(&spec));
        self.timetable.take_up(id);
        self.note_balanced(id, &spec);
        self.apps.insert(id, spec);
        self.effects.push(Effect::Record(Record::App(id)));
    }

    /// Gives an app that is there another definition of the same name.
    pub(super) fn redefine(&mut self, id: AppId, spec: Arc<AppSpec>) {
        self.depend(id, Some(&spec));
        self.note_balanced(id, &spec);
        let before = self.apps.insert(id, spec);
        let policy = |spec: &Arc<AppSpec>| spec.health.clone();
        let times = |spec: &Arc<AppSpec>| spec.schedule.as_ref().map(ToString::to_string);
        if before.as_ref().and_then(times) != self.apps.get(&id).and_then(times) {
            self.timetable.forget(id);
        }
        if before.as_ref().and_then(policy) != self.apps.get(&id).and_then(policy) {
            self.watch_anew(id);
        }
        if !planted!(KeepsDefinitionsToItself) {
            self.effects.push(Effect::Record(Record::App(id)));
        }
        // Whoever shows them shows the definition with them.
        let members: Vec<ProcessId> = self.members_of(id).collect();
        self.touched.extend(members);
    }

    fn note_balanced(&mut self, id: AppId, spec: &AppSpec) {
        match spec.balance.is_some() || spec.is_balancer() {
            true => self.balanced.insert(id),
            false => self.balanced.remove(&id),
        };
        // Runs by an earlier definition may have such sockets still.
        if spec.spread == Spread::Even {
            self.spread.insert(id);
        }
    }

    /// Notes on whom an app depends from now on. Called before its definition changes.
    fn depend(&mut self, id: AppId, spec: Option<&Arc<AppSpec>>) {
        let names = |spec: &Arc<AppSpec>| {
            let names = spec.depends_on.iter().map(|on| (on.namespace.clone(), on.app.clone()));
            names.collect::<Vec<_>>()
        };
        for name in self.apps.get(&id).map(names).unwrap_or_default() {
            if let Some(dependents) = self.dependents.get_mut(&name) {
                dependents.remove(&id);
                if dependents.is_empty() {
                    self.dependents.remove(&name);
                }
            }
        }
        for name in spec.map(names).unwrap_or_default() {
            self.dependents.entry(name).or_default().insert(id);
        }
    }

    /// An app goes with its last process.
    pub(super) fn drop_app_without_process(&mut self, app: AppId) {
        if self.members_of(app).next().is_some() {
            return;
        }
        if self.apps.contains_key(&app) {
            self.depend(app, None);
        }
        if let Some(spec) = self.apps.remove(&app) {
            self.names.remove(&(spec.namespace.clone(), spec.name.clone()));
            self.timetable.forget(app);
            self.balanced.remove(&app);
            self.spread.remove(&app);
            self.reloads_touched |= self.reloads.remove(&app).is_some();
            self.effects.push(Effect::Record(Record::AppGone(app)));
        }
    }
}
