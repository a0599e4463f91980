//! Options of readiness, and of the messages that go with it, for `start`.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::wire::NewApp;

/// What makes an app ready, and how it is told to end.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadyArgs {
    /// What makes it ready: auto, notify, message, port or log:REGEX [default: auto]
    #[arg(long, value_name = "BY")]
    pub ready: Option<String>,
    /// With --ready or a health check: a process that is not ready in time is a failed start [default with --ready: 60s]
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub listen_timeout: Option<Duration>,
    /// Ask it to end by the message "shutdown" on its IPC channel, if it has one
    #[arg(long)]
    pub shutdown_with_message: bool,
    /// Give it a pipe as standard input, for pmdaemon send and attach; otherwise it reads an end at once
    #[arg(long)]
    pub stdin: bool,
}

impl ReadyArgs {
    /// Puts them into a definition. `wait`: how long the command waits; a longer wait is a longer
    /// limit.
    pub fn define(&self, app: NewApp, wait: Option<Duration>) -> NewApp {
        const USUAL: Duration = Duration::from_secs(60);
        let is_awaited = self.ready.as_deref().is_some_and(|by| by != "auto");
        let longer = wait.filter(|wait| is_awaited && *wait > USUAL);
        let limit = self.listen_timeout.or(longer);
        NewApp {
            ready: self.ready.clone(),
            listen_timeout_ms: limit.map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)),
            shutdown_with_message: self.shutdown_with_message.then_some(true),
            stdin: self.stdin.then_some(true),
            ..app
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_members_and_a_longer_wait_a_longer_limit() {
        let check = |args: ReadyArgs, wait: Option<u64>, limit: Option<i64>| {
            let app = args.define(NewApp::default(), wait.map(Duration::from_secs));
            assert_eq!(app.listen_timeout_ms, limit, "{args:?}");
        };
        let notify = || ReadyArgs { ready: Some("notify".into()), ..ReadyArgs::default() };
        let within = |ms| Some(Duration::from_millis(ms));
        check(ReadyArgs::default(), Some(300), None);
        check(notify(), None, None);
        check(notify(), Some(5), None);
        check(notify(), Some(300), Some(300_000));
        check(ReadyArgs { listen_timeout: within(3_000), ..notify() }, Some(300), Some(3_000));
    }
}
