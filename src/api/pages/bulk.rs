//! `POST /bulk`: one action on the marked processes. Their names are shown first.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{FORM_WAIT, Fields};
use crate::api::access::{AppOperate, PageAuth};
use crate::api::act::act;
use crate::api::audit::Note;
use crate::api::operations::select;
use crate::api::{ApiError, Shared, convert};
use crate::auth::Right;
use crate::dashboard::{self, ConfirmPage};
use crate::wire::{Action, Bulk};

/// Asks, or does it when the answer is there.
pub async fn bulk(
    auth: PageAuth<AppOperate>,
    State(api): State<Shared>,
    note: Note,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let word = fields.get("action").unwrap_or_default();
    let action = match word {
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        "delete" => Action::Delete,
        _ => {
            let detail = format!("{word:?} is not an action: use start, stop, restart or delete");
            return Err(ApiError::member("/action", detail));
        }
    };
    if action == Action::Delete {
        auth.principal.must(Right::AppDelete)?;
    }
    let refs: Vec<String> = fields.all("ref").map(str::to_owned).collect();
    if refs.is_empty() {
        return Err(ApiError::member("/ref", "no process is marked: mark some, then choose what to do"));
    }
    note.about(format!("{} {}", action.as_str(), refs.join(" ")));
    let targets = select(&auth.snapshot(&api), Bulk::of_refs(action, refs))?;
    if fields.get("sure") == Some("yes") {
        let acted = act(&api, &auth.principal, action, &targets, FORM_WAIT).await?;
        let next = match acted.outcome.operation {
            Some(id) if acted.status == StatusCode::ACCEPTED => format!("/operations/{id}"),
            Some(_) | None => fields.next(),
        };
        return Ok(Redirect::to(&next).into_response());
    }
    note.changes_nothing();
    fields.0.push(("sure".to_owned(), "yes".to_owned()));
    let names: Vec<String> = targets.iter().map(|view| view.name()).collect();
    let page = dashboard::confirm_page(&ConfirmPage {
        action,
        names: &names,
        post: "/bulk",
        fields: &fields.0,
        back: &fields.next(),
        who: &convert::whoami(&auth.principal),
    });
    Ok(Html(page).into_response())
}
