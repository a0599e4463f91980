//! `/apps/{ref}/rollback`: the question what would become different, and the way back.

use axum::extract::State;
use axum::response::{Html, Redirect};

use super::{Asked, FORM_WAIT, Fields, asked, reader};
use crate::api::access::{AppWrite, PageAuth};
use crate::api::act::Wait;
use crate::api::apps::revisions::{find, kept};
use crate::api::apps::rollback as of_api;
use crate::api::conditional::{self, Conditions};
use crate::api::convert_revision::differences;
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert};
use crate::dashboard::{self, RollbackPage};
use crate::model::Goal;
use crate::wire::RollbackOrder;

/// The question. It changes nothing.
pub async fn ask(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let (Some(app), Some(first)) = (convert::app(&views, None), views.first()) else {
        return Err(ApiError::no_route());
    };
    let number = number(asked(&query, "revision"))?;
    let rows = kept(&api, &views).await?;
    let row = find(&rows, number)?;
    Ok(Html(dashboard::rollback_page(&RollbackPage {
        app: &app,
        revision: number,
        differences: &differences(first.app, &first.spec, &row.spec),
        etag: &conditional::tag(first),
        restarts: views.iter().any(|view| view.goal == Goal::Up),
        reader: &reader(&auth.principal, &api),
    })))
}

/// Goes back, and shows the revisions.
pub async fn rollback(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    fields: Fields,
) -> Result<Redirect, ApiError> {
    let order = RollbackOrder { revision: Some(number(fields.get("revision").unwrap_or_default())?) };
    let etag = fields.get("etag").ok_or_else(|| {
        ApiError::member("/etag", "say which version is to be replaced: go back by the page of the revisions")
    })?;
    let (which, wait) = (Query(of_api::Which { then: None }), Query(Wait::of(FORM_WAIT)));
    let (path, conditions) = (Path(reference.clone()), Conditions::matching(etag));
    drop(of_api::rollback(auth.with()?, State(api), conditions, path, which, wait, Json(order)).await?);
    Ok(Redirect::to(&format!("/apps/{reference}/revisions")))
}

fn number(text: &str) -> Result<i64, ApiError> {
    let refuse = || ApiError::member("/revision", format!("{text:?} is not the number of a revision"));
    text.parse().map_err(|_| refuse())
}
