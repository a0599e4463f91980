//! `GET /ports`: who has which port.

use axum::extract::State;
use axum::response::Html;

use super::reader;
use crate::api::access::{PageAuth, View};
use crate::api::{ApiError, Shared, ports};
use crate::dashboard;

/// The page.
pub async fn page(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    let ports = ports::all(&api, auth.snapshot(&api)).await?;
    Ok(Html(dashboard::ports_page(&ports, &reader(&auth.principal, &api))))
}

/// `GET /fragments/ports`: the list alone.
pub async fn fragment(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    Ok(Html(dashboard::ports_fragment(&ports::all(&api, auth.snapshot(&api)).await?)))
}
