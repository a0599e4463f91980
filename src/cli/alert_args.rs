//! What can be typed about alerts: what is to be told.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::JsonArgs;
use super::channel_args::ChannelArgs;
use super::error::CliError;
use super::values;
use crate::wire::{
    AlertAbove, AlertCertificate, AlertDisk, AlertErrored, AlertLogMatch, AlertOperationFailed,
    AlertRestartLoop, AlertUnhealthy, AlertWhen, Stream,
};

/// `alert`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pmdaemon alert                       what fires, and what was over in the last day\n  \
                  pmdaemon alert channel add ops --webhook https://hooks.example/pmdaemon --secret-file key\n  \
                  pmdaemon alert add crashes --errored --channel ops --severity critical\n  \
                  pmdaemon alert add loops --restarts 5 --within 10m --app web --channel ops\n  \
                  pmdaemon alert add memory --memory 90% --for 5m --channel ops --repeat 4h\n  \
                  pmdaemon alert channel test ops\n\n\
                  An alert is told once for each cause, and once when it is over. A rule without a channel tells \
                  nobody: what fires is seen here, in the dashboard and among the events."
)]
pub struct AlertArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<AlertCommand>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done with alerts.
#[derive(Subcommand, Debug)]
pub enum AlertCommand {
    /// Show what fires, then what is over
    #[command(visible_alias = "ls")]
    List(JsonArgs),
    /// Make a rule: what is to be told, of which apps, and to whom
    Add(Box<AddRuleArgs>),
    /// Show the rules
    Rules(JsonArgs),
    /// Have a rule tell nothing until it is resumed
    Pause(NamedRuleArgs),
    /// Have a rule that was paused tell again
    Resume(NamedRuleArgs),
    /// Forget a rule
    #[command(visible_alias = "rm")]
    Remove(NamedRuleArgs),
    /// Say to whom alerts are sent: webhooks, Slack, Discord, ntfy or a command
    Channel(ChannelArgs),
}

/// `alert add`.
#[derive(Args, Debug)]
pub struct AddRuleArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// When it fires.
    #[command(flatten)]
    pub condition: ConditionArgs,
    /// Only these apps or processes; may be given several times [default: all]
    #[arg(long, value_name = "APP", value_parser = values::reference)]
    pub app: Vec<String>,
    /// Tell it there; may be given several times [default: nowhere, it is only shown]
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Vec<String>,
    /// How much it matters [default: warning]
    #[arg(long, value_name = "info|warning|critical", value_parser = ["info", "warning", "critical"])]
    pub severity: Option<String>,
    /// Tell what is over and comes again at most once in this time [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = values::delay)]
    pub cool_down: Option<Duration>,
    /// Tell what goes on again after this time, from 1m on [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub repeat: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// When a rule fires: exactly one of these.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "When (exactly one)")]
pub struct ConditionArgs {
    /// A process was given up
    #[arg(long)]
    pub errored: bool,
    /// A process was restarted so often, without being asked to, within --within
    #[arg(long, value_name = "NUMBER")]
    pub restarts: Option<i64>,
    /// Of --restarts [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = values::time, requires = "restarts")]
    pub within: Option<Duration>,
    /// A process fails its health check
    #[arg(long)]
    pub unhealthy: bool,
    /// A process uses more than this share of its memory limit, or of the machine's memory where it has none
    #[arg(long, value_name = "PERCENT", value_parser = values::percent)]
    pub memory: Option<i64>,
    /// A process uses more CPU than this; 100% is one core
    #[arg(long, value_name = "PERCENT", value_parser = values::percent)]
    pub cpu: Option<i64>,
    /// Of --unhealthy, --memory and --cpu: for so long without a break [default: at once]
    #[arg(long = "for", value_name = "TIME", value_parser = values::time)]
    pub lasting: Option<Duration>,
    /// A line of a log matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub log: Option<String>,
    /// Of --log: only this stream [default: both]
    #[arg(long, value_name = "out|err", value_parser = ["out", "err"], requires = "log")]
    pub stream: Option<String>,
    /// A reload, a deployment or another operation has failed
    #[arg(long)]
    pub operation_failed: bool,
    /// A certificate that pmdaemon serves with expires within so many days: 14d
    #[arg(long, value_name = "DAYS", value_parser = values::days)]
    pub certificate: Option<i64>,
    /// Less than this is free on the disk of the home or of a log, or nothing can be saved
    #[arg(long, value_name = "PERCENT", value_parser = values::percent)]
    pub disk: Option<i64>,
}

/// Within so long, if nothing else is said.
const WITHIN: Duration = Duration::from_secs(600);

impl ConditionArgs {
    /// The one condition.
    ///
    /// # Errors
    /// When there is none, or more than one, or `--for` with one that does not last.
    pub fn when(&self) -> Result<AlertWhen, CliError> {
        let for_ms = self.lasting.map(millis);
        let above = |above_percent| AlertAbove { above_percent, for_ms };
        let within_ms = millis(self.within.unwrap_or(WITHIN));
        let stream = self.stream.as_deref().map(|word| if word == "err" { Stream::Err } else { Stream::Out });
        let log = |pattern: &String| AlertLogMatch { pattern: pattern.clone(), stream };
        let when = AlertWhen {
            errored: self.errored.then_some(AlertErrored {}),
            restart_loop: self.restarts.map(|restarts| AlertRestartLoop { restarts, within_ms }),
            unhealthy: self.unhealthy.then_some(AlertUnhealthy { for_ms }),
            memory: self.memory.map(above),
            cpu: self.cpu.map(above),
            log_match: self.log.as_ref().map(log),
            operation_failed: self.operation_failed.then_some(AlertOperationFailed {}),
            certificate: self.certificate.map(|within_days| AlertCertificate { within_days }),
            disk: self.disk.map(|below_percent| AlertDisk { below_percent }),
        };
        let told = [
            ("--errored", self.errored),
            ("--restarts", self.restarts.is_some()),
            ("--unhealthy", self.unhealthy),
            ("--memory", self.memory.is_some()),
            ("--cpu", self.cpu.is_some()),
            ("--log", self.log.is_some()),
            ("--operation-failed", self.operation_failed),
            ("--certificate", self.certificate.is_some()),
            ("--disk", self.disk.is_some()),
        ];
        let options = told.map(|(option, _)| option).join(", ");
        let said: Vec<&str> = told.iter().filter(|(_, said)| *said).map(|(option, _)| *option).collect();
        match said.as_slice() {
            [] => Err(CliError::Usage(format!("a rule needs a condition: give one of {options}"))),
            [one] if for_ms.is_some() && !["--unhealthy", "--memory", "--cpu"].contains(one) => {
                Err(CliError::Usage(format!(
                    "--for is for --unhealthy, --memory and --cpu, which last, and not for {one}: leave it out"
                )))
            }
            [_] => Ok(when),
            several => Err(CliError::Usage(format!(
                "a rule has one condition, and {} were given: make a rule of each",
                several.join(" and ")
            ))),
        }
    }
}

/// Times of the command line as the API has them.
pub fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// `alert pause`, `alert resume`, `alert remove`.
#[derive(Args, Debug)]
pub struct NamedRuleArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(condition: &ConditionArgs) -> String {
        condition.when().unwrap_err().to_string()
    }

    #[test]
    fn exactly_one_condition_is_a_rule() {
        let none = ConditionArgs::default();
        assert!(refused(&none).contains("--errored, --restarts, --unhealthy"), "{}", refused(&none));
        let two = ConditionArgs { errored: true, disk: Some(10), ..none.clone() };
        assert!(refused(&two).contains("--errored and --disk"), "{}", refused(&two));
        let one = ConditionArgs { restarts: Some(5), ..none };
        let expected = AlertRestartLoop { restarts: 5, within_ms: 600_000 };
        assert_eq!(one.when().unwrap().restart_loop, Some(expected));
    }

    #[test]
    fn only_what_lasts_has_a_time_for_which_it_lasts() {
        let lasting = ConditionArgs { lasting: Some(Duration::from_secs(60)), ..ConditionArgs::default() };
        let check = |condition: ConditionArgs, for_ms: Option<i64>| {
            let when = condition.when().unwrap();
            let found = when.memory.or(when.cpu).and_then(|above| above.for_ms);
            assert_eq!(found.or(when.unhealthy.and_then(|unhealthy| unhealthy.for_ms)), for_ms);
        };
        check(ConditionArgs { memory: Some(90), ..lasting.clone() }, Some(60_000));
        check(ConditionArgs { cpu: Some(150), ..lasting.clone() }, Some(60_000));
        check(ConditionArgs { unhealthy: true, ..lasting.clone() }, Some(60_000));
        check(ConditionArgs { cpu: Some(150), ..ConditionArgs::default() }, None);
        let odd = ConditionArgs { errored: true, ..lasting };
        assert!(refused(&odd).contains("not for --errored"), "{}", refused(&odd));
    }
}
