//! Alerts: rules that say what is to be told, channels that say to whom, and what fires.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{More, Stream};

/// What is to be told, of whom, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlertRule {
    /// Its name.
    #[schema(example = "crashes")]
    pub name: String,
    /// The condition.
    pub when: AlertWhen,
    /// References to apps or processes, which are looked up again with each change. Default: all.
    /// None for what is not about an app (`certificate`, `disk`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Names of the channels that are told. Default: none, so that it is seen in the list of alerts, the
    /// dashboard and the events alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// `info`, `warning` or `critical`. Default `warning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "critical")]
    pub severity: Option<String>,
    /// The same alert that is over and comes again is told at most once in this time, in milliseconds. What
    /// only happens (`log_match`, `operation_failed`) is over when it has not happened for so long.
    /// Default five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 604_800_000)]
    pub cool_down_ms: Option<i64>,
    /// What goes on is told again after this time, in milliseconds. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 60_000, maximum = 604_800_000)]
    pub repeat_ms: Option<i64>,
    /// It is only kept, and tells nothing, until it is set anew. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// The condition of a rule: exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertWhen {
    /// A process was given up: its state is `errored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub errored: Option<AlertErrored>,
    /// A process is restarted again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub restart_loop: Option<AlertRestartLoop>,
    /// A process fails its health checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unhealthy: Option<AlertUnhealthy>,
    /// A process uses much of its memory limit, or of the machine's memory where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub memory: Option<AlertAbove>,
    /// A process uses much CPU; 100 is one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cpu: Option<AlertAbove>,
    /// A line of a log matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub log_match: Option<AlertLogMatch>,
    /// A reload, or an operation on several processes, has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operation_failed: Option<AlertOperationFailed>,
    /// A certificate that pmdaemon serves with expires soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub certificate: Option<AlertCertificate>,
    /// The file system of the home, or of a log, has little room left, or nothing can be saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disk: Option<AlertDisk>,
}

/// A process was given up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertErrored {}

/// So many restarts that nobody asked for, within so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRestartLoop {
    /// How many.
    #[schema(minimum = 2, maximum = 1000, example = 5)]
    pub restarts: i64,
    /// Within how long, in milliseconds.
    #[schema(minimum = 1000, maximum = 86_400_000, example = 600_000)]
    pub within_ms: i64,
}

/// Unhealthy for so long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertUnhealthy {
    /// How long without a break, in milliseconds. Default: told at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub for_ms: Option<i64>,
}

/// Above a level for so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertAbove {
    /// The level.
    #[schema(minimum = 1, maximum = 100_000, example = 90)]
    pub above_percent: i64,
    /// How long without a break, in milliseconds. Default: told at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400_000)]
    pub for_ms: Option<i64>,
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertLogMatch {
    /// A regular expression of the `regex` crate, at most 512 characters.
    #[schema(example = "(?i)out of memory", max_length = 512)]
    pub pattern: String,
    /// Only this stream. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stream: Option<Stream>,
}

/// An operation has failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertOperationFailed {}

/// A certificate expires soon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertCertificate {
    /// Within how many days.
    #[schema(minimum = 1, maximum = 365, example = 14)]
    pub within_days: i64,
}

/// Little room is left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertDisk {
    /// Less than so much of the file system is free.
    #[schema(minimum = 1, maximum = 99, example = 10)]
    pub below_percent: i64,
}

/// A rule, and how often it fires now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertRule {
    /// Its name.
    pub name: String,
    /// The condition.
    pub when: AlertWhen,
    /// The condition, as a sentence.
    #[schema(example = "5 restarts within 10 min")]
    pub condition: String,
    /// Whom it is about; none: all.
    pub apps: Vec<String>,
    /// Who is told.
    pub channels: Vec<String>,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The same alert is told at most once in this time.
    pub cool_down_ms: i64,
    /// What goes on is told again after this time; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub repeat_ms: Option<i64>,
    /// It tells nothing.
    pub paused: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How many alerts of it fire now.
    pub firing: i64,
}

impl From<AlertRule> for NewAlertRule {
    /// What would make the same rule.
    fn from(rule: AlertRule) -> NewAlertRule {
        NewAlertRule {
            name: rule.name,
            when: rule.when,
            apps: rule.apps,
            channels: rule.channels,
            severity: Some(rule.severity),
            cool_down_ms: Some(rule.cool_down_ms),
            repeat_ms: rule.repeat_ms,
            paused: rule.paused,
        }
    }
}

/// All rules.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertRuleList {
    /// By name.
    pub items: Vec<AlertRule>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// Who is to be told: exactly one of `webhook`, `slack`, `discord`, `ntfy`, `command`. Where a channel is
/// replaced, `***` in place of a URL, a secret, a token or the value of a header keeps the one that is there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlertChannel {
    /// Its name.
    #[schema(example = "ops")]
    pub name: String,
    /// An HTTP receiver gets JSON by POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub webhook: Option<AlertWebhook>,
    /// URL of an incoming webhook of Slack (Mattermost and Rocket.Chat take the same).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub slack: Option<String>,
    /// URL of a webhook of Discord.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub discord: Option<String>,
    /// A topic of ntfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ntfy: Option<AlertNtfy>,
    /// A program by its whole path, and its arguments, run as the daemon's user without a shell. It gets the alert as JSON on its input, and in
    /// variables `PMDAEMON_ALERT_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<Vec<String>>,
}

/// An HTTP receiver.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertWebhook {
    /// Where.
    #[schema(example = "https://hooks.example/pmdaemon")]
    pub url: String,
    /// Key of the signature (HMAC-SHA256 over time and body, in `X-Pmdaemon-Signature`), of 16 to 512 bytes.
    /// Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<String>,
    /// Headers to send along. Their values are never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body: `pmdaemon`, or `alertmanager` for who takes that one's webhooks (version 4).
    /// Default `pmdaemon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub format: Option<String>,
}

/// A topic of ntfy.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertNtfy {
    /// The topic's URL.
    #[schema(example = "https://ntfy.sh/my-topic")]
    pub url: String,
    /// An access token. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A channel, and how it does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertChannel {
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, `discord`, `ntfy` or `command`.
    pub kind: String,
    /// Where it goes: scheme and host of a URL, whose path and query may be secrets; the program of a command.
    #[schema(example = "https://hooks.slack.com/…")]
    pub to: String,
    /// What a webhook gets: `pmdaemon` or `alertmanager`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub format: Option<String>,
    /// What is sent is signed.
    pub signed: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// `ok`, or `failing` while the receiver takes nothing.
    pub status: String,
    /// Why, while it is failing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// When the receiver last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub last_sent_at: Option<String>,
    /// What it has taken since the daemon began.
    pub sent: i64,
    /// What waits to be sent.
    pub waiting: i64,
    /// What was given up since the daemon began.
    pub lost: i64,
}

/// All channels.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertChannelList {
    /// By name.
    pub items: Vec<AlertChannel>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// Something that is to be told, from its beginning to its end.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its number; it grows and is not used again.
    pub id: i64,
    /// The rule.
    pub rule: String,
    /// The rule's.
    pub severity: String,
    /// `firing`, or `resolved` when it is over.
    pub state: String,
    /// The app; absent for what is not about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app: Option<String>,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub namespace: Option<String>,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub process_id: Option<i64>,
    /// What is the matter, as a sentence.
    #[schema(example = "web-0 was given up after 10 unstable runs: it exited with code 1")]
    pub summary: String,
    /// The last lines that it wrote before, where it is about a process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub resolved_at: Option<String>,
    /// How often it came again within the rule's cool-down, the first time not counted.
    pub again: i64,
}

/// What fires, and what has fired.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertList {
    /// Those that fire first, then the newest; what is over is kept a day, and at most 200 of them.
    pub items: Vec<Alert>,
}
