//! The body of Alertmanager's webhooks, version 4, for who takes those.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::body::{host, time};
use crate::daemon::alert::notification::{Notification, What};

/// It as JSON. Each notification is a group of one alert; a test is one that fires.
pub fn json(channel: &str, notification: &Notification) -> Vec<u8> {
    let alert = &notification.alert;
    let status = match notification.what {
        What::Firing | What::Test => "firing",
        What::Resolved => "resolved",
    };
    let mut labels = json!({
        "alertname": alert.rule,
        "severity": alert.severity.as_str(),
        "instance": host(),
        "job": "pmdaemon",
    });
    if let Some(whose) = &alert.subject.process {
        labels["app"] = json!(whose.app);
        labels["namespace"] = json!(whose.namespace);
        labels["process_id"] = json!(whose.id.to_string());
    }
    let annotations = json!({"summary": alert.summary, "description": alert.lines.join("\n")});
    // What Alertmanager sends of an alert that goes on.
    let ends = alert.over_ms.filter(|_| notification.what == What::Resolved);
    let ends = ends.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), time);
    let body = json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname={:?}, subject={:?}}}", alert.rule, alert.subject.key),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": channel,
        "groupLabels": {"alertname": alert.rule},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": time(alert.since_ms),
            "endsAt": ends,
            "generatorURL": "",
            "fingerprint": fingerprint(&labels),
        }],
    });
    serde_json::to_vec(&body).expect("it is plain data")
}

/// The same for the same labels, as 16 digits.
fn fingerprint(labels: &Value) -> String {
    let digest = Sha256::digest(labels.to_string().as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
