//! Options of health checks, and of waiting until an app is ready.

use std::time::Duration;

use clap::Args;

use super::error::CliError;
use super::values;
use crate::wire::HealthCheck;

/// How long `--wait-ready` waits by itself.
const USUAL_WAIT: Duration = Duration::from_secs(60);

/// How an app is checked.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct HealthArgs {
    /// Check its health: GET this URL, 2xx is healthy; {port} is its PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["health_check_tcp", "health_check_script"])]
    pub health_check_url: Option<String>,
    /// Check its health: connect to this address; {port} is its PORT
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "health_check_script")]
    pub health_check_tcp: Option<String>,
    /// Check its health: run this script, exit code 0 is healthy
    #[arg(long, value_name = "SCRIPT")]
    pub health_check_script: Option<String>,
    /// A check that takes longer has failed [default: 5s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_with_unit)]
    pub health_check_timeout: Option<Duration>,
    /// From one check to the next [default: 10s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_with_unit)]
    pub health_check_interval: Option<Duration>,
    /// Restart it after so many failed checks in a row [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub health_check_retries: Option<i64>,
}

impl HealthArgs {
    /// The check that is asked for. While the command waits for the app, it may still be starting.
    ///
    /// # Errors
    /// When something is said about a check and there is none.
    pub fn check(&self, start_limit: Option<Duration>) -> Result<Option<HealthCheck>, CliError> {
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let has_check = self.health_check_url.is_some()
            || self.health_check_tcp.is_some()
            || self.health_check_script.is_some();
        if has_check {
            return Ok(Some(HealthCheck {
                url: self.health_check_url.clone(),
                tcp: self.health_check_tcp.clone(),
                script: self.health_check_script.clone(),
                timeout_ms: self.health_check_timeout.map(ms),
                interval_ms: self.health_check_interval.map(ms),
                retries: self.health_check_retries,
                start_limit_ms: start_limit.map(ms),
            }));
        }
        let lonely = [
            ("--health-check-timeout", self.health_check_timeout.is_some()),
            ("--health-check-interval", self.health_check_interval.is_some()),
            ("--health-check-retries", self.health_check_retries.is_some()),
        ];
        match lonely.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(CliError::new(format!(
                "{option}: there is no health check to apply it to: add --health-check-url, --health-check-tcp or \
                 --health-check-script"
            ))),
            None => Ok(None),
        }
    }
}

/// How long a command waits that was given these options; `None`: not at all.
pub fn wait(until_ready: bool, limit: Option<Duration>) -> Option<Duration> {
    limit.or(until_ready.then_some(USUAL_WAIT))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        health: HealthArgs,
    }

    fn parsed(line: &str) -> Result<HealthArgs, clap::Error> {
        Ok(Line::try_parse_from(["start"].into_iter().chain(line.split_whitespace()))?.health)
    }

    #[test]
    fn options_become_a_check() {
        let line = "--health-check-url http://localhost:1/ --health-check-timeout 1m --health-check-interval 500ms \
                    --health-check-retries 5";
        let args = parsed(line).unwrap();
        let check = args.check(Some(Duration::from_secs(5))).unwrap().unwrap();
        assert_eq!(check.url.as_deref(), Some("http://localhost:1/"));
        let numbers = [check.timeout_ms, check.interval_ms, check.retries, check.start_limit_ms];
        assert_eq!(numbers, [Some(60_000), Some(500), Some(5), Some(5_000)]);
    }

    #[test]
    fn a_limit_is_a_wait_by_itself() {
        assert_eq!(wait(false, None), None);
        assert_eq!(wait(true, None), Some(Duration::from_secs(60)));
        assert_eq!(wait(false, Some(Duration::from_secs(5))), Some(Duration::from_secs(5)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for option in ["timeout 5s", "interval 5s", "retries 3"] {
            let refused = parsed(&format!("--health-check-{option}")).unwrap().check(None).unwrap_err();
            let sentence = refused.sentence().unwrap();
            assert!(sentence.contains("no health check to apply it to"), "{sentence}");
        }
        for line in [
            "--health-check-url x --health-check-script y",
            "--health-check-retries 0",
            "--health-check-timeout 5",
            "--health-check-timeout 0s",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
