//! Readiness: what a run has to do to be called ready, and how far it is (acceptance rows B12 and
//! K8).

use std::fmt;
use std::time::Duration;

use super::Moment;

/// The longest pattern of a line that says "ready", in bytes.
pub const LONGEST_PATTERN: usize = 512;

/// How the runs of an app become ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadyPolicy {
    /// By what.
    pub by: ReadyBy,
    /// From its execution; a run that is not ready within this is a failed start. Nothing is
    /// awaited of [`ReadyBy::Auto`].
    pub limit: Duration,
}

impl ReadyPolicy {
    /// The limit when nobody says another.
    pub const USUAL_LIMIT: Duration = Duration::from_secs(60);
}

impl Default for ReadyPolicy {
    fn default() -> Self {
        ReadyPolicy { by: ReadyBy::Auto, limit: ReadyPolicy::USUAL_LIMIT }
    }
}

/// By what a run becomes ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadyBy {
    /// By its health check, if it has one. Otherwise it is online at once, and nothing is awaited;
    /// a run that says `READY=1` or `"ready"` all the same is ready from then on.
    Auto,
    /// By `READY=1` on the notify socket.
    Notify,
    /// By the message `"ready"` on the IPC channel.
    Message,
    /// By the port that it was given accepting connections.
    Port,
    /// By a line that matches this regular expression, on either output.
    Log(String),
}

impl ReadyBy {
    /// What `text` means: `auto`, `notify`, `message`, `port` or `log:REGEX`. Whether the regular
    /// expression is one is not looked at here.
    ///
    /// # Errors
    /// A sentence with what is possible.
    pub fn parse(text: &str) -> Result<ReadyBy, String> {
        match text.strip_prefix("log:") {
            Some("") => {
                Err("log: needs a pattern: write log:REGEX, for example 'log:listening on'".to_owned())
            }
            Some(pattern) if pattern.len() > LONGEST_PATTERN => Err(format!(
                "the pattern of log: has {} bytes: at most {LONGEST_PATTERN} are allowed",
                pattern.len()
            )),
            Some(pattern) => Ok(ReadyBy::Log(pattern.to_owned())),
            None => match text {
                "auto" => Ok(ReadyBy::Auto),
                "notify" => Ok(ReadyBy::Notify),
                "message" => Ok(ReadyBy::Message),
                "port" => Ok(ReadyBy::Port),
                other => Err(format!(
                    "{other:?} is no way to become ready: auto, notify, message, port and log:REGEX are"
                )),
            },
        }
    }

    /// A run is awaited: it is starting until it has shown this sign.
    pub fn is_awaited(&self) -> bool {
        match self {
            ReadyBy::Auto => false,
            ReadyBy::Notify | ReadyBy::Message | ReadyBy::Port | ReadyBy::Log(_) => true,
        }
    }

    /// Whether that sign makes a run ready.
    pub fn accepts(&self, sign: Sign) -> bool {
        match self {
            ReadyBy::Auto => matches!(sign, Sign::Notified | Sign::Message),
            ReadyBy::Notify => sign == Sign::Notified,
            ReadyBy::Message => sign == Sign::Message,
            ReadyBy::Port => sign == Sign::Accepts,
            ReadyBy::Log(_) => sign == Sign::Line,
        }
    }

    /// What a run has not done that is not ready.
    pub fn missing(&self) -> String {
        match self {
            ReadyBy::Auto => {
                "it has not run for its min-uptime, or its port does not accept connections".to_owned()
            }
            ReadyBy::Notify => "it has not sent READY=1 to its notify socket".to_owned(),
            ReadyBy::Message => "it has not sent \"ready\" on its IPC channel".to_owned(),
            ReadyBy::Port => "its port does not accept connections".to_owned(),
            ReadyBy::Log(pattern) => format!("it has not printed a line that matches {pattern}"),
        }
    }
}

impl fmt::Display for ReadyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadyBy::Auto => f.write_str("auto"),
            ReadyBy::Notify => f.write_str("notify"),
            ReadyBy::Message => f.write_str("message"),
            ReadyBy::Port => f.write_str("port"),
            ReadyBy::Log(pattern) => write!(f, "log:{pattern}"),
        }
    }
}

/// A sign of being ready that a run can show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// `READY=1` on its notify socket.
    Notified,
    /// `"ready"` on its IPC channel.
    Message,
    /// Its port accepts connections.
    Accepts,
    /// It printed a line that matches.
    Line,
}

/// How far a run is that was executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// Nothing was asked of it, and it has said nothing.
    Unasked,
    /// It is starting until it shows the sign of its policy.
    Awaited {
        /// How long it was given.
        limit: Duration,
        /// Then it is a failed start.
        until: Moment,
    },
    /// It is ready.
    Reached {
        /// Since when.
        at: Moment,
    },
}

/// What a run lets us know about itself, beside being ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remark {
    /// What it is doing, in its own words.
    Status(String),
    /// The IPC channel to it is lost, although it runs; why.
    ChannelLost(String),
}

/// The latest remarks of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remarks {
    /// What it says that it is doing.
    pub status: Option<String>,
    /// Why there is no IPC channel to it any more.
    pub channel_lost: Option<String>,
}

impl Remarks {
    /// Notes one.
    pub fn note(&mut self, remark: Remark) {
        match remark {
            Remark::Status(text) => self.status = Some(text),
            Remark::ChannelLost(why) => self.channel_lost = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read_as_it_is_written() {
        let log = ReadyBy::Log("listening on .*".to_owned());
        for by in [ReadyBy::Auto, ReadyBy::Notify, ReadyBy::Message, ReadyBy::Port, log] {
            assert_eq!(ReadyBy::parse(&by.to_string()), Ok(by));
        }
        for bad in ["", "log:", "soon", "Notify", &format!("log:{}", "x".repeat(513))] {
            assert!(ReadyBy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_run_becomes_ready_by_the_sign_of_its_policy_alone() {
        let check = |by: ReadyBy, expected: &[Sign]| {
            let all = [Sign::Notified, Sign::Message, Sign::Accepts, Sign::Line];
            let accepted: Vec<Sign> = all.into_iter().filter(|sign| by.accepts(*sign)).collect();
            assert_eq!(accepted, expected, "{by}");
        };
        check(ReadyBy::Auto, &[Sign::Notified, Sign::Message]);
        check(ReadyBy::Notify, &[Sign::Notified]);
        check(ReadyBy::Message, &[Sign::Message]);
        check(ReadyBy::Port, &[Sign::Accepts]);
        check(ReadyBy::Log("x".into()), &[Sign::Line]);
    }
}
