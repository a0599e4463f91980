//! How balancers are doing: what the daemon knows of them, and what they say themselves.

use std::sync::Arc;

use super::{Api, convert_balance};
use crate::balance::status::Status;
use crate::daemon::balancing;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::wire;

/// How the balancer of these processes' app is doing, if it has one.
pub async fn of(api: &Api, snapshot: &Snapshot, views: &[Arc<ProcessView>]) -> Option<wire::Balancer> {
    let app = views.first()?.app;
    let view = snapshot.balancers.get(&app)?;
    // One that does not answer is shown by what is known of it.
    let status = Status::ask(&balancing::places(api.handle.home(), app).1).await.ok();
    Some(convert_balance::balancer(view, status))
}
