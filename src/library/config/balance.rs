//! What stands before the processes of an app.

use std::time::Duration;

use super::Mistake;
use super::builder::DAY;
use crate::wire;

/// A balancer: clients connect to its port, and each request goes to a process that is ready. The
/// processes have ports of their own: those of [`port()`](super::ProcessConfigBuilder::port), or private
/// ones.
///
/// ```
/// use std::time::Duration;
/// use pmdaemon::ProcessConfig;
/// use pmdaemon::config::{Balance, Share};
///
/// let config = ProcessConfig::builder()
///     .script("api.js")
///     .instances(4)
///     .balance(Balance::on(8080).drain_timeout(Duration::from_secs(10)))
///     .soak(Duration::from_secs(5))
///     .max_surge(Share::Percent(50))
///     .build()?;
/// # Ok::<(), pmdaemon::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a balancer does nothing before it is given to balance()"]
pub struct Balance {
    port: u16,
    tcp: bool,
    round_robin: bool,
    sticky: Option<Sticky>,
    timeout: Option<Duration>,
    drain_timeout: Option<Duration>,
    slow_start: Option<Duration>,
}

/// How clients stay with a process while that is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sticky {
    /// By a cookie. Not with [`Balance::tcp`].
    Cookie,
    /// By their address.
    Address,
}

impl Balance {
    /// Clients connect to that port. It speaks HTTP, and prefers who has the least to answer.
    pub fn on(port: u16) -> Balance {
        Balance {
            port,
            tcp: false,
            round_robin: false,
            sticky: None,
            timeout: None,
            drain_timeout: None,
            slow_start: None,
        }
    }

    /// Each connection goes to a process, whatever is said on it.
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// One process after the other.
    pub fn round_robin(mut self) -> Self {
        self.round_robin = true;
        self
    }

    /// A client stays with a process.
    pub fn sticky(mut self, sticky: Sticky) -> Self {
        self.sticky = Some(sticky);
        self
    }

    /// A request that is not begun to be answered within this is given up. Default 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// So long a process that leaves has for what it is answering. Default 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = Some(timeout);
        self
    }

    /// A process that comes into service gets its whole share only after this. Default 0.
    pub fn slow_start(mut self, time: Duration) -> Self {
        self.slow_start = Some(time);
        self
    }

    /// What can be seen to be wrong without the daemon.
    pub(super) fn mistakes(&self, mistakes: &mut Vec<Mistake>) {
        if self.port == 0 {
            mistakes.push(Mistake::BadBalancePort);
        }
        if self.tcp && self.sticky == Some(Sticky::Cookie) {
            mistakes.push(Mistake::CookieOfTcp);
        }
        let times = [
            ("the timeout of the balancer", self.timeout, false),
            ("the drain timeout of the balancer", self.drain_timeout, true),
            ("the slow start of the balancer", self.slow_start, true),
        ];
        for (member, time, may_be_zero) in times {
            if time.is_some_and(|time| (time.as_millis() == 0 && !may_be_zero) || time > DAY) {
                mistakes.push(Mistake::BadTime { member });
            }
        }
    }

    pub(super) fn into_wire(self) -> wire::Balance {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as i64);
        let sticky = self.sticky.map(|sticky| match sticky {
            Sticky::Cookie => "cookie".to_owned(),
            Sticky::Address => "address".to_owned(),
        });
        wire::Balance {
            port: Some(i64::from(self.port)),
            mode: self.tcp.then(|| "tcp".to_owned()),
            method: self.round_robin.then(|| "round-robin".to_owned()),
            sticky,
            timeout_ms: ms(self.timeout),
            drain_timeout_ms: ms(self.drain_timeout),
            slow_start_ms: ms(self.slow_start),
        }
    }
}
