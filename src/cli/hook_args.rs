//! Options of hooks: commands of one's own.

use std::time::Duration;

use clap::Args;

use super::error::CliError;
use super::values;
use crate::wire::{Hooks, NewApp};

/// What is run at certain moments.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct HookArgs {
    /// Run this before each start, also after a crash: unless it ends with exit code 0, the start fails
    #[arg(long, value_name = "COMMAND")]
    pub before_start: Option<String>,
    /// A hook that takes longer is killed and has failed [default: 60s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_with_unit)]
    pub hook_timeout: Option<Duration>,
}

impl HookArgs {
    /// Puts them into a definition.
    ///
    /// # Errors
    /// When there is a limit, and no hook that it could be of.
    pub fn define(&self, app: NewApp) -> Result<NewApp, CliError> {
        let HookArgs { before_start, hook_timeout } = self.clone();
        let timeout_ms = hook_timeout.map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
        let commands = Hooks { before_start, timeout_ms: None };
        if commands != Hooks::default() {
            return Ok(NewApp { hooks: Some(Hooks { timeout_ms, ..commands }), ..app });
        }
        match timeout_ms {
            Some(_) => Err(CliError::new(
                "--hook-timeout: there is no hook to apply it to: add --before-start".to_owned(),
            )),
            None => Ok(app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_reach_the_definition_and_a_limit_without_one_is_refused() {
        let said = HookArgs { before_start: Some("./migrate.sh".into()), ..HookArgs::default() };
        let limit = Some(Duration::from_secs(5));
        let app = HookArgs { hook_timeout: limit, ..said }.define(NewApp::default()).unwrap();
        let expected = Hooks { before_start: Some("./migrate.sh".into()), timeout_ms: Some(5000) };
        assert_eq!(app.hooks, Some(expected));
        assert_eq!(HookArgs::default().define(NewApp::default()).unwrap().hooks, None);
        let lonely = HookArgs { hook_timeout: limit, ..HookArgs::default() }.define(NewApp::default());
        assert!(lonely.unwrap_err().to_string().contains("there is no hook"));
    }
}
