//! A channel: who is told.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::Mistake;

/// Stands for a secret that is there already.
pub const SAME: &str = "***";

/// A channel as it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Who is told.
    pub to: Receiver,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SAME)
    }
}

/// Who is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Receiver {
    /// An HTTP receiver of JSON.
    Webhook {
        /// Where.
        url: Hidden,
        /// Key of the signature.
        secret: Option<Hidden>,
        /// Sent along.
        headers: BTreeMap<String, Hidden>,
        /// What the body is.
        format: Format,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Where; who knows it may write there.
        url: Hidden,
    },
    /// A webhook of Discord.
    Discord {
        /// Where; who knows it may write there.
        url: Hidden,
    },
    /// A topic of ntfy.
    Ntfy {
        /// The topic.
        url: Hidden,
        /// An access token.
        token: Option<Hidden>,
    },
    /// A program.
    Command {
        /// With its arguments; no shell reads them.
        argv: Vec<String>,
    },
}

/// What the body of a webhook is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Format {
    /// Our own.
    #[default]
    Pmdaemon,
    /// That of Alertmanager's webhooks, version 4.
    Alertmanager,
}

impl Format {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Pmdaemon => "pmdaemon",
            Format::Alertmanager => "alertmanager",
        }
    }

    pub(super) fn of_word(word: &str) -> Result<Format, Mistake> {
        let all = [Format::Pmdaemon, Format::Alertmanager];
        all.into_iter().find(|format| format.as_str() == word).ok_or_else(|| {
            let told = format!("{word:?} is no format: write pmdaemon or alertmanager");
            Mistake("/webhook/format", told)
        })
    }
}

impl Receiver {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Receiver::Webhook { .. } => "webhook",
            Receiver::Slack { .. } => "slack",
            Receiver::Discord { .. } => "discord",
            Receiver::Ntfy { .. } => "ntfy",
            Receiver::Command { .. } => "command",
        }
    }

    /// Where it goes, without what may be a secret: scheme and host; the program of a command.
    pub fn target(&self) -> String {
        match self {
            Receiver::Webhook { url, .. }
            | Receiver::Slack { url }
            | Receiver::Discord { url }
            | Receiver::Ntfy { url, .. } => match Url::parse(&url.0) {
                Ok(url) => format!("{}/…", url.origin().ascii_serialization()),
                Err(_) => "…".to_owned(),
            },
            Receiver::Command { argv } => argv.first().cloned().unwrap_or_default(),
        }
    }

    /// What it gets is signed.
    pub fn is_signed(&self) -> bool {
        matches!(self, Receiver::Webhook { secret: Some(_), .. })
    }

    /// What the body is, of a webhook.
    pub fn format(&self) -> Option<Format> {
        match self {
            Receiver::Webhook { format, .. } => Some(*format),
            Receiver::Slack { .. }
            | Receiver::Discord { .. }
            | Receiver::Ntfy { .. }
            | Receiver::Command { .. } => None,
        }
    }
}
