//! `GET /apps/new`: the form that defines an app. What it says is checked by what checks the API's
//! own definitions, while one types and when it is sent.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{FORM_WAIT, Fields, reader, wrong};
use crate::api::access::{AppWrite, PageAuth};
use crate::api::apps::create::create_app;
use crate::api::audit::Note;
use crate::api::plans::make;
use crate::api::{ApiError, Shared};
use crate::dashboard::{self, StartPage, form};
use crate::wire::{FieldError, NewApp, PlanAction, PlanOrder};

/// The empty form. What its address says is typed in already.
pub async fn empty(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    query: axum::extract::RawQuery,
) -> Html<String> {
    let said = query.0.unwrap_or_default();
    // A box is ticked unless somebody unticks it.
    let ticked = [("autorestart".to_owned(), "true".to_owned())];
    let said = form_urlencoded::parse(said.as_bytes()).into_owned();
    let fields = Fields(ticked.into_iter().chain(said).collect());
    let (app, _) = form::read(&fields.0, &NewApp::default());
    Html(dashboard::start_page(&StartPage {
        values: &fields.0,
        app: &app,
        errors: &[],
        reader: &reader(&auth.principal, &api),
    }))
}

/// `POST /fragments/apps/check`: what is wrong with it so far. It changes nothing.
pub async fn check(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    fields: Fields,
) -> Html<String> {
    note.changes_nothing();
    let (app, mut errors) = form::read(&fields.0, &NewApp::default());
    if !app.script.is_empty() {
        all_wrong(&auth, &api, &app, &mut errors).await;
    }
    Html(dashboard::start_fragment(&app, &errors))
}

/// `POST /apps/new`: starts it, and shows it; or shows the form again with what is wrong.
pub async fn start(
    auth: PageAuth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    fields: Fields,
) -> Response {
    let (app, mut errors) = form::read(&fields.0, &NewApp::default());
    all_wrong(&auth, &api, &app, &mut errors).await;
    if errors.is_empty() {
        match create_app(&api, &auth.principal, &note, app.clone(), FORM_WAIT).await {
            Ok(views) => {
                let reference = views
                    .first()
                    .map_or_else(String::new, |view| format!("{}:{}", view.spec.namespace, view.spec.name));
                return Redirect::to(&format!("/apps/{reference}")).into_response();
            }
            Err(refused) => errors = wrong(refused),
        }
    }
    let page = dashboard::start_page(&StartPage {
        values: &fields.0,
        app: &app,
        errors: &errors,
        reader: &reader(&auth.principal, &api),
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
}

/// So many wrong fields are told at once.
const MOST: usize = 16;

/// Adds what else is wrong than that what `errors` names. A refusal names one field; without that the
/// next one is found.
async fn all_wrong(auth: &PageAuth<AppWrite>, api: &Shared, app: &NewApp, errors: &mut Vec<FieldError>) {
    let mut rest = app.clone();
    while errors.len() < MOST {
        let Err(refused) = try_out(auth, api, rest.clone()).await else { return };
        let (at, named) = (errors.len(), wrong(refused));
        for error in named {
            if !errors.iter().any(|known| known.pointer == error.pointer) {
                errors.push(error);
            }
        }
        for error in &errors[at..] {
            match form::without(&rest, &error.pointer) {
                Some(less) => rest = less,
                // Nothing can be left out, so nothing more is found out.
                None => return,
            }
        }
        if errors.len() == at {
            return;
        }
    }
}

/// Everything that can be found out without starting it.
async fn try_out(auth: &PageAuth<AppWrite>, api: &Shared, app: NewApp) -> Result<(), ApiError> {
    let order = PlanOrder { apps: vec![app], prune: false, update_env: false };
    let plan = make::plan(&auth.with()?, api, order).await?;
    match plan.steps.into_iter().next() {
        Some(step) if step.action != PlanAction::Create => {
            let detail = format!("an app named {} exists already in namespace {}", step.app, step.namespace);
            Err(ApiError::member("/name", detail))
        }
        Some(_) | None => Ok(()),
    }
}
