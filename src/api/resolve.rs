//! References: from what somebody typed to processes (acceptance row R8).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::StatusCode;

use super::ApiError;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::ProcessId;

/// The processes of a reference, never none: an id, a name, `name-i`, or `namespace:name`.
///
/// # Errors
/// 404 with the nearest name, or 409 with the candidates when a bare name is in two namespaces.
pub fn resolve(snapshot: &Snapshot, reference: &str) -> Result<Vec<Arc<ProcessView>>, ApiError> {
    if let Ok(id) = reference.parse::<u32>() {
        return match snapshot.processes.get(&ProcessId(id)) {
            Some(process) => Ok(vec![process.clone()]),
            None => Err(not_found(format!("there is no process with id {id}"))),
        };
    }
    let (namespace, name) = match reference.split_once(':') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, reference),
    };
    let here = |process: &&Arc<ProcessView>| {
        namespace.is_none_or(|wanted| process.spec.namespace.as_str() == wanted)
    };
    let all = || snapshot.processes.values().filter(here);
    let apps: Vec<_> = all().filter(|process| process.spec.name.as_str() == name).cloned().collect();
    let found = if apps.is_empty() {
        all().filter(|process| process.name() == name).cloned().collect()
    } else {
        apps
    };
    if found.is_empty() {
        return Err(unknown(snapshot, reference));
    }
    let namespaces: BTreeSet<&str> = found.iter().map(|process| process.spec.namespace.as_str()).collect();
    if namespaces.len() > 1 {
        let candidates: Vec<String> =
            namespaces.iter().map(|namespace| format!("{namespace}:{name}")).collect();
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "ambiguous_ref",
            format!("{name} is in several namespaces: say which of {}", candidates.join(", ")),
        ));
    }
    Ok(found)
}

fn unknown(snapshot: &Snapshot, reference: &str) -> ApiError {
    let names: BTreeSet<&str> =
        snapshot.processes.values().map(|process| process.spec.name.as_str()).collect();
    let nearest = names
        .into_iter()
        .map(|name| (likeness(name, reference), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    not_found(match nearest {
        Some((_, name)) => format!("there is no app named {reference:?}: did you mean {name}?"),
        None => format!("there is no app named {reference:?}: `pmdaemon list` shows what there is"),
    })
}

/// 0 to 1. Two letters that were swapped make short names look less alike than they are.
fn likeness(name: &str, typed: &str) -> f64 {
    let one_slip = typed.chars().count() > 2 && strsim::osa_distance(name, typed) == 1;
    strsim::jaro_winkler(name, typed).max(if one_slip { 0.9 } else { 0.0 })
}

fn not_found(detail: String) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "app_not_found", detail)
}
