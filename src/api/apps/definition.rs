//! From what was asked for to a definition, and from a definition to what is shown of it.

use std::sync::Arc;

use axum::http::HeaderName;
use axum::http::header;

use super::allowed;
use crate::api::{Api, ApiError, conditional, convert, scope};
use crate::auth::Principal;
use crate::daemon::define::define;
use crate::daemon::define_logs;
use crate::daemon::view::ProcessView;
use crate::model::AppSpec;
use crate::wire;

/// The definition that `new` asks for, resolved on this host.
///
/// # Errors
/// 422 with the member that is wrong.
pub async fn resolved(api: &Api, new: wire::NewApp) -> Result<AppSpec, ApiError> {
    let draft = convert::draft(new, &api.default_cwd)?;
    let spec = tokio::task::spawn_blocking(move || define(draft)).await;
    let spec = spec.map_err(|e| ApiError::internal(&e))??;
    has_its_secrets(api, &spec)?;
    Ok(spec)
}

/// Whether the secrets are there that `spec` names.
///
/// # Errors
/// 422 with the first that is not, or cannot be given.
pub fn has_its_secrets(api: &Api, spec: &AppSpec) -> Result<(), ApiError> {
    api.handle.secrets().check(spec).map_err(|why| ApiError::member("/env", why))
}

/// Whether `principal` may have an app as `spec` says.
///
/// # Errors
/// 403 for the namespace, or what is for admins; 422 for a dependency that they do not see, or logs in
/// a place of ours.
pub fn may_be(api: &Api, principal: &Principal, spec: &AppSpec) -> Result<(), ApiError> {
    scope::may_define(principal, spec)?;
    let now = api.handle.snapshot();
    let is = |view: &&Arc<ProcessView>| view.spec.name == spec.name && view.spec.namespace == spec.namespace;
    let before = now.processes.values().find(is).map(|view| view.spec.as_ref());
    let roots = api.config.log_roots().map_err(|e| ApiError::internal(&e))?;
    allowed::check(principal, spec, before, &roots)?;
    Ok(define_logs::outside(api.handle.home(), &spec.logs)?)
}

/// The app of these processes, and the tag of its definition.
///
/// # Errors
/// 404 without any.
pub async fn shown(
    api: &Api,
    views: &[Arc<ProcessView>],
) -> Result<([(HeaderName, String); 1], wire::App), ApiError> {
    let measured = api.handle.measured().await;
    let app = convert::app(views, measured.as_deref()).ok_or_else(ApiError::no_route)?;
    let tag = views.first().map(|view| conditional::tag(view)).unwrap_or_default();
    Ok(([(header::ETAG, tag)], app))
}
