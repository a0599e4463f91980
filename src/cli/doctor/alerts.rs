//! Does what is told arrive?

use super::{Finding, Level};
use crate::cli::render::units;
use crate::wire::AlertChannel;

/// What the daemon says of its channels. Nothing, if there are none.
pub fn all(channels: &[AlertChannel]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for channel in channels {
        let name = &channel.name;
        if let Some(error) = &channel.error {
            let waiting = match channel.waiting {
                ..=0 => String::new(),
                number => format!(
                    "; {} waiting",
                    units::count(number as usize, "notification is", "notifications are")
                ),
            };
            findings.push(Finding::bad(
                Level::Warning,
                "alerts",
                format!("channel {name} is failing, so nobody is told there: {error}{waiting}"),
                format!("when its receiver is well again: pmdaemon alert channel test {name}"),
            ));
        }
    }
    if findings.is_empty() && !channels.is_empty() {
        let number = units::count(channels.len(), "channel", "channels");
        findings.push(Finding::ok("alerts", format!("{number}, and none is failing")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_fails_is_a_warning_with_its_reason() {
        let mut channel = AlertChannel {
            name: "ops".into(),
            kind: "webhook".into(),
            to: "https://hooks.example/…".into(),
            format: None,
            signed: false,
            created_at: "t".into(),
            status: "ok".into(),
            error: None,
            last_sent_at: None,
            sent: 0,
            waiting: 2,
            lost: 0,
        };
        assert_eq!(all(&[]), []);
        assert_eq!(all(&[channel.clone()])[0].level, Level::Ok);
        channel.error = Some("it answered 500".into());
        let found = all(&[channel]);
        assert_eq!((found.len(), found[0].level), (1, Level::Warning));
        assert!(found[0].finding.ends_with("it answered 500; 2 notifications are waiting"), "{found:?}");
    }
}
