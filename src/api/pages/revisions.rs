//! `GET /apps/{ref}/revisions`: what the definition was.

use axum::extract::State;
use axum::response::Html;

use super::reader;
use crate::api::access::{PageAuth, View};
use crate::api::apps::revisions::kept;
use crate::api::convert_revision::revisions;
use crate::api::extract::Path;
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert};
use crate::dashboard::{self, AppRevisionsPage};

/// The page.
pub async fn page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    let app = convert::app(&views, None).ok_or_else(ApiError::no_route)?;
    Ok(Html(dashboard::app_revisions_page(&AppRevisionsPage {
        app: &app,
        revisions: &revisions(&kept(&api, &views).await?),
        reader: &reader(&auth.principal, &api),
    })))
}
