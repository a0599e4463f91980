//! `GET /audit`: who did what.

use axum::extract::State;
use axum::response::Html;

use super::{Asked, asked, reader};
use crate::api::access::{Admin, PageAuth};
use crate::api::audit::list;
use crate::api::extract::Query;
use crate::api::{ApiError, Shared};
use crate::dashboard;

/// The page. A link never fails: what is no number is the newest records.
pub async fn page(
    auth: PageAuth<Admin>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let which = list::Which {
        since: None,
        before: asked(&query, "before").parse().ok(),
        cursor: None,
        limit: None,
        count: None,
    };
    let axum::Json(list) = list::list(auth.with()?, State(api.clone()), Query(which)).await?;
    Ok(Html(dashboard::audit_page(&list, &reader(&auth.principal, &api))))
}
