//! `GET /operations`, `GET /operations/{id}`: what takes time, and how far it is.

use axum::extract::State;
use axum::response::{Html, Redirect};

use super::{Asked, asked, reader};
use crate::api::access::{AppOperate, PageAuth, View};
use crate::api::audit::Note;
use crate::api::extract::Path;
use crate::api::operations::{cancel as of_api, find, list};
use crate::api::{ApiError, Shared, convert};
use crate::daemon::clock;
use crate::dashboard::{self, OperationsPage};
use crate::wire::Operation;

/// So many on a page.
const MOST: i64 = 50;

/// The page of all.
pub async fn page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let (operations, older) = found(&auth, &api, &query)?;
    Ok(Html(dashboard::operations_page(&OperationsPage {
        operations: &operations,
        state: asked(&query, "state"),
        older: older.as_deref(),
        cursor: asked(&query, "cursor"),
        now_ms: now_ms(),
        reader: &reader(&auth.principal, &api),
    })))
}

/// `GET /fragments/operations`: the list alone.
pub async fn fragment(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let (operations, _) = found(&auth, &api, &query)?;
    Ok(Html(dashboard::operations_fragment(&operations, asked(&query, "state"), now_ms())))
}

/// The page of one.
pub async fn one(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Html<String>, ApiError> {
    let operation = find(&api, &auth.principal, id)?;
    Ok(Html(dashboard::operation_page(&operation, now_ms(), &reader(&auth.principal, &api))))
}

/// `GET /fragments/operations/{id}`: what of it changes.
pub async fn one_now(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Html<String>, ApiError> {
    let operation = find(&api, &auth.principal, id)?;
    Ok(Html(dashboard::operation_fragment(&operation, now_ms(), &convert::whoami(&auth.principal))))
}

/// `POST /operations/{id}/cancel`: has the rest left undone, and shows that.
pub async fn cancel(
    auth: PageAuth<AppOperate>,
    State(api): State<Shared>,
    note: Note,
    Path(id): Path<i64>,
) -> Result<Redirect, ApiError> {
    drop(of_api::cancel(auth.with()?, State(api), note, Path(id)).await?);
    Ok(Redirect::to(&format!("/operations/{id}")))
}

fn found(
    auth: &PageAuth<View>,
    api: &Shared,
    query: &Asked,
) -> Result<(Vec<Operation>, Option<String>), ApiError> {
    let said = |name| Some(asked(query, name).to_owned()).filter(|text| !text.is_empty());
    let which = list::Which { state: said("state"), limit: Some(MOST), cursor: said("cursor"), count: None };
    list::found(api, &auth.principal, &which)
}

fn now_ms() -> i64 {
    clock::unix_ms() as i64
}
