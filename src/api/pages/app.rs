//! `GET /apps/{ref}`: one app.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::list::order;
use super::{Asked, Fields, asked, reader};
use crate::api::access::{PageAuth, View};
use crate::api::apps::runs;
use crate::api::extract::{Path, Query};
use crate::api::resolve::{resolve, resolve_app};
use crate::api::{ApiError, Shared, balancer_state, convert, log_state, metrics};
use crate::daemon::view::ProcessView;
use crate::dashboard::{self, AppMetricsPage, AppPage, ConfirmPage, Reader};
use crate::sample::history::{Range, Series};
use crate::store::EventQuery;
use crate::wire::{Action, App, Event, JobRun};

/// So many of the latest events of a process are looked through.
const EVENTS: usize = 100;
/// An app with more processes than this is told from the events of all.
const SINGLY: usize = 20;
/// So many of those.
const ALL_EVENTS: usize = 1000;

/// So many runs of a job are told.
const RUNS: u32 = 6;

/// So many processes of an app have charts on one page.
const CHARTS: usize = 8;

/// An app and its reader.
struct Seen {
    app: App,
    events: Vec<Event>,
    /// The latest, of a job.
    runs: Vec<JobRun>,
    reader: Reader,
}

impl Seen {
    /// As it is defined, and no more.
    fn defined(auth: &PageAuth<View>, api: &Shared, views: &[Arc<ProcessView>]) -> Result<Seen, ApiError> {
        let app = convert::app(views, None).ok_or_else(ApiError::no_route)?;
        Ok(Seen { app, events: Vec::new(), runs: Vec::new(), reader: reader(&auth.principal, api) })
    }

    /// With what has happened to it.
    async fn told(auth: &PageAuth<View>, api: &Shared, reference: &str) -> Result<Seen, ApiError> {
        let views = resolve_app(&auth.snapshot(api), reference)?;
        Ok(Seen { events: events(api, &views).await?, ..Seen::defined(auth, api, &views)? })
    }

    /// With what it uses at this moment, too.
    async fn measured(auth: &PageAuth<View>, api: &Shared, reference: &str) -> Result<Seen, ApiError> {
        let snapshot = auth.snapshot(api);
        let views = resolve_app(&snapshot, reference)?;
        let measured = api.handle.measured().await;
        let mut app = convert::app(&views, measured.as_deref()).ok_or_else(ApiError::no_route)?;
        log_state::add(api, &views, &mut app.processes).await?;
        app.balancer = balancer_state::of(api, &snapshot, &views).await;
        let mut runs = Vec::new();
        if app.schedule.is_some() {
            let (path, which) = (Path(reference.to_owned()), Query(runs::Which::of(RUNS)));
            runs = runs::runs(auth.with()?, State(api.clone()), path, which).await?.0.items;
        }
        Ok(Seen { app, events: events(api, &views).await?, runs, reader: reader(&auth.principal, api) })
    }

    fn page(&self) -> AppPage<'_> {
        AppPage { app: &self.app, events: &self.events, runs: &self.runs, reader: &self.reader }
    }
}

/// What has happened to them, oldest first.
async fn events(api: &Shared, views: &[Arc<ProcessView>]) -> Result<Vec<Event>, ApiError> {
    let ids: Vec<_> = views.iter().map(|view| view.id).collect();
    let rows = api.handle.recorder().read(move |store| {
        let query = |process, limit| EventQuery { process, limit, newest: true, ..EventQuery::default() };
        if ids.len() > SINGLY {
            let mut rows = store.events(&query(None, ALL_EVENTS))?;
            rows.retain(|row| row.process.is_some_and(|id| ids.contains(&id)));
            return Ok(rows);
        }
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(store.events(&query(Some(id), EVENTS))?);
        }
        rows.sort_by_key(|row| row.seq);
        Ok::<_, crate::store::StoreError>(rows)
    });
    let rows = rows.await.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
    Ok(rows.iter().map(convert::event).collect())
}

/// The overview.
pub async fn overview(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let seen = Seen::measured(&auth, &api, &reference).await?;
    Ok(Html(dashboard::app_page(&seen.page(), &order(&query))))
}

/// `GET /fragments/apps/{ref}`: what of the overview changes.
pub async fn now(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let seen = Seen::measured(&auth, &api, &reference).await?;
    Ok(Html(dashboard::app_fragment(&seen.app, &seen.events, &seen.runs)))
}

/// `GET /apps/{ref}/events`
pub async fn events_page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let seen = Seen::told(&auth, &api, &reference).await?;
    Ok(Html(dashboard::app_events_page(&seen.page())))
}

/// `GET /fragments/apps/{ref}/events`
pub async fn events_fragment(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let seen = Seen::told(&auth, &api, &reference).await?;
    Ok(Html(dashboard::app_events_fragment(&seen.app, &seen.events)))
}

/// `GET /apps/{ref}/metrics`: what its processes have used.
pub async fn metrics_page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let snapshot = auth.snapshot(&api);
    let all = resolve_app(&snapshot, &reference)?;
    let shown = resolve(&snapshot, &reference)?;
    let app = convert::app(&all, None).ok_or_else(ApiError::no_route)?;
    // A link never fails: a word that means nothing is the first range.
    let range = Range::of_word(asked(&query, "range")).unwrap_or(Range::Hour);
    let mut of_each = Vec::new();
    for view in shown.iter().take(CHARTS) {
        let figures = metrics::metrics(&api, Series::Process(view.id), range).await?;
        of_each.push((i64::from(view.id.0), view.name(), figures));
    }
    Ok(Html(dashboard::app_metrics_page(&AppMetricsPage {
        app: &app,
        range: range.as_str(),
        metrics: &of_each,
        left_out: shown.len() - of_each.len(),
        reader: &reader(&auth.principal, &api),
    })))
}

/// `GET /apps/{ref}/config`
pub async fn config(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let seen = Seen::defined(&auth, &api, &resolve_app(&auth.snapshot(&api), &reference)?)?;
    Ok(Html(dashboard::app_config_page(&seen.page())))
}

/// `GET /apps/{ref}/delete`: the question before it. It changes nothing.
pub async fn delete(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<Html<String>, ApiError> {
    let views = resolve_app(&auth.snapshot(&api), &reference)?;
    Ok(Html(confirm_delete(&auth, &views, &reference)))
}

/// The question whether all of an app is to be deleted.
fn confirm_delete(auth: &PageAuth<View>, views: &[Arc<ProcessView>], reference: &str) -> String {
    let names: Vec<String> = views.iter().map(|view| view.name()).collect();
    let sure = Fields(vec![("sure".to_owned(), "yes".to_owned())]);
    dashboard::confirm_page(&ConfirmPage {
        action: Action::Delete,
        names: &names,
        post: &format!("/apps/{reference}/delete"),
        fields: &sure.0,
        back: &format!("/apps/{reference}"),
        who: &convert::whoami(&auth.principal),
    })
}
