//! The dashboard's routes: what the views in [`crate::dashboard`] are filled with.
//!
//! Every page works without script: actions are plain forms that come back to the list.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::access::{self, AppOperate, LogsRead, PageAuth, View};
use super::act::act;
use super::extract::Path;
use super::resolve::resolve;
use super::{ApiError, Shared, convert, logs, processes, system};
use crate::dashboard::{self, LogsPage, ProcessesPage};
use crate::wire::{Action, Problem};

/// How long a form waits for the outcome before it shows the list.
const FORM_WAIT: std::time::Duration = std::time::Duration::from_secs(15);
/// Lines on a logs page.
const LOG_LINES: usize = 500;

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

/// `GET /`
pub async fn list(auth: PageAuth<View>, State(api): State<Shared>) -> Result<Html<String>, ApiError> {
    let processes = processes::list::all(&api, &auth.principal).await;
    let system = system::show::system(&api).await?;
    let who = convert::whoami(&auth.principal);
    Ok(Html(dashboard::processes_page(&ProcessesPage {
        processes: &processes,
        system: &system,
        who: &who,
        notice: None,
    })))
}

/// `GET /fragments/processes`: the table's body, for a page whose rows have come or gone.
pub async fn table(auth: PageAuth<View>, State(api): State<Shared>) -> Html<String> {
    let processes = processes::list::all(&api, &auth.principal).await;
    Html(dashboard::table_fragment(&processes, &convert::whoami(&auth.principal)))
}

/// `POST /apps/{ref}/{verb}`: the buttons, without script.
pub async fn act_by_form(
    auth: PageAuth<AppOperate>,
    State(api): State<Shared>,
    Path((reference, verb)): Path<(String, String)>,
) -> Result<Redirect, ApiError> {
    let verb = match verb.as_str() {
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        _ => return Err(ApiError::no_route()),
    };
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    act(&api, verb, &targets, FORM_WAIT).await?;
    Ok(Redirect::to("/"))
}

/// `GET /apps/{ref}/logs`
pub async fn app_logs(
    auth: PageAuth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let views = resolve(&auth.snapshot(&api), &reference)?;
    let lines = logs::last_lines(&api.handle, &views, LOG_LINES, None).await?;
    let title = match views.as_slice() {
        [one] => one.name(),
        several => several.first().map_or_else(String::new, |view| view.spec.name.to_string()),
    };
    let who = convert::whoami(&auth.principal);
    Ok(Html(dashboard::logs_page(&LogsPage {
        title: &title,
        reference: &reference,
        lines: &lines,
        who: &who,
    })))
}

/// `GET /docs`
pub async fn docs(auth: PageAuth<View>) -> Html<String> {
    let who = convert::whoami(&auth.principal);
    Html(dashboard::docs_page(super::openapi::document(), &who))
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
    Ok((headers, asset.bytes.into_owned()).into_response())
}
