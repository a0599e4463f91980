//! The health check of an app.

use std::time::Duration;

use super::Mistake;
use super::builder::DAY;
use crate::wire;

/// How the processes of an app are checked. In a URL or an address, `{port}` is the `PORT` of the
/// process. One that fails [`retries`](HealthCheck::retries) checks in a row is unhealthy, and is
/// restarted with the reason.
///
/// ```
/// use std::time::Duration;
/// use pmdaemon::ProcessConfig;
/// use pmdaemon::config::{HealthCheck, PortConfig};
///
/// let config = ProcessConfig::builder()
///     .script("api.js")
///     .port(PortConfig::Auto(4000, 4100))
///     .health_check(
///         HealthCheck::http("http://localhost:{port}/health")
///             .interval(Duration::from_secs(30))
///             .retries(5),
///     )
///     .build()?;
/// # Ok::<(), pmdaemon::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a check does nothing before it is given to health_check()"]
pub struct HealthCheck {
    what: What,
    timeout: Option<Duration>,
    interval: Option<Duration>,
    retries: Option<u32>,
    start_limit: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum What {
    Http(String),
    Tcp(String),
    Script(String),
}

impl HealthCheck {
    /// GET of a URL of this host: a 2xx answer is healthy.
    pub fn http(url: impl Into<String>) -> HealthCheck {
        HealthCheck::of(What::Http(url.into()))
    }

    /// A connection to `host:port` of this host: being accepted is healthy.
    pub fn tcp(address: impl Into<String>) -> HealthCheck {
        HealthCheck::of(What::Tcp(address.into()))
    }

    /// A script that runs in the app's directory with its environment: exit code 0 is healthy,
    /// otherwise its last line is the reason.
    pub fn script(script: impl Into<String>) -> HealthCheck {
        HealthCheck::of(What::Script(script.into()))
    }

    fn of(what: What) -> HealthCheck {
        HealthCheck { what, timeout: None, interval: None, retries: None, start_limit: None }
    }

    /// A check that takes longer has failed. Default 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// From the end of a check to the next one. Default 10 s; 250 ms until the first that passes.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// So many failures in a row are unhealthy. Default 3.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Failures before the first check that passes count only after this time. Default 60 s.
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = Some(limit);
        self
    }

    /// What can be seen to be wrong without the daemon.
    pub(super) fn mistakes(&self, mistakes: &mut Vec<Mistake>) {
        let text = match &self.what {
            What::Http(text) | What::Tcp(text) | What::Script(text) => text,
        };
        if text.trim().is_empty() || text.contains('\0') {
            mistakes.push(Mistake::BadHealthCheck(text.clone()));
        }
        let times = [
            ("the timeout of the health check", self.timeout),
            ("the interval of the health check", self.interval),
            ("the start limit of the health check", self.start_limit),
        ];
        for (member, time) in times {
            if time.is_some_and(|time| time.as_millis() == 0 || time > DAY) {
                mistakes.push(Mistake::BadTime { member });
            }
        }
        if self.retries == Some(0) {
            mistakes.push(Mistake::NoRetries);
        }
    }

    /// As the API takes it.
    pub(super) fn into_wire(self) -> wire::HealthCheck {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as i64);
        let (url, tcp, script) = match self.what {
            What::Http(url) => (Some(url), None, None),
            What::Tcp(address) => (None, Some(address), None),
            What::Script(script) => (None, None, Some(script)),
        };
        wire::HealthCheck {
            url,
            tcp,
            script,
            timeout_ms: ms(self.timeout),
            interval_ms: ms(self.interval),
            retries: self.retries.map(i64::from),
            start_limit_ms: ms(self.start_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_reaches_the_api() {
        let second = Duration::from_secs(1);
        let check = HealthCheck::script("./check.sh")
            .timeout(second)
            .interval(second * 2)
            .retries(7)
            .start_limit(second * 3);
        let expected = serde_json::json!({
            "script": "./check.sh", "timeout_ms": 1000, "interval_ms": 2000, "retries": 7, "start_limit_ms": 3000
        });
        assert_eq!(serde_json::to_value(check.into_wire()).unwrap(), expected);
        let tcp = serde_json::to_value(HealthCheck::tcp("localhost:{port}").into_wire()).unwrap();
        assert_eq!(tcp, serde_json::json!({"tcp": "localhost:{port}"}));
    }

    #[test]
    fn a_check_that_cannot_be_is_a_mistake_each() {
        let mut mistakes = Vec::new();
        HealthCheck::http(" ").retries(0).timeout(Duration::ZERO).mistakes(&mut mistakes);
        let expected = [
            Mistake::BadHealthCheck(" ".into()),
            Mistake::BadTime { member: "the timeout of the health check" },
            Mistake::NoRetries,
        ];
        assert_eq!(mistakes, expected);
    }
}
