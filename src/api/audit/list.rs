//! `GET /api/v1/audit`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::access::{Admin, Auth};
use crate::api::extract::Query;
use crate::api::{ApiError, Shared, convert, cursor, logs};
use crate::store::{AuditQuery, AuditRow, StoreError};
use crate::wire;

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Those that are not older: RFC 3339, or how long ago.
    #[param(nullable = false, example = "24h")]
    pub since: Option<String>,
    /// Those before this `seq`. Without it: the newest.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub before: Option<u64>,
    /// Go on where a page has ended: its `next_cursor`, instead of `before`.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// At most so many. Default 100.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// True: also how many there are on all pages together, as `total`.
    #[param(nullable = false)]
    pub count: Option<bool>,
}

/// The name of this list in its cursors.
const LIST: &str = "audit";

/// Who did what
///
/// Everything that changed something, or was to, and logins that failed. The newest 100,000 are kept.
#[utoipa::path(get, path = "/api/v1/audit", tag = "auth", operation_id = "list_audit", params(Which),
    responses(
        (status = 200, description = "records, oldest first", body = wire::AuditList),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn list(
    _auth: Auth<Admin>,
    State(api): State<Shared>,
    Query(which): Query<Which>,
) -> Result<Json<wire::AuditList>, ApiError> {
    let limit = cursor::limit(which.limit, 100)?;
    let before = match (cursor::place("before", which.before)?, which.cursor.as_deref()) {
        (before, None) => before,
        (None, Some(text)) => Some(cursor::decode(LIST, text)?),
        (Some(_), Some(_)) => return Err(cursor::not_both("before")),
    };
    let since_ms = which.since.as_deref().map(|text| logs::time("since", text)).transpose()?;
    let since_ms = since_ms.map(|us| us / 1000);
    let query = AuditQuery { before, since_ms, limit };
    let counts = which.count == Some(true);
    let read = api.handle.recorder().read(move |store| {
        Ok::<_, StoreError>((store.audit(&query)?, counts.then(|| store.count_audit(&query)).transpose()?))
    });
    let (rows, total) =
        read.await.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
    let full = rows.len() == limit;
    let next_before = rows.first().filter(|row| full && row.seq > 1).map(|row| row.seq as i64);
    let next_cursor = next_before.map(|before| cursor::encode(LIST, before as u64));
    let total = total.map(|total| total as i64);
    Ok(Json(wire::AuditList { items: rows.iter().map(show).collect(), next_cursor, next_before, total }))
}

fn show(row: &AuditRow) -> wire::AuditRecord {
    wire::AuditRecord {
        seq: row.seq as i64,
        ts: convert::time(row.at_ms),
        principal: row.principal.clone(),
        via: row.via.clone(),
        source: row.source.clone(),
        action: row.action.clone(),
        target: row.target.clone(),
        status: i64::from(row.status),
        request_id: row.request_id.clone(),
        hash: row.hash.clone(),
    }
}
