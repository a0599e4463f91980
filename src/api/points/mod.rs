//! `/api/v1/restore-points`: what was defined and what ran, kept under a name.

pub mod delete;
pub mod list;
pub mod resurrect;
pub mod save;

use axum::http::StatusCode;

use super::problem::status_of;
use super::{Api, ApiError};
use crate::daemon::clock;
use crate::daemon::view::Snapshot;
use crate::model::{Goal, Name};
use crate::store::{Point, PointApp, Points, StoreError};
use crate::wire;

/// The point that `kill` leaves: what ran when everything was ended.
pub const LAST_KILL: &str = "last-kill";

fn points(api: &Api) -> Points {
    Points::at(api.handle.home().point_dir())
}

/// The name that somebody gave.
///
/// # Errors
/// 422 when it is none.
fn name(text: &str) -> Result<Name, ApiError> {
    Name::parse(text).map_err(|e| ApiError::member("/name", e.to_string()))
}

/// Everything that is there now and not being deleted.
fn point_of(now: &Snapshot) -> Point {
    let mut apps: Vec<(crate::model::AppId, PointApp)> = Vec::new();
    for view in now.processes.values().filter(|view| view.goal != Goal::Gone) {
        let instance = (view.instance, view.goal == Goal::Up);
        match apps.iter_mut().find(|(id, _)| *id == view.app) {
            Some((_, app)) => _ = app.instances.insert(instance.0, instance.1),
            None => {
                let app = PointApp { spec: view.spec.clone(), instances: [instance].into_iter().collect() };
                apps.push((view.app, app));
            }
        }
    }
    Point { at_ms: clock::unix_ms(), apps: apps.into_iter().map(|(_, app)| app).collect() }
}

fn show(name: &Name, point: &Point) -> wire::RestorePoint {
    let (processes, running) = point.count();
    wire::RestorePoint {
        name: name.to_string(),
        saved_at: super::convert::time(point.at_ms),
        apps: point.apps.len() as i64,
        processes: processes as i64,
        running: running as i64,
    }
}

/// Does something with files, beside the requests of others.
async fn with_files<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(&e))?;
    done.map_err(|error| ApiError::new(status_of(&error), "store_unavailable", error.to_string()))
}

fn no_such_point(name: &Name) -> ApiError {
    let detail = format!("there is no restore point {name}: pmdaemon save {name} makes one");
    ApiError::new(StatusCode::NOT_FOUND, "point_not_found", detail)
}

/// What runs, under the name that `kill` leaves. Nothing, when nothing does: what an earlier kill
/// left is worth more.
///
/// # Errors
/// When it cannot be saved.
pub async fn save_before_kill(api: &Api) -> Result<(), ApiError> {
    let point = point_of(&api.handle.snapshot());
    if point.count().1 == 0 {
        return Ok(());
    }
    let (points, name) = (points(api), name(LAST_KILL)?);
    with_files(move || points.save(&name, &point)).await
}
