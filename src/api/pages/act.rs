//! `POST /apps/{ref}/{verb}`: the buttons, without script.

use axum::extract::State;
use axum::response::Redirect;

use super::{FORM_WAIT, Fields};
use crate::api::access::{AppDelete, AppOperate, Auth, PageAuth};
use crate::api::act::act;
use crate::api::apps::reload::{Soak, ToPort};
use crate::api::extract::{Json, Path, Query};
use crate::api::resolve::{resolve, resolve_app};
use crate::api::{ApiError, Shared, apps};
use crate::wire::{Action, ScaleOrder, SignalOrder};

/// Does it, waits for the outcome, and goes back to the page that asked.
pub async fn act_by_form(
    auth: PageAuth<AppOperate>,
    State(api): State<Shared>,
    Path((reference, verb)): Path<(String, String)>,
    fields: Fields,
) -> Result<Redirect, ApiError> {
    let action = match verb.as_str() {
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        "reset" => Action::Reset,
        "scale" | "signal" | "reload" => {
            order(auth, api, reference, &verb, &fields).await?;
            return Ok(Redirect::to(&fields.next()));
        }
        _ => return Err(ApiError::no_route()),
    };
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    act(&api, &auth.principal, action, &targets, FORM_WAIT).await?;
    Ok(Redirect::to(&fields.next()))
}

/// Deletes all of an app. Who comes without the answer is asked.
pub async fn delete_by_form(
    auth: PageAuth<AppDelete>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    fields: Fields,
) -> Result<Redirect, ApiError> {
    if fields.get("sure") != Some("yes") {
        return Ok(Redirect::to(&format!("/apps/{reference}/delete")));
    }
    // A page about an app speaks of all of it.
    let targets = resolve_app(&auth.snapshot(&api), &reference)?;
    act(&api, &auth.principal, Action::Delete, &targets, FORM_WAIT).await?;
    Ok(Redirect::to("/"))
}

/// What the API has a route of its own for: done by that.
async fn order(
    auth: PageAuth<AppOperate>,
    api: Shared,
    reference: String,
    verb: &str,
    fields: &Fields,
) -> Result<(), ApiError> {
    let auth: Auth<AppOperate> = auth.with()?;
    let wait = || Query(crate::api::act::Wait::of(FORM_WAIT));
    match verb {
        "reload" => {
            let (soak, to) = (Query(Soak::USUAL), Query(ToPort::USUAL));
            drop(apps::reload::reload(auth, State(api), Path(reference), wait(), soak, to).await?);
        }
        "scale" => {
            let text = fields.get("instances").unwrap_or_default();
            let number = text.parse().map_err(|_| {
                ApiError::member(
                    "/instances",
                    format!("{text:?} is not a number of instances: use 1 to 1000"),
                )
            })?;
            let order = ScaleOrder { instances: Some(number), delta: None };
            drop(apps::scale::scale(auth, State(api), Path(reference), wait(), Json(order)).await?);
        }
        _ => {
            let order = SignalOrder { signal: fields.get("signal").unwrap_or_default().to_owned() };
            drop(apps::signal::signal(auth, State(api), Path(reference), Json(order)).await?);
        }
    }
    Ok(())
}
