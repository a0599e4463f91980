//! `/apps/{ref}/update`: the form that changes a definition. What would be different is shown first,
//! and what is saved is what was shown. Plans and updates of the API do the work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{FORM_WAIT, Fields, reader, wrong};
use crate::api::access::{AppWrite, PageAuth};
use crate::api::act::Wait;
use crate::api::apps::{
    self,
    reload::{Soak, ToPort},
};
use crate::api::audit::Note;
use crate::api::conditional::{self, Conditions};
use crate::api::convert_given::asked_for;
use crate::api::extract::{Path, Query};
use crate::api::plans::make;
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert};
use crate::dashboard::{self, AppUpdatePage, Reader, Wanted, form};
use crate::wire::{App, NewApp, PlanOrder, Then};

/// An app, and what somebody would have to send for it to be as it is.
struct Known {
    app: App,
    new: NewApp,
    etag: String,
}

impl Known {
    async fn of(auth: &PageAuth<AppWrite>, api: &Shared, reference: &str) -> Result<Known, ApiError> {
        let views = resolve_app(&auth.snapshot(api), reference)?;
        let (Some(app), Some(first)) = (convert::app(&views, None), views.first()) else {
            return Err(ApiError::no_route());
        };
        let spec = first.spec.clone();
        let new = tokio::task::spawn_blocking(move || asked_for(&spec)).await;
        Ok(Known { app, new: new.map_err(|e| ApiError::internal(&e))??, etag: conditional::tag(first) })
    }

    /// What the fields want, and what it takes.
    async fn wanted(&self, auth: &PageAuth<AppWrite>, api: &Shared, fields: &Fields) -> (NewApp, Wanted) {
        let (new, errors) = form::read(&fields.0, &self.new);
        let etag = fields.get("etag").unwrap_or_default().to_owned();
        let mut wanted = Wanted { stale: etag != self.etag, plan: None, errors, etag };
        if wanted.errors.is_empty() {
            let order = PlanOrder { apps: vec![new.clone()], prune: false, update_env: false };
            match async { make::plan(&auth.with()?, api, order).await }.await {
                Ok(plan) => wanted.plan = Some(plan),
                Err(refused) => wanted.errors = wrong(refused),
            }
        }
        (new, wanted)
    }

    fn page(&self, reader: &Reader, values: &[(String, String)], wanted: &Wanted) -> Html<String> {
        Html(dashboard::app_update_page(&AppUpdatePage { app: &self.app, values, wanted, reader }))
    }
}

/// The form, with everything as it is.
pub async fn form(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let known = Known::of(&auth, &api, &reference).await?;
    let wanted = Wanted { etag: known.etag.clone(), ..Wanted::default() };
    Ok(known.page(&reader(&auth.principal, &api), &form::texts(&known.new), &wanted))
}

/// `POST /fragments/apps/{ref}/check`: what would be different so far. It changes nothing.
pub async fn check(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    note: Note,
    fields: Fields,
) -> Result<Html<String>, ApiError> {
    note.changes_nothing();
    let known = Known::of(&auth, &api, &reference).await?;
    let (_, wanted) = known.wanted(&auth, &api, &fields).await;
    Ok(Html(dashboard::app_update_fragment(&known.app, &wanted)))
}

/// What is done after a definition was saved.
#[derive(Clone, Copy)]
enum After {
    Follow(Then),
    Reload,
}

/// Saves what was shown and goes to the app; shows what would be different if that was not shown
/// before, or what is wrong.
pub async fn update(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    note: Note,
    fields: Fields,
) -> Result<Response, ApiError> {
    let known = Known::of(&auth, &api, &reference).await?;
    let (new, mut wanted) = known.wanted(&auth, &api, &fields).await;
    let shown = wanted.plan.as_ref().is_some_and(|plan| fields.get("digest") == Some(plan.digest.as_str()));
    let after = match fields.get("then") {
        None => None,
        Some("keep") => Some(After::Follow(Then::Keep)),
        Some("start") => Some(After::Follow(Then::Start)),
        Some("restart") => Some(After::Follow(Then::Restart)),
        Some("reload") => Some(After::Reload),
        Some(word) => {
            let detail = format!("{word:?} cannot follow a change: use keep, start, restart or reload");
            return Err(ApiError::member("/then", detail));
        }
    };
    if let Some(after) = after
        && shown
        && !wanted.stale
    {
        match save(&auth, &api, &reference, &known.etag, new, after).await {
            Ok(()) => return Ok(Redirect::to(&format!("/apps/{reference}")).into_response()),
            Err(refused) => {
                wanted.stale = refused.status == StatusCode::PRECONDITION_FAILED;
                let page = known.page(
                    &reader(&auth.principal, &api),
                    &fields.0,
                    &Wanted { errors: wrong(refused), plan: None, ..wanted },
                );
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
            }
        }
    }
    note.changes_nothing();
    let status = match wanted.errors.is_empty() && !wanted.stale {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok((status, known.page(&reader(&auth.principal, &api), &fields.0, &wanted)).into_response())
}

async fn save(
    auth: &PageAuth<AppWrite>,
    api: &Shared,
    reference: &str,
    etag: &str,
    new: NewApp,
    after: After,
) -> Result<(), ApiError> {
    let then = match after {
        After::Follow(then) => then,
        After::Reload => Then::Keep,
    };
    let path = || Path(reference.to_owned());
    let wait = || Query(Wait::of(FORM_WAIT));
    let which = apps::update::Which::of(then);
    let conditions = Conditions::matching(etag);
    let for_long = Wait::of(FORM_WAIT);
    drop(apps::update::replace(api, &auth.with()?, &conditions, reference, new, &which, &for_long).await?);
    match after {
        After::Reload => {
            let (soak, to) = (Query(Soak::USUAL), Query(ToPort::USUAL));
            drop(apps::reload::reload(auth.with()?, State(api.clone()), path(), wait(), soak, to).await?);
            Ok(())
        }
        After::Follow(_) => Ok(()),
    }
}
