//! What somebody sees: the picture of all processes without those of other namespaces, which are to
//! them as if they were not there.

use std::sync::Arc;

use axum::http::StatusCode;

use super::{Api, ApiError, Shared};
use crate::auth::Principal;
use crate::daemon::view::Snapshot;
use crate::model::{AppSpec, Namespaces};

/// The picture of now, as `principal` sees it.
pub fn snapshot(api: &Api, principal: &Principal) -> Arc<Snapshot> {
    within(api.handle.snapshot(), &principal.namespaces)
}

/// What of a picture is in these namespaces.
pub fn within(snapshot: Arc<Snapshot>, namespaces: &Namespaces) -> Arc<Snapshot> {
    if *namespaces == Namespaces::All {
        return snapshot;
    }
    let Snapshot { seq, events, structure, .. } = *snapshot;
    let mut seen = Snapshot { seq, events, structure, ..Snapshot::default() };
    let ours = snapshot.processes.iter().filter(|(_, view)| namespaces.has(view.spec.namespace.as_str()));
    seen.processes = ours.map(|(id, view)| (*id, view.clone())).collect();
    seen.limited = seen.processes.values().filter(|view| view.is_limited()).count();
    for view in seen.processes.values() {
        if let Some(reload) = snapshot.reloads.get(&view.app) {
            seen.reloads.insert(view.app, reload.clone());
        }
        if let Some(balancer) = snapshot.balancers.get(&view.app) {
            seen.balancers.insert(view.app, balancer.clone());
        }
    }
    Arc::new(seen)
}

/// Whether `principal` may have an app as `spec` says: in a namespace of theirs, waiting for apps
/// that they see.
///
/// # Errors
/// 403 for the app itself; 422 for a dependency, as if that were not there.
pub fn may_define(principal: &Principal, spec: &AppSpec) -> Result<(), ApiError> {
    let namespace = spec.namespace.as_str();
    if !principal.namespaces.has(namespace) {
        let theirs = principal.namespaces.words().join(", ");
        let detail = format!(
            "{} may not define apps in namespace {namespace}: say which of {theirs} it is for",
            principal.subject
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden_namespace", detail));
    }
    let foreign =
        |dependency: &&crate::model::Dependency| !principal.namespaces.has(dependency.namespace.as_str());
    match spec.depends_on.iter().find(foreign) {
        None => Ok(()),
        Some(dependency) => {
            let other = dependency.name_in(&spec.namespace);
            let name = spec.name.to_string();
            Err(crate::supervisor::Denied::UnknownDependency { name, other }.into())
        }
    }
}

/// Somebody who looks for longer than an answer takes: as long as they may.
#[derive(Clone)]
pub struct Viewer {
    /// What they look at.
    pub api: Shared,
    /// Who it is.
    pub principal: Principal,
}

impl Viewer {
    /// What they see now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        snapshot(&self.api, &self.principal)
    }

    /// The namespaces that they see; absent: all.
    pub fn namespaces(&self) -> Option<Vec<String>> {
        match self.principal.namespaces {
            Namespaces::All => None,
            Namespaces::Only(_) => Some(self.principal.namespaces.words()),
        }
    }

    /// Until what they showed counts no longer (web.md 4.3, row 13: within a second).
    pub async fn barred(&self) {
        self.api.barred(&self.principal).await;
    }

    /// Whether what they showed still counts.
    pub fn may_still(&self) -> bool {
        self.api.still_valid(&self.principal).is_ok()
    }
}
