//! The dashboard's routes: what the views in [`crate::dashboard`] are filled with.
//!
//! Every page works without script: actions are plain forms that come back to where they were sent.

pub mod act;
pub mod alerts;
pub mod app;
pub mod audit;
pub mod bulk;
pub mod events;
pub mod list;
pub mod logs;
pub mod operations;
pub mod ports;
pub mod revisions;
pub mod rollback;
pub mod settings;
pub mod start;
pub mod system;
pub mod update;

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::access::{self, PageAuth, View};
use super::extract::Path;
use super::{Api, ApiError, Shared, alerts as alerts_of_api, convert, login};
use crate::auth::Principal;
use crate::dashboard::{self, Reader};
use crate::wire::{FieldError, Problem};

/// How long a form waits for the outcome before it shows the page.
const FORM_WAIT: std::time::Duration = std::time::Duration::from_secs(15);

/// The middleware around all pages: who looks at pages gets a problem as a page.
pub async fn problems_as_pages(request: Request, next: Next) -> Response {
    let html = access::wants_html(request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if html => {
            let page = dashboard::error_page(response.status().as_u16(), problem, None);
            (response.status(), Html(page)).into_response()
        }
        Some(_) | None => response,
    }
}

/// `GET /docs`
pub async fn docs(auth: PageAuth<View>, State(api): State<Shared>) -> Html<String> {
    Html(dashboard::docs_page(super::openapi::document(), &reader(&auth.principal, &api)))
}

/// Whoever looks at a page, and what is told to them on each.
fn reader(principal: &Principal, api: &Api) -> Reader {
    let firing = alerts_of_api::list::firing(api, &principal.namespaces);
    Reader { who: convert::whoami(principal), firing }
}

/// `GET /assets/{version}/{path}`: embedded files; the version is the hash of the whole set.
pub async fn asset(Path((version, path)): Path<(String, String)>) -> Result<Response, ApiError> {
    if version != dashboard::assets::version() {
        return Err(ApiError::no_route());
    }
    let asset = dashboard::assets::get(&path).ok_or_else(ApiError::no_route)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.bytes).into_response())
}

/// The fields of a form, in their order; a name may come several times.
pub struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Fields, Response> {
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Fields(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

impl Fields {
    /// What the first field of that name says; nothing if there is none or it is blank.
    fn get(&self, name: &str) -> Option<&str> {
        let of_name = self.0.iter().find(|(known, _)| known == name);
        of_name.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// What all fields of that name say.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The page to go to afterwards: `next`, if that is one of ours.
    fn next(&self) -> String {
        login::local_path(self.get("next").unwrap_or_default())
    }
}

/// A page that takes a while to be made: not where requests are answered.
async fn aside(make: impl FnOnce() -> String + Send + 'static) -> Result<Html<String>, ApiError> {
    tokio::task::spawn_blocking(make).await.map(Html).map_err(|e| ApiError::internal(&e))
}

/// The parameters of a page. What is not known is left out, and so is what comes twice.
type Asked = axum::extract::Query<BTreeMap<String, String>>;

/// A parameter, empty when it is not there.
fn asked<'a>(query: &'a Asked, name: &str) -> &'a str {
    query.0.get(name).map(String::as_str).unwrap_or_default()
}

/// A refusal as wrong fields of a form about one app; one without is about the whole.
fn wrong(refused: ApiError) -> Vec<FieldError> {
    if refused.errors.is_empty() {
        return vec![FieldError::new("", refused.detail)];
    }
    let mut errors = refused.errors;
    for error in &mut errors {
        // A plan is about several apps, of which this is the first.
        if let Some(rest) = error.pointer.strip_prefix("/apps/0/") {
            error.pointer = format!("/{rest}");
        }
    }
    errors
}
