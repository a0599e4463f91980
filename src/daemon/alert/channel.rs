//! A channel: who is told.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::Mistake;
use crate::daemon::reach::{self, Loopback};
use crate::model::Name;

/// Stands for a secret that is there already.
pub const SAME: &str = "***";
/// The shortest and the longest key of a signature, in bytes.
const SECRET: std::ops::RangeInclusive<usize> = 16..=512;
/// Headers of a webhook, and arguments of a command.
const MOST: usize = 32;
/// The longest URL, header, token or argument, in bytes.
const LONGEST: usize = 4096;
/// Headers that pmdaemon sets.
const OURS: [&str; 10] = [
    "content-type",
    "content-length",
    "content-encoding",
    "host",
    "transfer-encoding",
    "connection",
    "user-agent",
    "x-pmdaemon-signature",
    "x-pmdaemon-delivery",
    "x-pmdaemon-event",
];

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

    fn of_word(word: &str) -> Result<Format, Mistake> {
        let all = [Format::Pmdaemon, Format::Alertmanager];
        all.into_iter().find(|format| format.as_str() == word).ok_or_else(|| {
            let told = format!("{word:?} is no format: write pmdaemon or alertmanager");
            Mistake("/webhook/format", told)
        })
    }
}

/// What somebody asked for.
pub struct ChannelWish {
    /// Its name.
    pub name: String,
    /// Who is to be told.
    pub to: ReceiverWish,
}

/// Who is to be told.
pub enum ReceiverWish {
    /// An HTTP receiver of JSON.
    Webhook {
        /// Where.
        url: String,
        /// Key of the signature.
        secret: Option<String>,
        /// Sent along.
        headers: BTreeMap<String, String>,
        /// A word.
        format: Option<String>,
    },
    /// An incoming webhook of Slack.
    Slack(String),
    /// A webhook of Discord.
    Discord(String),
    /// A topic of ntfy.
    Ntfy {
        /// The topic.
        url: String,
        /// An access token.
        token: Option<String>,
    },
    /// A program and its arguments.
    Command(Vec<String>),
}

impl ChannelWish {
    /// The channel. Secrets that are [`SAME`] are those of `before`.
    ///
    /// # Errors
    /// The first mistake.
    pub fn define(
        self,
        before: Option<&Channel>,
        loopback: Loopback,
        now_ms: u64,
    ) -> Result<Channel, Mistake> {
        let name = Name::parse(&self.name).map_err(|bad| Mistake("/name", bad.to_string()))?;
        let to = self.to.define(before.map(|before| &before.to), loopback)?;
        let created_at_ms = before.map_or(now_ms, |before| before.created_at_ms);
        Ok(Channel { name: name.to_string(), to, created_at_ms })
    }
}

impl ReceiverWish {
    fn define(self, before: Option<&Receiver>, loopback: Loopback) -> Result<Receiver, Mistake> {
        let url = |member, url: String, known: Option<&Hidden>| {
            let url = same(member, url, known)?;
            checked_url(member, &url.0, loopback)?;
            Ok(url)
        };
        match self {
            ReceiverWish::Webhook { url: to, secret, headers, format } => {
                let (known_url, known_secret, known_headers) = match before {
                    Some(Receiver::Webhook { url, secret, headers, .. }) => {
                        (Some(url), secret.as_ref(), Some(headers))
                    }
                    Some(_) | None => (None, None, None),
                };
                let secret =
                    secret.map(|secret| same("/webhook/secret", secret, known_secret)).transpose()?;
                if secret.as_ref().is_some_and(|secret| !SECRET.contains(&secret.0.len())) {
                    let (least, most) = SECRET.into_inner();
                    let told = format!("the key of a signature has {least} to {most} bytes");
                    return Err(Mistake("/webhook/secret", told));
                }
                Ok(Receiver::Webhook {
                    url: url("/webhook/url", to, known_url)?,
                    secret,
                    headers: checked_headers(headers, known_headers)?,
                    format: format.as_deref().map(Format::of_word).transpose()?.unwrap_or_default(),
                })
            }
            ReceiverWish::Slack(to) => {
                let known = match before {
                    Some(Receiver::Slack { url }) => Some(url),
                    Some(_) | None => None,
                };
                Ok(Receiver::Slack { url: url("/slack", to, known)? })
            }
            ReceiverWish::Discord(to) => {
                let known = match before {
                    Some(Receiver::Discord { url }) => Some(url),
                    Some(_) | None => None,
                };
                Ok(Receiver::Discord { url: url("/discord", to, known)? })
            }
            ReceiverWish::Ntfy { url: to, token } => {
                let (known_url, known_token) = match before {
                    Some(Receiver::Ntfy { url, token }) => (Some(url), token.as_ref()),
                    Some(_) | None => (None, None),
                };
                let token = token.map(|token| same("/ntfy/token", token, known_token)).transpose()?;
                if token.as_ref().is_some_and(|token| !is_value(&format!("Bearer {}", token.0))) {
                    let told = "the token has characters that HTTP does not allow, or too many";
                    return Err(Mistake("/ntfy/token", told.to_owned()));
                }
                let url = url("/ntfy/url", to, known_url)?;
                ntfy_topic(&url.0)?;
                Ok(Receiver::Ntfy { url, token })
            }
            ReceiverWish::Command(argv) => checked_command(argv),
        }
    }
}

/// The text, or the one that is there if it says so.
fn same(member: &'static str, text: String, known: Option<&Hidden>) -> Result<Hidden, Mistake> {
    if text != SAME {
        return Ok(Hidden(text));
    }
    known.cloned().ok_or_else(|| {
        Mistake(
            member,
            format!("{SAME} stands for what is there already, and there is nothing: write it out"),
        )
    })
}

fn checked_url(member: &'static str, text: &str, loopback: Loopback) -> Result<(), Mistake> {
    let wrong = |why: String| Mistake(member, why);
    let url =
        Url::parse(text).map_err(|e| wrong(format!("that is not a URL ({e}): write https://host/path")))?;
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    if !is_http || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(format!("{}: is not for HTTP: write https://host/path", url.scheme())));
    }
    if text.len() > LONGEST {
        return Err(wrong(format!("the URL is longer than {LONGEST} bytes")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("credentials in a URL end up in logs: give them as a header or token".to_owned()));
    }
    reach::may_be(url.host_str().unwrap_or_default(), loopback).map_err(wrong)
}

/// The server of a topic's URL, and the topic.
///
/// # Errors
/// The URL names none.
pub fn ntfy_topic(url: &str) -> Result<(Url, String), Mistake> {
    let wrong = || Mistake("/ntfy/url", "the URL names no topic: write https://ntfy.sh/my-topic".to_owned());
    let mut url = Url::parse(url).map_err(|_| wrong())?;
    let mut segments: Vec<String> = url.path_segments().into_iter().flatten().map(str::to_owned).collect();
    let topic = segments.pop().filter(|topic| !topic.is_empty()).ok_or_else(wrong)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if topic.len() > 64 || !topic.chars().all(fits) || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    url.set_path(&segments.join("/"));
    Ok((url, topic))
}

fn is_value(text: &str) -> bool {
    text.len() <= LONGEST && HeaderValue::from_str(text).is_ok()
}

fn checked_headers(
    headers: BTreeMap<String, String>,
    known: Option<&BTreeMap<String, Hidden>>,
) -> Result<BTreeMap<String, Hidden>, Mistake> {
    if headers.len() > MOST {
        return Err(Mistake("/webhook/headers", format!("a webhook has at most {MOST} headers")));
    }
    let mut checked = BTreeMap::new();
    for (name, value) in headers {
        let told = |why: &str| Mistake("/webhook/headers", format!("the header {name:?} {why}"));
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| told("has no name that HTTP allows"))?;
        if OURS.contains(&parsed.as_str()) {
            return Err(told("is set by pmdaemon: leave it out"));
        }
        let known = known.and_then(|known| known.get(parsed.as_str()));
        let value = same("/webhook/headers", value, known)?;
        if !is_value(&value.0) {
            return Err(told("has a value that HTTP does not allow, or one that is too long"));
        }
        checked.insert(parsed.as_str().to_owned(), value);
    }
    Ok(checked)
}

fn checked_command(argv: Vec<String>) -> Result<Receiver, Mistake> {
    let wrong = |why: &str| Err(Mistake("/command", why.to_owned()));
    match argv.first() {
        None => return wrong("what is to be run? give a program and its arguments"),
        Some(program) if !program.starts_with('/') => {
            return wrong("the program is given by its whole path, such as /usr/local/bin/notify");
        }
        Some(_) => {}
    }
    if argv.len() > MOST || argv.iter().any(|word| word.len() > LONGEST || word.contains('\0')) {
        return wrong("a command has at most 32 words of at most 4096 bytes, without zero bytes");
    }
    Ok(Receiver::Command { argv })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(to: ReceiverWish, before: Option<&Channel>) -> Result<Channel, Mistake> {
        ChannelWish { name: "ops".into(), to }.define(before, Loopback::Refused, 1)
    }

    fn webhook(url: &str, secret: Option<&str>, headers: &[(&str, &str)]) -> ReceiverWish {
        ReceiverWish::Webhook {
            url: url.into(),
            secret: secret.map(str::to_owned),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            format: None,
        }
    }

    #[test]
    fn row_37_secrets_are_neither_shown_nor_taken_in_a_url() {
        let key = "s3cr3t-s3cr3t-s3cr3t";
        let url = "https://h.example/s3cr3t?key=s3cr3t";
        let one = channel(webhook(url, Some(key), &[("Authorization", "Bearer s3cr3t")]), None).unwrap();
        assert!(!format!("{one:?}").contains("s3cr3t"), "{one:?}");
        assert_eq!(one.to.target(), "https://h.example/…");
        let slack = channel(ReceiverWish::Slack("https://hooks.slack.com/services/T/B/s3cr3t".into()), None);
        let slack = slack.unwrap();
        assert!(!format!("{slack:?} {}", slack.to.target()).contains("s3cr3t"), "{slack:?}");
        let with = channel(webhook("https://me:pw@h/", None, &[]), None).unwrap_err();
        assert!(with.1.contains("header"), "{with:?}");
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Channel>(&text).unwrap(), one);
    }

    #[test]
    fn stars_keep_what_is_there() {
        let key = "s3cr3t-s3cr3t-s3cr3t";
        let wish = |secret, value| webhook("https://h/", Some(secret), &[("X-Key", value)]);
        let one = channel(wish(key, "v1"), None).unwrap();
        assert_eq!(channel(wish(SAME, SAME), Some(&one)).unwrap(), one);
        let other = channel(wish(SAME, "v2"), Some(&one)).unwrap();
        assert_ne!(other, one);
        assert!(channel(wish(SAME, "v1"), None).unwrap_err().1.contains("nothing"));
        let slack = channel(ReceiverWish::Slack("https://h/x".into()), None).unwrap();
        assert_eq!(channel(ReceiverWish::Slack(SAME.into()), Some(&slack)).unwrap(), slack);
        assert!(channel(ReceiverWish::Discord(SAME.into()), Some(&slack)).is_err(), "another kind");
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_with_its_place() {
        let refused = |wish, member: &str, words: &str| {
            let Mistake(at, told) = channel(wish, None).expect_err(words);
            assert!(at == member && told.contains(words), "{at}: {told}");
        };
        refused(webhook("ftp://h/", None, &[]), "/webhook/url", "https://host/path");
        refused(webhook("http://127.0.0.1/", None, &[]), "/webhook/url", "PMDAEMON_ALERT_LOOPBACK");
        refused(webhook("http://2852039166/", None, &[]), "/webhook/url", "metadata");
        refused(webhook("https://h/", Some("short"), &[]), "/webhook/secret", "16 to 512");
        refused(webhook("https://h/", None, &[("Host", "x")]), "/webhook/headers", "leave it out");
        refused(
            webhook("https://h/", None, &[("X-Pmdaemon-Signature", "x")]),
            "/webhook/headers",
            "leave it",
        );
        refused(webhook("https://h/", None, &[("x", "a\nb")]), "/webhook/headers", "HTTP does not allow");
        let ntfy = |url: &str| ReceiverWish::Ntfy { url: url.into(), token: None };
        refused(ntfy("https://ntfy.sh/"), "/ntfy/url", "names no topic");
        refused(ntfy("https://ntfy.sh/a%20b"), "/ntfy/url", "names no topic");
        refused(ReceiverWish::Command(Vec::new()), "/command", "what is to be run");
        refused(ReceiverWish::Command(vec!["notify".into()]), "/command", "whole path");
        let (server, topic) = ntfy_topic("https://push.example/sub/alerts").unwrap();
        assert_eq!((server.as_str(), topic.as_str()), ("https://push.example/sub", "alerts"));
    }
}
