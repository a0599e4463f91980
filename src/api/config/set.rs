//! `PUT /api/v1/system/config`

use std::path::{Component, Path, PathBuf};

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderName, header};

use super::{LEVELS, config, tag};
use crate::api::access::{Admin, Auth};
use crate::api::conditional::Conditions;
use crate::api::extract::Json;
use crate::api::{ApiError, Shared};
use crate::daemon::config::Wishes;
use crate::wire;

/// The least that logs may take together.
const LEAST_BUDGET: i64 = 1 << 20;
/// The greatest whole number that JSON carries.
const MOST: i64 = (1 << 53) - 1;

/// Set what pmdaemon itself is to have otherwise
///
/// Replaces all that was set: what is absent is as everybody has it. It is in effect at once, and with the
/// next daemon. What the environment of the daemon says counts, and cannot be set.
#[utoipa::path(put, path = "/api/v1/system/config", tag = "system", operation_id = "set_config",
    request_body = wire::ConfigOrder,
    params(("if-match" = String, Header, description = "the ETag of what was seen, or *", example = "*")),
    responses(
        (status = 200, description = "set", body = wire::Config, headers(("etag" = String, description = "what is set now"))),
        (status = 409, description = "the environment says something else", body = wire::Problem, content_type = "application/problem+json"),
        (status = 412, description = "it is otherwise by now", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn set(
    auth: Auth<Admin>,
    State(api): State<Shared>,
    conditions: Conditions,
    Json(order): Json<wire::ConfigOrder>,
) -> Result<([(HeaderName, String); 1], JsonAnswer<wire::Config>), ApiError> {
    auth.must_see_all()?;
    let before = api.config.wishes();
    let any = conditions.is_tag(&tag(&before))?;
    let wishes = wishes(order)?;
    api.config.set((!any).then_some(&before), wishes.clone()).await?;
    Ok(([(header::ETAG, tag(&wishes))], JsonAnswer(config(&api, &wishes))))
}

fn wishes(order: wire::ConfigOrder) -> Result<Wishes, ApiError> {
    let wire::ConfigOrder { log_budget_bytes, log_level, log_roots, restart_burst, restart_rate } = order;
    let log_budget = log_budget_bytes.map(|bytes| match bytes {
        LEAST_BUDGET..=MOST => Ok(bytes as u64),
        other => Err(ApiError::member(
            "/log_budget_bytes",
            format!("{other} is no budget for logs: give 1048576 (1 MiB) or more"),
        )),
    });
    if let Some(level) = log_level.as_deref().filter(|level| !LEVELS.contains(level)) {
        let detail = format!("{level:?} is no level: use one of {}", LEVELS.join(", "));
        return Err(ApiError::member("/log_level", detail));
    }
    let restart_burst = restart_burst.map(|burst| match burst {
        1..=1_000_000 => Ok(burst as u32),
        other => Err(ApiError::member("/restart_burst", format!("{other} is not 1 to 1000000"))),
    });
    if let Some(rate) = restart_rate.filter(|rate| !(0.01..=10_000.0).contains(rate)) {
        return Err(ApiError::member("/restart_rate", format!("{rate} is not 0.01 to 10000")));
    }
    Ok(Wishes {
        log_budget: log_budget.transpose()?,
        log_level,
        log_roots: log_roots.map(roots).transpose()?,
        restart_burst: restart_burst.transpose()?,
        restart_rate,
    })
}

fn roots(given: Vec<String>) -> Result<Vec<PathBuf>, ApiError> {
    const MANY: usize = 100;
    if given.len() > MANY {
        return Err(ApiError::member("/log_roots", format!("these are more than {MANY} directories")));
    }
    let root = |(at, text): (usize, String)| {
        let path = Path::new(&text);
        let is_plain = text.chars().count() <= 1001
            && path.is_absolute()
            && !path.components().any(|part| part == Component::ParentDir)
            // A colon lies between those in the environment.
            && !text.contains(|c: char| c.is_control() || c == ':');
        is_plain.then(|| path.to_owned()).ok_or_else(|| {
            let detail = format!("{text:?} is not usable: give an absolute directory without .. and without colons, such as /srv/logs");
            ApiError::member(&format!("/log_roots/{at}"), detail)
        })
    };
    given.into_iter().enumerate().map(root).collect()
}
