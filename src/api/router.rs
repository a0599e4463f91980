//! The table of contents.

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Auth, View};
use super::parameters::Described;
use super::{
    ApiError, Shared, alerts, apps, audit, auth, compat, compress, config, events, flush, forwards, guard,
    health, idempotency, in_flight, login, logs, metrics, naming, openapi, operations, pages, plans, points,
    ports, processes, prometheus, reload_logs, requests, secrets, sessions, system, tally, tokens, users, ws,
};

/// The longest body.
const MAX_BODY: usize = 1024 * 1024;

/// Everything that programs call: in the OpenAPI document by being here.
pub fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::Base::openapi())
        .routes(routes!(apps::list::list, apps::create::create))
        .routes(routes!(apps::show::show, apps::update::update, apps::patch::patch, apps::delete::delete))
        .routes(routes!(apps::start::start))
        .routes(routes!(apps::stop::stop))
        .routes(routes!(apps::restart::restart))
        .routes(routes!(apps::reload::reload))
        .routes(routes!(apps::reset::reset))
        .routes(routes!(apps::inherit::inherit))
        .routes(routes!(apps::env::change, apps::variables::show, apps::variables::patch))
        .routes(routes!(apps::env::reveal))
        .routes(routes!(apps::watch::watch))
        .routes(routes!(apps::runs::runs))
        .routes(routes!(apps::revisions::list))
        .routes(routes!(apps::revisions::show))
        .routes(routes!(apps::rollback::rollback))
        .routes(routes!(apps::scale::scale))
        .routes(routes!(apps::signal::signal))
        .routes(routes!(apps::send::send))
        .routes(routes!(apps::message::message))
        .routes(routes!(apps::trigger::trigger))
        .routes(routes!(logs::of_app, flush::of_app))
        .routes(routes!(processes::list::list))
        .routes(routes!(processes::show::show))
        .routes(routes!(metrics::of_process))
        .routes(routes!(metrics::of_app))
        .routes(routes!(metrics::of_system))
        .routes(routes!(operations::list::list, operations::operate::operate))
        .routes(routes!(operations::show::show, operations::cancel::cancel))
        .routes(routes!(operations::follow::follow))
        .routes(routes!(plans::make::make))
        .routes(routes!(plans::schema::schema))
        .routes(routes!(points::list::list))
        .routes(routes!(points::save::save, points::delete::delete))
        .routes(routes!(points::resurrect::resurrect))
        .routes(routes!(ports::list))
        .routes(routes!(ports::show))
        .routes(routes!(logs::of_process, flush::of_process))
        .routes(routes!(logs::of_all, flush::of_all))
        .routes(routes!(reload_logs::of_app))
        .routes(routes!(reload_logs::of_all))
        .routes(routes!(forwards::list::list, forwards::add::add))
        .routes(routes!(forwards::remove::remove))
        .routes(routes!(forwards::test::test))
        .routes(routes!(alerts::list::list))
        .routes(routes!(alerts::rules::list::list, alerts::rules::add::add))
        .routes(routes!(
            alerts::rules::show::show,
            alerts::rules::replace::replace,
            alerts::rules::remove::remove
        ))
        .routes(routes!(alerts::channels::list::list, alerts::channels::add::add))
        .routes(routes!(
            alerts::channels::show::show,
            alerts::channels::replace::replace,
            alerts::channels::remove::remove
        ))
        .routes(routes!(alerts::channels::test::test))
        .routes(routes!(secrets::list::list))
        .routes(routes!(secrets::set::set, secrets::remove::remove))
        .routes(routes!(events::list))
        .routes(routes!(system::show::show))
        .routes(routes!(logs::system::own))
        .routes(routes!(system::shutdown::shutdown))
        .routes(routes!(config::show::show, config::set::set))
        .routes(routes!(system::reload::reload))
        .routes(routes!(system::upgrade::upgrade))
        .routes(routes!(system::listen::add))
        .routes(routes!(system::listen::lend))
        .routes(routes!(system::listen::remove))
        .routes(routes!(system::requests::watch))
        .routes(routes!(auth::whoami::whoami))
        .routes(routes!(auth::login_link::login_link))
        .routes(routes!(tokens::list::list, tokens::create::create))
        .routes(routes!(tokens::revoke::revoke))
        .routes(routes!(users::list::list, users::add::add))
        .routes(routes!(users::remove::remove))
        .routes(routes!(users::grant::grant))
        .routes(routes!(users::password::set))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::end::end))
        .routes(routes!(audit::list::list))
        .routes(routes!(audit::verify::verify))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::logout::logout))
        .routes(routes!(prometheus::metrics))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(openapi::openapi))
        .routes(routes!(compat::processes::list, compat::processes::start))
        .routes(routes!(compat::processes::show, compat::processes::delete))
        .routes(routes!(compat::system::system))
        .routes(routes!(compat::logs::logs))
}

/// What people look at.
fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(pages::list::list))
        .route("/bulk", post(pages::bulk::bulk))
        .route("/events", get(pages::events::page))
        .route("/ports", get(pages::ports::page))
        .route("/alerts", get(pages::alerts::page))
        .route("/alerts/{what}/{verb}", get(pages::alerts::ask).post(pages::alerts::change))
        .route("/operations", get(pages::operations::page))
        .route("/operations/{id}", get(pages::operations::one))
        .route("/operations/{id}/cancel", post(pages::operations::cancel))
        .route("/system", get(pages::system::page))
        .route("/audit", get(pages::audit::page))
        .route("/settings", get(pages::settings::page))
        .route("/settings/{what}/{verb}", post(pages::settings::change))
        .route("/apps/new", get(pages::start::empty).post(pages::start::start))
        .route("/apps/{ref}", get(pages::app::overview))
        .route("/logs", get(pages::logs::of_all))
        .route("/apps/{ref}/logs", get(pages::logs::of_app))
        .route("/apps/{ref}/events", get(pages::app::events_page))
        .route("/apps/{ref}/metrics", get(pages::app::metrics_page))
        .route("/apps/{ref}/config", get(pages::app::config))
        .route("/apps/{ref}/update", get(pages::update::form).post(pages::update::update))
        .route("/apps/{ref}/revisions", get(pages::revisions::page))
        .route("/apps/{ref}/rollback", get(pages::rollback::ask).post(pages::rollback::rollback))
        .route("/apps/{ref}/delete", get(pages::app::delete).post(pages::act::delete_by_form))
        .route("/apps/{ref}/{verb}", post(pages::act::act_by_form))
        .route("/fragments/processes", get(pages::list::table))
        .route("/fragments/events", get(pages::events::fragment))
        .route("/fragments/alerts", get(pages::alerts::fragment))
        .route("/fragments/ports", get(pages::ports::fragment))
        .route("/fragments/operations", get(pages::operations::fragment))
        .route("/fragments/operations/{id}", get(pages::operations::one_now))
        .route("/fragments/apps/check", post(pages::start::check))
        .route("/fragments/apps/{ref}", get(pages::app::now))
        .route("/fragments/apps/{ref}/check", post(pages::update::check))
        .route("/fragments/apps/{ref}/events", get(pages::app::events_fragment))
        .route("/docs", get(pages::docs))
        .route("/login", get(login::login).post(login::log_in))
        .route("/login/once", get(login::login_once).post(login::redeem))
        .route("/logout", post(login::logout))
        .route("/assets/{version}/{*path}", get(pages::asset))
        .fallback(unknown_route)
        .layer(from_fn(pages::problems_as_pages))
}

/// All of it.
pub fn router(api: Shared) -> Router {
    let (described, document) = described().split_for_parts();
    described
        .route_layer(Extension(Described::by(&document)))
        .merge(pages())
        .route("/health", get(health::alive))
        .route("/status", get(health::alive))
        .route("/ws", get(ws::ws))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(api.clone(), idempotency::once))
        .layer(from_fn(compress::mark))
        .layer(
            CompressionLayer::new().quality(CompressionLevel::Precise(6)).compress_when(compress::is_wanted),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api.clone(), in_flight::bound))
        .layer(from_fn(naming::version))
        .layer(from_fn_with_state(api.clone(), audit::keep))
        .layer(from_fn_with_state(api.clone(), guard::guard))
        .layer(from_fn_with_state(api.clone(), tally::count))
        .layer(from_fn_with_state(api.clone(), requests::record))
        .layer(from_fn(naming::name))
        .with_state(api)
}

/// Only who may look at all learns what is not there.
async fn unknown_route(_auth: Auth<View>) -> ApiError {
    ApiError::no_route()
}

async fn wrong_method(_auth: Auth<View>) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take that method: /docs lists every route",
    )
}

fn panicked(what: Box<dyn std::any::Any + Send>) -> Response {
    let text =
        what.downcast_ref::<String>().map(String::as_str).or_else(|| what.downcast_ref::<&str>().copied());
    ApiError::internal(&text.unwrap_or("a panic without words")).into_response()
}
