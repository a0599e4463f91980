//! `GET /apps/new`: the form that defines an app. What it says is checked by what checks the API's
//! own definitions, while one types and when it is sent.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{FORM_WAIT, Fields};
use crate::api::access::{AppWrite, PageAuth};
use crate::api::apps::create::create_app;
use crate::api::apps::definition;
use crate::api::audit::Note;
use crate::api::{ApiError, Shared, convert};
use crate::dashboard::{self, StartPage};
use crate::wire::{FieldError, HealthCheck, NewApp, size};

/// The empty form. What its address says is typed in already.
pub async fn form(auth: PageAuth<AppWrite>, query: axum::extract::RawQuery) -> Html<String> {
    let said = query.0.unwrap_or_default();
    let fields = Fields(form_urlencoded::parse(said.as_bytes()).into_owned().collect());
    let (app, _) = read(&fields);
    Html(dashboard::start_page(&StartPage {
        values: &fields.0,
        app: &app,
        errors: &[],
        who: &convert::whoami(&auth.principal),
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
    let (app, mut errors) = read(&fields);
    if errors.is_empty()
        && !app.script.is_empty()
        && let Err(refused) = try_out(&auth, &api, app.clone()).await
    {
        errors = told(refused);
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
    let (app, mut errors) = read(&fields);
    if errors.is_empty() {
        match create_app(&api, &auth.principal, &note, app.clone(), FORM_WAIT).await {
            Ok(views) => {
                let reference = views
                    .first()
                    .map_or_else(String::new, |view| format!("{}:{}", view.spec.namespace, view.spec.name));
                return Redirect::to(&format!("/apps/{reference}")).into_response();
            }
            Err(refused) => errors = told(refused),
        }
    }
    let page = dashboard::start_page(&StartPage {
        values: &fields.0,
        app: &app,
        errors: &errors,
        who: &convert::whoami(&auth.principal),
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
}

/// Everything that can be found out without starting it.
async fn try_out(auth: &PageAuth<AppWrite>, api: &Shared, app: NewApp) -> Result<(), ApiError> {
    let spec = definition::resolved(api, app).await?;
    definition::may_be(api, &auth.principal, &spec)?;
    let same = |view: &crate::daemon::view::ProcessView| {
        view.spec.name == spec.name && view.spec.namespace == spec.namespace
    };
    match auth.snapshot(api).processes.values().any(|view| same(view)) {
        false => Ok(()),
        true => Err(ApiError::member(
            "/name",
            format!("an app named {} exists already in namespace {}", spec.name, spec.namespace),
        )),
    }
}

/// A refusal as wrong fields; one without is about the whole.
fn told(refused: ApiError) -> Vec<FieldError> {
    match refused.errors.is_empty() {
        false => refused.errors,
        true => vec![FieldError { pointer: String::new(), detail: refused.detail }],
    }
}

/// The definition that the fields make, and what of them is not even one.
fn read(fields: &Fields) -> (NewApp, Vec<FieldError>) {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    let text = |name: &str| fields.get(name).map(str::to_owned);
    let args = text("args").unwrap_or_default();
    let args = shlex::split(&args).unwrap_or_else(|| {
        wrong("/args", "a quote is never closed".to_owned());
        Vec::new()
    });
    let instances = text("instances").and_then(|said| match said.parse() {
        Ok(number) => Some(number),
        Err(_) => {
            wrong("/instances", format!("{said:?} is not a number: use 1 to 1000"));
            None
        }
    });
    let memory = text("memory").and_then(|said| match size::parse(&said) {
        Ok(bytes) => i64::try_from(bytes).ok(),
        Err(why) => {
            wrong("/max_memory_bytes", why);
            None
        }
    });
    let mut env = std::collections::BTreeMap::new();
    for line in text("env").unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once('=') {
            Some((name, value)) => drop(env.insert(name.trim().to_owned(), value.to_owned())),
            None => wrong("/env", format!("{line:?} is no variable: write NAME=value")),
        }
    }
    let app = NewApp {
        script: text("script").unwrap_or_default(),
        name: text("name"),
        namespace: text("namespace"),
        args,
        cwd: text("cwd"),
        interpreter: text("interpreter"),
        instances,
        port: text("port"),
        env,
        autorestart: text("once").map(|_| false),
        max_memory_bytes: memory,
        ready: text("ready"),
        health_check: text("health").map(|url| HealthCheck { url: Some(url), ..HealthCheck::default() }),
        ..NewApp::default()
    };
    (app, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str) -> (NewApp, Vec<String>) {
        let (app, errors) = read(&Fields(form_urlencoded::parse(said.as_bytes()).into_owned().collect()));
        (app, errors.into_iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect())
    }

    #[test]
    fn fields_become_members_of_the_definition() {
        let (app, errors) = check(
            "script=a.js&name=+web+&args=x+%27y+z%27&env=A%3D1%0D%0A%0D%0AB%3Dc%3Dd&instances=3&memory=1M&once=yes&port=",
        );
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(app.name.as_deref(), Some("web"));
        assert_eq!(app.args, ["x", "y z"]);
        assert_eq!(app.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "c=d".to_owned())].into());
        assert_eq!((app.instances, app.max_memory_bytes), (Some(3), Some(1 << 20)));
        assert_eq!((app.autorestart, app.port), (Some(false), None));
    }

    #[test]
    fn everything_that_is_no_value_is_told_at_once() {
        let (_, errors) = check("script=a&args=%27x&instances=many&memory=lots&env=A");
        let pointers: Vec<_> = errors.iter().map(|error| error.split(':').next().unwrap()).collect();
        assert_eq!(pointers, ["/args", "/instances", "/max_memory_bytes", "/env"], "{errors:?}");
    }
}
