//! Options of `start` about how `reload` replaces processes.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::wire::{NewApp, Rolling};

/// How reload replaces its processes.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct RollingArgs {
    /// So long a new run has to stay well before reload goes on [default: 1s, or --min-uptime if that
    /// is less]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::delay)]
    pub soak: Option<Duration>,
    /// So many new runs may be beside the old ones at a time: 2 or 25% [default: 1]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub max_surge: Option<String>,
    /// So many processes may be missing meanwhile: 1 or 25% [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub max_unavailable: Option<String>,
}

impl RollingArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        let rolling = (*self != RollingArgs::default()).then(|| Rolling {
            soak_ms: self.soak.map(|soak| soak.as_millis() as i64),
            max_surge: self.max_surge.clone(),
            max_unavailable: self.max_unavailable.clone(),
        });
        NewApp { rolling, ..app }
    }
}
