//! Tells one receiver one thing, once.

mod alertmanager;
mod body;
mod chat;
mod command;
mod http;
mod ntfy;
mod signature;

use std::time::Duration;

use super::channel::{Channel, Format, Receiver};
use super::notification::Notification;
use crate::daemon::clock;
use crate::daemon::reach::Loopback;

/// The receiver has not taken it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why, as a sentence without URL, headers and body.
    pub why: String,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl From<String> for Refused {
    fn from(why: String) -> Refused {
        Refused { why, retry_after: None }
    }
}

/// Tells it, and answers when the receiver has taken it.
///
/// # Errors
/// It has not, or nobody knows.
pub async fn deliver(
    channel: &Channel,
    notification: &Notification,
    loopback: Loopback,
) -> Result<(), Refused> {
    let request = match &channel.to {
        Receiver::Command { argv } => return command::run(argv, notification).await.map_err(Refused::from),
        Receiver::Webhook { url, secret, headers, format } => {
            let body = match format {
                Format::Pmdaemon => body::json(notification),
                Format::Alertmanager => alertmanager::json(&channel.name, notification),
            };
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.0.clone()));
            let mut request = http::Request { url: url.0.clone(), headers: headers.collect(), body };
            request.header("x-pmdaemon-event", &format!("alert.{}", notification.what.as_str()));
            request.header("x-pmdaemon-delivery", &notification.id);
            if let Some(secret) = secret {
                let signed = signature::header(secret.0.as_bytes(), clock::unix_ms() / 1000, &request.body);
                request.header("x-pmdaemon-signature", &signed);
            }
            request
        }
        Receiver::Slack { url } => http::Request::to(&url.0, chat::slack(notification)),
        Receiver::Discord { url } => http::Request::to(&url.0, chat::discord(notification)),
        Receiver::Ntfy { url, token } => {
            let (server, body) = ntfy::json(&url.0, notification)?;
            let mut request = http::Request::to(&server, body);
            if let Some(token) = token {
                request.header("authorization", &format!("Bearer {}", token.0));
            }
            request
        }
    };
    request.send(loopback).await
}
