//! What of the daemon's settings can be changed while it runs: kept in the store, in effect at once and
//! with the next daemon.
//!
//! ```text
//!   environment of the daemon  ─▶ counts, if it says something
//!   store                      ─▶ else
//!   what everybody has         ─▶ else
//! ```
//!
//! What is absent: the addresses, which are resources of their own, and whether root runs what others can
//! write (`PMDAEMON_WRITABLE_SCRIPTS`): who has a token must not be able to lift that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::handle::{Handle, HandleError};
use super::own_events::Own;
use crate::own_log;
use crate::settings::{self, LogRoots, RestartBudget};
use crate::store::Change;

/// The setting in the store.
const CONFIG: &str = "config";

/// What somebody wants to be otherwise than it is for everybody.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// What all logs together may take, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_budget: Option<u64>,
    /// From which level on the daemon's own log is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// Where log files of one's own may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_roots: Option<Vec<PathBuf>>,
    /// How many automatic restarts may come at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_burst: Option<u32>,
    /// And how many in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_rate: Option<f64>,
}

impl Wishes {
    /// What the store has.
    pub fn kept(settings: &BTreeMap<String, String>) -> Wishes {
        let Some(text) = settings.get(CONFIG) else { return Wishes::default() };
        serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::error!(
                "the settings in the store are not understood ({error}): it is as if there were none"
            );
            Wishes::default()
        })
    }

    /// How many automatic restarts the host bears, as far as somebody has said that.
    pub fn restarts(&self, said: RestartBudget) -> RestartBudget {
        RestartBudget {
            burst: said.burst.or(self.restart_burst),
            per_second: said.per_second.or(self.restart_rate),
        }
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// They are others by now.
    #[error("the settings were changed meanwhile, and nothing was done: get them again and decide anew")]
    Changed,
    /// The daemon's environment says something else, and counts.
    #[error(
        "{0} in the environment of the daemon says what this is, and counts: take it out there and start the daemon anew"
    )]
    Environment(&'static str),
    /// They cannot be saved.
    #[error(transparent)]
    Handle(#[from] HandleError),
}

/// The settings.
pub struct Config {
    handle: Handle,
    wishes: Mutex<Wishes>,
    budget: watch::Sender<Option<u64>>,
    /// Held by whoever changes them.
    changing: tokio::sync::Mutex<()>,
}

impl Config {
    /// As the store has them. Whoever holds `budget` sees what logs may take. The brain knows what is said
    /// about restarts.
    pub fn restore(
        handle: Handle,
        settings: &BTreeMap<String, String>,
        budget: watch::Sender<Option<u64>>,
    ) -> Config {
        let wishes = Mutex::new(Wishes::kept(settings));
        let config = Config { handle, wishes, budget, changing: tokio::sync::Mutex::default() };
        config.take_effect();
        config
    }

    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What somebody wants.
    pub fn wishes(&self) -> Wishes {
        self.lock().clone()
    }

    /// Replaces all of them, if they are still `expected`, where somebody says that. Answers whether that
    /// changed something.
    ///
    /// # Errors
    /// Nothing was changed then.
    pub async fn set(&self, expected: Option<&Wishes>, wishes: Wishes) -> Result<bool, ConfigError> {
        let _alone = self.changing.lock().await;
        let before = self.wishes();
        if expected.is_some_and(|expected| *expected != before) {
            return Err(ConfigError::Changed);
        }
        let names = differences(&before, &wishes);
        if let Some(variable) = names.iter().filter_map(|name| settings::said(name)).next() {
            return Err(ConfigError::Environment(variable));
        }
        if names.is_empty() {
            return Ok(false);
        }
        let value = serde_json::to_string(&wishes).expect("it is plain data");
        self.handle.record(vec![Change::PutSetting { name: CONFIG.to_owned(), value }]).await?;
        *self.lock() = wishes;
        self.take_effect();
        self.handle.limit_restarts(self.restarts()).await;
        self.handle
            .tell(Own::ConfigChanged, format!("settings of pmdaemon were changed: {}", names.join(", ")))
            .await;
        Ok(true)
    }

    fn take_effect(&self) {
        self.budget.send_replace(self.log_budget());
        own_log::set_level(&self.log_level());
    }

    /// What all logs together may take, in bytes, if that was said.
    pub fn log_budget(&self) -> Option<u64> {
        settings::log_budget().ok().flatten().or(self.lock().log_budget)
    }

    /// From which level on the daemon's own log is written.
    pub fn log_level(&self) -> String {
        own_log::wanted()
            .or_else(|| self.lock().log_level.clone())
            .unwrap_or_else(|| own_log::USUAL.to_owned())
    }

    /// Where log files of one's own may be.
    ///
    /// # Errors
    /// A sentence, when the environment says nonsense.
    pub fn log_roots(&self) -> Result<LogRoots, String> {
        let roots = LogRoots::from_env()?;
        match (&self.lock().log_roots, settings::said("log_roots")) {
            (Some(wanted), None) => Ok(LogRoots::of(wanted.clone())),
            (Some(_) | None, _) => Ok(roots),
        }
    }

    /// How many automatic restarts the host bears, as far as somebody has said that.
    pub fn restarts(&self) -> RestartBudget {
        self.lock().restarts(RestartBudget::from_env().unwrap_or_default())
    }
}

/// The names of those that differ.
fn differences(before: &Wishes, after: &Wishes) -> Vec<&'static str> {
    let Wishes { log_budget, log_level, log_roots, restart_burst, restart_rate } = before;
    let all = [
        ("log_budget_bytes", *log_budget != after.log_budget),
        ("log_level", *log_level != after.log_level),
        ("log_roots", *log_roots != after.log_roots),
        ("restart_burst", *restart_burst != after.restart_burst),
        ("restart_rate", *restart_rate != after.restart_rate),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nonsense_is_nothing() {
        let wishes = Wishes {
            log_budget: Some(2 << 30),
            log_roots: Some(vec!["/srv/logs".into()]),
            restart_rate: Some(0.5),
            ..Wishes::default()
        };
        let kept = |text: &str| Wishes::kept(&BTreeMap::from([(CONFIG.to_owned(), text.to_owned())]));
        assert_eq!(kept(&serde_json::to_string(&wishes).unwrap()), wishes);
        assert_eq!(kept("{"), Wishes::default());
        assert_eq!(Wishes::kept(&BTreeMap::new()), Wishes::default());
        assert_eq!(
            differences(&Wishes::default(), &wishes),
            ["log_budget_bytes", "log_roots", "restart_rate"]
        );
    }

    #[test]
    fn what_the_environment_says_about_restarts_counts() {
        let wishes = Wishes { restart_burst: Some(7), restart_rate: Some(0.5), ..Wishes::default() };
        let said = RestartBudget { burst: Some(3), per_second: None };
        let together = RestartBudget { burst: Some(3), per_second: Some(0.5) };
        assert_eq!(wishes.restarts(said), together);
    }
}
