//! What the init system is told: `sd_notify`, a line of text to the socket in `NOTIFY_SOCKET`.
//! Told by the keeper, since that is the main process of the unit. Services never see the socket.
//!
//! With `WatchdogSec=` it also wants to hear regularly that the keeper is alive. That says nothing of the
//! daemon, which the keeper itself looks after ([`pulse`](super::pulse)).

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::say;

/// The variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How often it wants to hear that somebody is alive, in microseconds, and who.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "WATCHDOG_PID");
/// All that is for us alone.
pub const VARIABLES: [&str; 3] = [SOCKET, WATCHDOG.0, WATCHDOG.1];

/// Whoever wants to know how we are.
#[derive(Default)]
pub struct Listener {
    socket: Option<OsString>,
    /// How often we say that we are alive.
    interval: Option<Duration>,
    /// What was said last of how it is going.
    status: String,
}

impl Listener {
    /// The one that our environment names, if it names one.
    pub fn from_env() -> Listener {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Listener {
            socket: std::env::var_os(SOCKET).filter(|name| !name.is_empty()),
            interval: interval(number(WATCHDOG.0), number(WATCHDOG.1), std::process::id().into()),
            status: String::new(),
        }
    }

    /// How it is going, if that is news.
    pub fn status(&mut self, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            self.tell(&format!("STATUS={}", status.replace('\n', " ")));
        }
    }

    /// We are alive. When to say so again; absent: nobody wants to hear it.
    pub fn alive(&self, now: Instant) -> Option<Instant> {
        let interval = self.interval?;
        self.tell("WATCHDOG=1");
        Some(now + interval)
    }

    /// The daemon serves: commands are answered.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=The daemon serves.");
    }

    /// Another keeper holds the services; this one waits behind it.
    pub fn stands_by(&self) {
        self.tell("READY=1\nSTATUS=Another keeper holds the services; waiting behind it.");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Stopping all services.");
    }

    fn tell(&self, text: &str) {
        let Some(name) = &self.socket else { return };
        let bytes = name.as_bytes();
        let address = match bytes.strip_prefix(b"@") {
            Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
            None => SocketAddr::from_pathname(name),
        };
        let sent =
            address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address));
        if let Err(error) = sent {
            say::warning!("cannot tell the init system how we are: {error}");
        }
    }
}

impl Keeper {
    /// Says that we are alive, now and later, to whoever wants to hear it.
    pub fn feed_watchdog(&mut self) {
        if let Some(at) = self.notify.alive(Instant::now()) {
            self.alarms.set(Alarm::Watchdog, at);
        }
    }
}

/// Half of what is allowed (sd_watchdog_enabled(3)), if it is about us.
fn interval(allowed_us: Option<u64>, whom: Option<u64>, us: u64) -> Option<Duration> {
    let allowed = allowed_us.filter(|allowed| *allowed > 0 && whom.is_none_or(|pid| pid == us))?;
    Some(Duration::from_micros(allowed) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_fed_twice_in_its_time_and_not_that_of_somebody_else() {
        let second = Some(1_000_000);
        assert_eq!(interval(second, None, 7), Some(Duration::from_millis(500)));
        assert_eq!(interval(second, Some(7), 7), Some(Duration::from_millis(500)));
        assert_eq!(interval(second, Some(8), 7), None);
        assert_eq!(interval(None, Some(7), 7), None);
        assert_eq!(interval(Some(0), None, 7), None);
    }
}
