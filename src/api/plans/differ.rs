//! Two definitions of an app: what differs, and what it takes to go from one to the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::convert;
use crate::model::{AppId, AppSpec, PortPlan};
use crate::wire::{Change, PlanAction};

/// What is shown instead of the value of a variable.
const MASKED: &str = "***";

/// `new` with what a definition never changes as it is in `old`. `update_env`: the caller's
/// environment counts.
pub fn comparable(old: &AppSpec, new: &AppSpec, update_env: bool) -> AppSpec {
    let inherited_env = if update_env { &new.inherited_env } else { &old.inherited_env };
    AppSpec { numbered: old.numbered, inherited_env: inherited_env.clone(), ..new.clone() }
}

/// How something that is up gets from one to the other. The two differ.
pub fn way(old: &AppSpec, new: &AppSpec) -> PlanAction {
    // What is looked up when it is needed: a run that goes on goes by the new ones.
    let mut live = AppSpec {
        autostart: new.autostart,
        instances: new.instances,
        restart: new.restart.clone(),
        stop: new.stop.clone(),
        roll: new.roll.clone(),
        ready: new.ready.clone(),
        hooks: new.hooks.clone(),
        depends_on: new.depends_on.clone(),
        watch: new.watch.clone(),
        schedule: new.schedule.clone(),
        labels: new.labels.clone(),
        ..old.clone()
    };
    live.resources.max_memory = new.resources.max_memory;
    let same_descriptors =
        old.has_channel() == new.has_channel() && old.has_notify_socket() == new.has_notify_socket();
    if live == *new && same_descriptors {
        return PlanAction::Live;
    }
    match (old.port, new.port) {
        (Some(PortPlan::Shared(before)), Some(PortPlan::Shared(after))) if before == after => {
            PlanAction::Reload
        }
        // The new run has another port than the old one, and the balancer knows it.
        (before, after) if before == after && old.balance.is_some() && old.balance == new.balance => {
            PlanAction::Reload
        }
        _ if same_socket(old, new) => PlanAction::Reload,
        (_, _) => PlanAction::Restart,
    }
}

/// A balancer takes over the socket that the processes share, or they take over its: a new run and an
/// old one are on two ports.
fn same_socket(old: &AppSpec, new: &AppSpec) -> bool {
    let shared = |spec: &AppSpec| match spec.port {
        Some(PortPlan::Shared(port)) => Some(port),
        Some(PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..)) | None => None,
    };
    let front = |spec: &AppSpec| spec.balance.as_ref().map(|balance| balance.port);
    let goes_over = |one: Option<u16>, other: Option<u16>| one.is_some() && one == other;
    goes_over(shared(old), front(new)) || goes_over(front(old), shared(new))
}

/// Every member that differs, by name.
pub fn changes(old: &AppSpec, new: &AppSpec) -> Vec<Change> {
    let mut changes = Vec::new();
    let (before, after) = (members(old), members(new));
    compare("", &before, &after, &mut changes);
    variables("env", &old.env, &new.env, &mut changes);
    variables("inherited_env", &old.inherited_env, &new.inherited_env, &mut changes);
    if changes.is_empty() && old != new {
        // Resolved differently: the script of a health check is another program now.
        changes.push(Change { member: "programs".to_owned(), from: None, to: None });
    }
    changes
}

/// The definition as the API shows it, without what is compared elsewhere or is no definition.
pub fn members(spec: &AppSpec) -> Value {
    let mut shown = serde_json::to_value(convert::definition(AppId(0), spec, None)).unwrap_or_default();
    if let Value::Object(members) = &mut shown {
        for name in ["id", "revision", "processes", "notices", "env"] {
            members.remove(name);
        }
    }
    shown
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of =
                    |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                compare(&path, &of(old), &of(new), changes);
            }
        }
        (_, _) if before == after => {}
        (_, _) => changes.push(Change { member: path.to_owned(), from: text(before), to: text(after) }),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

fn variables(
    what: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
        let masked = |side: &BTreeMap<String, String>| side.get(name).map(|_| MASKED.to_owned());
        changes.push(Change { member: format!("{what}.{name}"), from: masked(before), to: masked(after) });
    }
}
