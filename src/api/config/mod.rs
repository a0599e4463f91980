//! `/api/v1/system/config`: settings of pmdaemon itself.

pub mod set;
pub mod show;

use axum::http::StatusCode;

use super::conditional::opaque;
use super::{Api, ApiError};
use crate::daemon::config::{ConfigError, Wishes};
use crate::daemon::retention;
use crate::own_log;
use crate::settings::{self, LogRoots};
use crate::supervisor::Limits;
use crate::wire;

/// The levels of the daemon's own log.
pub const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> ApiError {
        let detail = error.to_string();
        match error {
            ConfigError::Changed => ApiError::new(StatusCode::PRECONDITION_FAILED, "config_changed", detail),
            ConfigError::Environment(_) => ApiError::new(StatusCode::CONFLICT, "set_by_environment", detail),
            ConfigError::Handle(error) => error.into(),
        }
    }
}

/// The tag of what is set.
fn tag(wishes: &Wishes) -> String {
    opaque(&serde_json::to_vec(wishes).expect("it is plain data"))
}

/// All of it, as it counts now.
fn config(api: &Api, wishes: &Wishes) -> wire::Config {
    let (limits, set) = (Limits::of_host(cpus()), api.config.restarts());
    let rate = |limits: Limits| format!("{}", 1.0 / limits.interval.as_secs_f64());
    let roots =
        |roots: &LogRoots| roots.all().iter().map(|root| root.display().to_string()).collect::<Vec<_>>();
    let unusable = |why: String| vec![why];
    let counted = limits.or_as_set(set.burst, set.per_second);
    let budget = retention::default_budget(&api.handle.home().log_dir());
    let items = [
        (
            "log_budget_bytes",
            api.config.log_budget().unwrap_or(budget).to_string(),
            budget.to_string(),
            Some(wishes.log_budget.is_some()),
        ),
        ("log_level", api.config.log_level(), own_log::USUAL.to_owned(), Some(wishes.log_level.is_some())),
        ("log_format", own_log::Format::ours().word().to_owned(), "text".to_owned(), None),
        (
            "log_roots",
            api.config.log_roots().map_or_else(unusable, |all| roots(&all)).join(":"),
            roots(&LogRoots::usual()).join(":"),
            Some(wishes.log_roots.is_some()),
        ),
        (
            "restart_burst",
            counted.burst.to_string(),
            limits.burst.to_string(),
            Some(wishes.restart_burst.is_some()),
        ),
        ("restart_rate", rate(counted), rate(limits), Some(wishes.restart_rate.is_some())),
        (
            "writable_scripts",
            if settings::runs_what_others_can_write().unwrap_or(false) { "allow" } else { "refuse" }
                .to_owned(),
            "refuse".to_owned(),
            None,
        ),
    ];
    let item = |(name, value, default, is_set): (&str, String, String, Option<bool>)| wire::ConfigSetting {
        name: name.to_owned(),
        value,
        default,
        source: match (settings::said(name), is_set) {
            (Some(_), _) => "environment",
            (None, Some(true)) => "set",
            (None, Some(false) | None) => "default",
        }
        .to_owned(),
        variable: settings::variable(name).unwrap_or_default().to_owned(),
        can_be_set: is_set.is_some(),
    };
    wire::Config { set: order(wishes), items: items.into_iter().map(item).collect() }
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |number| number.get())
}

fn order(wishes: &Wishes) -> wire::ConfigOrder {
    let Wishes { log_budget, log_level, log_roots, restart_burst, restart_rate } = wishes.clone();
    let texts =
        |roots: Vec<std::path::PathBuf>| roots.iter().map(|root| root.display().to_string()).collect();
    wire::ConfigOrder {
        log_budget_bytes: log_budget.map(|bytes| bytes as i64),
        log_level,
        log_roots: log_roots.map(texts),
        restart_burst: restart_burst.map(i64::from),
        restart_rate,
    }
}
