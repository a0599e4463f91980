//! What a channel is told.

use serde::{Deserialize, Serialize};

use super::firing::{Alert, Subject};
use super::rule::Severity;
use crate::secrets::random;

/// Something to be told, as it is kept until it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// Names it: who gets it twice can tell.
    pub id: String,
    /// When it came to be, in milliseconds since 1970.
    pub at_ms: u64,
    /// What of it.
    pub what: What,
    /// The alert, as it was then.
    pub alert: Alert,
}

/// What of an alert is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum What {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
    /// Somebody wanted to see whether it arrives.
    Test,
}

impl What {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Firing => "firing",
            What::Resolved => "resolved",
            What::Test => "test",
        }
    }
}

impl Notification {
    /// Of that alert, as it is now.
    pub fn new(what: What, alert: Alert, now_ms: u64) -> Notification {
        Notification { id: random::id(), at_ms: now_ms, what, alert }
    }

    /// One that tells nothing.
    pub fn test(channel: &str, now_ms: u64) -> Notification {
        let alert = Alert {
            id: 0,
            rule: "test".to_owned(),
            severity: Severity::Info,
            subject: Subject { key: "test".to_owned(), process: None },
            summary: format!("this is a test of the channel {channel} of pmdaemon"),
            lines: Vec::new(),
            since_ms: now_ms,
            last_ms: now_ms,
            over_ms: None,
            again: 0,
            channels: Vec::new(),
            told_ms: now_ms,
            owed: false,
        };
        Notification::new(What::Test, alert, now_ms)
    }

    /// It in one line: `FIRING crashes (warning): web-0 is errored`.
    pub fn title(&self) -> String {
        let Alert { rule, severity, summary, .. } = &self.alert;
        match self.what {
            What::Test => format!("TEST: {summary}"),
            What::Firing => format!("FIRING {rule} ({}): {summary}", severity.as_str()),
            What::Resolved => format!("RESOLVED {rule} ({}): {summary}", severity.as_str()),
        }
    }
}
