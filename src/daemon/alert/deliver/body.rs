//! Our own body of a webhook, and what a command gets.

use serde::Serialize;

use crate::daemon::alert::notification::{Notification, What};

/// A notification, as it is sent.
#[derive(Serialize)]
struct Body<'a> {
    /// Of this form.
    version: u32,
    /// Names it: the same one sent twice has the same.
    id: &'a str,
    /// When it came to be.
    at: String,
    /// `firing`, `resolved` or `test`.
    state: &'static str,
    /// The machine.
    host: String,
    alert: Alert<'a>,
}

/// The members have the names of `GET /api/v1/alerts`.
#[derive(Serialize)]
struct Alert<'a> {
    id: u64,
    rule: &'a str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_id: Option<u32>,
    summary: &'a str,
    lines: &'a [String],
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    again: u64,
}

/// It as JSON.
pub fn json(notification: &Notification) -> Vec<u8> {
    let Notification { id, at_ms, what, alert } = notification;
    let whose = alert.subject.process.as_ref();
    let body = Body {
        version: 1,
        id,
        at: time(*at_ms),
        state: what.as_str(),
        host: host(),
        alert: Alert {
            id: alert.id,
            rule: &alert.rule,
            severity: alert.severity.as_str(),
            app: whose.map(|whose| whose.app.as_str()),
            namespace: whose.map(|whose| whose.namespace.as_str()),
            process_id: whose.map(|whose| whose.id),
            summary: &alert.summary,
            lines: &alert.lines,
            since: time(alert.since_ms),
            resolved_at: alert.over_ms.filter(|_| *what == What::Resolved).map(time),
            again: alert.again,
        },
    };
    serde_json::to_vec(&body).expect("it is plain data")
}

/// As RFC 3339 has it.
pub fn time(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// The name of this machine.
pub fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
