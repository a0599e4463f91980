//! `GET /apps/{ref}/logs`: what was written.

use axum::extract::State;
use axum::response::Html;

use crate::api::access::{LogsRead, PageAuth};
use crate::api::extract::Path;
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared, convert, logs};
use crate::dashboard::{self, LogsPage};

/// Lines on a logs page.
const LOG_LINES: usize = 500;

/// The page.
pub async fn app_logs(
    auth: PageAuth<LogsRead>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let views = resolve(&api.handle.snapshot(), &reference)?;
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
