//! A message of ntfy, published as JSON to its server.

use serde_json::json;

use super::body::host;
use crate::daemon::alert::channel::ntfy_topic;
use crate::daemon::alert::notification::{Notification, What};
use crate::daemon::alert::rule::Severity;

/// More than this ntfy makes an attachment of, in bytes.
const LONGEST: usize = 4000;

/// The server, and the body.
///
/// # Errors
/// The URL names no topic.
pub fn json(url: &str, notification: &Notification) -> Result<(String, Vec<u8>), String> {
    let (server, topic) = ntfy_topic(url).map_err(|mistake| mistake.1)?;
    let alert = &notification.alert;
    let (priority, tag) = match (notification.what, alert.severity) {
        (What::Resolved, _) => (3, "white_check_mark"),
        (What::Test, _) | (What::Firing, Severity::Info) => (3, "information_source"),
        (What::Firing, Severity::Warning) => (4, "warning"),
        (What::Firing, Severity::Critical) => (5, "rotating_light"),
    };
    let title = format!("{} {} on {}", notification.what.as_str().to_uppercase(), alert.rule, host());
    let mut message = [std::slice::from_ref(&alert.summary), &alert.lines].concat().join("\n");
    message.truncate(message.floor_char_boundary(LONGEST));
    let body = json!({
        "topic": topic, "title": title, "message": message, "priority": priority, "tags": [tag],
    });
    Ok((server.into(), serde_json::to_vec(&body).expect("it is plain data")))
}
