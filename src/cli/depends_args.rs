//! Options of `start` about what an app depends on.

use clap::Args;

use crate::wire::{Dependency, NewApp};

/// What must be there first.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct DependsArgs {
    /// Start it when this app is there, and stop it before that: db, db:healthy, blue:db:started
    /// [conditions: started, ready (default), healthy, completed]; may be given several times
    #[arg(long, value_name = "APP[:CONDITION]")]
    pub depends_on: Vec<String>,
}

impl DependsArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        NewApp { depends_on: self.depends_on.iter().map(|text| Dependency::parse(text)).collect(), ..app }
    }
}
