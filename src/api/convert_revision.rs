//! Versions of definitions, and what is different between two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::convert;
use crate::model::{AppId, AppSpec, RevisionCause};
use crate::store::RevisionRow;
use crate::wire::{self, Difference};

/// Members of an app that are no part of its definition, or are compared by themselves.
const NOT_COMPARED: [&str; 5] = ["id", "revision", "processes", "notices", "env"];

/// All versions of one app; `rows` ascends.
pub fn revisions(rows: &[RevisionRow]) -> Vec<wire::Revision> {
    let newest = rows.last().map(|row| row.revision.number);
    let before = [None].into_iter().chain(rows.iter().map(Some));
    rows.iter().zip(before).map(|(row, before)| revision(row, before, newest)).collect()
}

fn revision(row: &RevisionRow, before: Option<&RevisionRow>, newest: Option<u64>) -> wire::Revision {
    let known = &row.revision;
    let rolled_back_to = match known.cause {
        RevisionCause::RolledBack(to) => Some(to as i64),
        RevisionCause::Created
        | RevisionCause::Updated
        | RevisionCause::Scaled
        | RevisionCause::Environment
        | RevisionCause::Restored
        | RevisionCause::PutBack
        | RevisionCause::TakenBack
        | RevisionCause::Found => None,
    };
    wire::Revision {
        revision: known.number as i64,
        at: convert::time(known.at_ms),
        author: known.author.clone(),
        cause: known.cause.word().to_owned(),
        rolled_back_to,
        current: newest == Some(known.number),
        changes: before.map(|before| differences(row.app, &before.spec, &row.spec)).unwrap_or_default(),
    }
}

/// Which members of the definition are different.
pub fn differences(app: AppId, before: &AppSpec, after: &AppSpec) -> Vec<Difference> {
    let (old, new) = (members(app, before), members(app, after));
    let pointers: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found: Vec<Difference> = pointers
        .into_iter()
        .filter(|pointer| old.get(*pointer) != new.get(*pointer))
        .map(|pointer| Difference {
            pointer: pointer.clone(),
            before: old.get(pointer).map(text),
            after: new.get(pointer).map(text),
        })
        .collect();
    let names: BTreeSet<&String> = before.env.keys().chain(after.env.keys()).collect();
    let masked = |value: Option<&String>| value.map(|_| "***".to_owned());
    let variables = names.into_iter().filter(|name| before.env.get(*name) != after.env.get(*name));
    found.extend(variables.map(|name| Difference {
        pointer: format!("/env/{name}"),
        before: masked(before.env.get(name)),
        after: masked(after.env.get(name)),
    }));
    if before.inherited_env != after.inherited_env {
        let hidden = Some("***".to_owned());
        let pointer = "/inherited_env".to_owned();
        found.push(Difference { pointer, before: hidden.clone(), after: hidden });
    }
    found
}

/// What the API shows of a definition, by pointer; objects member by member.
fn members(app: AppId, spec: &AppSpec) -> BTreeMap<String, Value> {
    let shown = serde_json::to_value(convert::definition(app, spec, None)).unwrap_or_default();
    let mut members = BTreeMap::new();
    for (name, value) in shown.as_object().into_iter().flatten() {
        match value {
            _ if NOT_COMPARED.contains(&name.as_str()) => {}
            Value::Object(inner) => {
                members.extend(inner.iter().map(|(key, value)| (format!("/{name}/{key}"), value.clone())));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                members.insert(format!("/{name}"), value.clone());
            }
        }
    }
    members
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
