//! Arguments of `runtime`, which PM2's users know as `pm2-runtime`.

use std::time::Duration;

use clap::Args;

use super::start_args::StartArgs;

/// Help of `runtime`.
pub(super) const RUNTIME: &str = "It starts a daemon of its own and stays until nothing runs any more and nothing is to run: then its \
                       exit code is that of the app, 128 and the number of the signal that ended it, or the first of \
                       several that is not 0. SIGTERM, SIGINT and SIGQUIT stop everything gracefully, with 0; SIGHUP, SIGUSR1 and \
                       SIGUSR2 go to the apps. As process 1 it waits for orphans. SIGKILL ends it alone: outside of \
                       a container the services then go on.\n\n\
                       Examples:\n  pmdaemon runtime server.js -i 2\n  pmdaemon runtime ecosystem.config.js --env production\n  \
                       ENTRYPOINT [\"pmdaemon\", \"runtime\", \"server.js\", \"--json\"]";

/// `runtime`.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("json", |arg| arg.help("Each line as a JSON object: message, timestamp, type, process_id, app_name")))]
pub struct RuntimeArgs {
    /// The lines alone, out to stdout and err to stderr, which is the default
    #[arg(long, conflicts_with_all = ["json", "format", "formatted"])]
    pub raw: bool,
    /// Each line as key=value pairs
    #[arg(long, conflicts_with_all = ["json", "formatted"])]
    pub format: bool,
    /// Each line with id and name before it
    #[arg(long, conflicts_with = "json")]
    pub formatted: bool,
    /// Wait before anything is started
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub delay: Option<Duration>,
    /// Stay when nothing runs any more
    #[arg(long)]
    pub no_auto_exit: bool,
    #[arg(long, hide = true, value_name = "PORT", num_args = 0..=1, default_missing_value = "")]
    web: Option<String>,
    #[arg(long, hide = true, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    secret: Option<String>,
    #[arg(long, hide = true, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    public: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    machine_name: Option<String>,
    /// What is started
    #[command(flatten)]
    pub start: StartArgs,
}

impl RuntimeArgs {
    /// Only what `start --no-daemon` was given.
    pub fn of(start: StartArgs) -> RuntimeArgs {
        RuntimeArgs {
            raw: false,
            format: false,
            formatted: false,
            delay: None,
            no_auto_exit: false,
            web: None,
            secret: None,
            public: None,
            machine_name: None,
            start,
        }
    }

    /// What to say about options that have no meaning here; `None` without any.
    pub fn notice(&self) -> Option<String> {
        let all = [
            ("--web", self.web.is_some()),
            ("--secret", self.secret.is_some()),
            ("--public", self.public.is_some()),
            ("--machine-name", self.machine_name.is_some()),
        ];
        let given: Vec<&str> = all.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        (!given.is_empty()).then(|| {
            format!(
                "Without effect in pmdaemon, whose own API and dashboard are there anyway: {}.",
                given.join(" ")
            )
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "use a number of seconds: 0, 5".to_owned())
}
