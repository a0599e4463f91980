//! References: from what somebody typed to processes (acceptance rows R8, J8).
//!
//! | typed | means |
//! |---|---|
//! | `all` | every process, also when there is none |
//! | `7`, `id:7` | the process of that id |
//! | `web`, `name:web`, `blue:web` | the app of that name, with all its processes |
//! | `web-0` | one process, unless an app has exactly that name |
//! | `/^web/` | every process whose name, or whose app's name, matches |
//! | `blue`, `ns:blue` | every process of that namespace |
//! | `label:tier=web`, `label:tier` | every process of the apps with that label |
//! | `server.js`, `/srv/server.js` | the app that runs this script, as it was typed or as a whole path |
//!
//! The first that fits counts, in this order; the forms with a colon are always meant as they say.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;

use super::ApiError;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{LabelTerm, ProcessId};

/// The largest compiled pattern, in bytes. Matching takes linear time whatever the pattern.
const PATTERN_LIMIT: usize = 1 << 20;

type Views = Vec<Arc<ProcessView>>;

/// The processes of a reference, by id. Never none, except for `all`.
///
/// # Errors
/// 404 with the nearest name, 409 with the candidates when it could mean several apps, 422 for a
/// bad pattern or label.
pub fn resolve(snapshot: &Snapshot, reference: &str) -> Result<Views, ApiError> {
    if reference == "all" {
        return Ok(snapshot.processes.values().cloned().collect());
    }
    let found = match reference.split_once(':') {
        Some(("id", id)) => return by_id(snapshot, id),
        Some(("name", name)) => by_name(snapshot, None, name),
        Some(("ns", namespace)) => by_namespace(snapshot, namespace),
        Some(("label", term)) => by_label(snapshot, term)?,
        None if !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_digit()) => {
            return by_id(snapshot, reference);
        }
        Some(_) | None if pattern(reference).is_some() => by_pattern(snapshot, reference)?,
        Some((namespace, name)) if !reference.contains('/') => by_name(snapshot, Some(namespace), name),
        Some(_) | None => {
            first_of([&|| by_name(snapshot, None, reference), &|| by_namespace(snapshot, reference), &|| {
                by_script(snapshot, reference)
            }])
        }
    };
    match found.is_empty() {
        true => Err(unknown(snapshot, reference)),
        false => unambiguous(reference, found),
    }
}

/// The processes of these references, each once; none: all. What means nothing now is passed over.
pub fn known(snapshot: &Snapshot, references: &[String]) -> Views {
    if references.is_empty() {
        return snapshot.processes.values().cloned().collect();
    }
    let meant: BTreeSet<ProcessId> = references
        .iter()
        .filter_map(|reference| resolve(snapshot, reference).ok())
        .flat_map(|views| views.into_iter().map(|view| view.id))
        .collect();
    meant.iter().filter_map(|id| snapshot.processes.get(id).cloned()).collect()
}

/// All processes of the one app that is meant, by the name of the app or of one of its processes.
///
/// # Errors
/// As [`resolve`]; 409 when several apps are meant, 404 for `all` with nothing there.
pub fn resolve_app(snapshot: &Snapshot, reference: &str) -> Result<Views, ApiError> {
    let found = resolve(snapshot, reference)?;
    let Some(app) = found.first().map(|view| view.app) else { return Err(unknown(snapshot, reference)) };
    if found.iter().any(|view| view.app != app) {
        return Err(ambiguous(reference, &found));
    }
    Ok(snapshot.of_app(app).cloned().collect())
}

fn first_of(ways: [&dyn Fn() -> Views; 3]) -> Views {
    ways.iter().map(|way| way()).find(|found| !found.is_empty()).unwrap_or_default()
}

fn by_id(snapshot: &Snapshot, digits: &str) -> Result<Views, ApiError> {
    let found = digits.parse().ok().and_then(|id| snapshot.processes.get(&ProcessId(id)));
    match found {
        Some(process) => Ok(vec![process.clone()]),
        None => Err(not_found(format!(
            "there is no process with id {digits}: `pmdaemon list` shows what there is"
        ))),
    }
}

fn by_name(snapshot: &Snapshot, namespace: Option<&str>, name: &str) -> Views {
    let here =
        |view: &&Arc<ProcessView>| namespace.is_none_or(|wanted| view.spec.namespace.as_str() == wanted);
    let all = || snapshot.processes.values().filter(here);
    let apps: Views = all().filter(|view| view.spec.name.as_str() == name).cloned().collect();
    if !apps.is_empty() {
        return apps;
    }
    let shown: Views = all().filter(|view| view.name() == name).cloned().collect();
    if !shown.is_empty() {
        return shown;
    }
    // The first process of an app that was defined with one has no number in its name.
    all().filter(|view| format!("{}-{}", view.spec.name, view.instance) == name).cloned().collect()
}

fn by_namespace(snapshot: &Snapshot, namespace: &str) -> Views {
    let here = |view: &&Arc<ProcessView>| view.spec.namespace.as_str() == namespace;
    snapshot.processes.values().filter(here).cloned().collect()
}

fn by_label(snapshot: &Snapshot, term: &str) -> Result<Views, ApiError> {
    let term = LabelTerm::parse(term).map_err(|bad| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_label", format!("label:{term}: {bad}"))
    })?;
    let has_it = |view: &&Arc<ProcessView>| view.spec.labels.has(&term);
    Ok(snapshot.processes.values().filter(has_it).cloned().collect())
}

/// What is between the slashes of `/…/`.
fn pattern(reference: &str) -> Option<&str> {
    let body = reference.strip_prefix('/')?.strip_suffix('/')?;
    (!body.is_empty()).then_some(body)
}

fn by_pattern(snapshot: &Snapshot, reference: &str) -> Result<Views, ApiError> {
    let body = pattern(reference).unwrap_or_default();
    let pattern = regex::RegexBuilder::new(body).size_limit(PATTERN_LIMIT).build().map_err(|e| {
        // Several lines: the pattern, a pointer into it, and what is wrong.
        let text = e.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_pattern",
            format!("{reference} is not a pattern that can be searched for: {last}"),
        )
    })?;
    let matches = |view: &&Arc<ProcessView>| {
        pattern.is_match(view.spec.name.as_str()) || pattern.is_match(&view.name())
    };
    Ok(snapshot.processes.values().filter(matches).cloned().collect())
}

fn by_script(snapshot: &Snapshot, reference: &str) -> Views {
    let path = plain(Path::new(reference));
    let runs_it = |view: &&Arc<ProcessView>| match path.is_absolute() {
        true => plain(&view.spec.cwd.join(&view.spec.script)) == path,
        false => view.spec.script == reference,
    };
    snapshot.processes.values().filter(runs_it).cloned().collect()
}

/// The path without `.` and `..`, as it is written: links are not followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

/// A name or a script means one app; a pattern, a namespace or a label may mean many.
fn unambiguous(reference: &str, found: Views) -> Result<Views, ApiError> {
    let meant = reference.strip_prefix("name:").unwrap_or(reference);
    let many = pattern(reference).is_some()
        || reference.starts_with("ns:")
        || reference.starts_with("label:")
        || found.iter().all(|view| view.spec.namespace.as_str() == meant && view.spec.name.as_str() != meant);
    let apps: BTreeSet<_> = found.iter().map(|view| view.app).collect();
    match many || apps.len() == 1 {
        true => Ok(found),
        false => Err(ambiguous(reference, &found)),
    }
}

fn ambiguous(reference: &str, found: &[Arc<ProcessView>]) -> ApiError {
    let candidates: BTreeSet<String> =
        found.iter().map(|view| format!("{}:{}", view.spec.namespace, view.spec.name)).collect();
    let candidates: Vec<String> = candidates.into_iter().collect();
    ApiError::new(
        StatusCode::CONFLICT,
        "ambiguous_ref",
        format!("{reference} could mean several apps: say which of {}", candidates.join(", ")),
    )
}

fn unknown(snapshot: &Snapshot, reference: &str) -> ApiError {
    if let Some(namespace) = reference.strip_prefix("ns:") {
        return not_found(format!("there is no app in a namespace {namespace:?}"));
    }
    if let Some(term) = reference.strip_prefix("label:") {
        return not_found(format!("no app has the label {term}: `pmdaemon info` shows those of one"));
    }
    if pattern(reference).is_some() {
        return not_found(format!("no name matches {reference}: `pmdaemon list` shows what there is"));
    }
    if reference == "all" {
        return not_found("there are no processes".to_owned());
    }
    let specs = || snapshot.processes.values().map(|view| &view.spec);
    let names = specs().flat_map(|spec| [spec.name.as_str(), spec.namespace.as_str()]);
    let names: BTreeSet<&str> = names.filter(|name| *name != "default").collect();
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

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
