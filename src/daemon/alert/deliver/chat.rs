//! Messages of Slack and Discord. What apps have written mentions nobody and ends no block there.

use serde_json::json;

use super::body::host;
use crate::daemon::alert::notification::Notification;

/// What Discord takes, in characters.
const DISCORD: usize = 2000;
/// More than anybody reads.
const SLACK: usize = 4000;

/// For an incoming webhook of Slack.
pub fn slack(notification: &Notification) -> Vec<u8> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = text(notification, escaped, SLACK);
    serde_json::to_vec(&json!({ "text": text })).expect("it is plain data")
}

/// For a webhook of Discord.
pub fn discord(notification: &Notification) -> Vec<u8> {
    let content = text(notification, str::to_owned, DISCORD);
    let body = json!({"content": content, "allowed_mentions": {"parse": []}});
    serde_json::to_vec(&body).expect("it is plain data")
}

fn text(notification: &Notification, escaped: impl Fn(&str) -> String, most: usize) -> String {
    let title = escaped(&format!("{} on {}", notification.title(), host()));
    let title: String = title.chars().take(most / 2).collect();
    let lines = &notification.alert.lines;
    if lines.is_empty() {
        return title;
    }
    // The newest lines tell the most.
    let (mut kept, mut room) = (Vec::new(), most.saturating_sub(title.chars().count() + 16));
    for line in lines.iter().rev() {
        let line = escaped(&line.replace("```", "'''"));
        let length = line.chars().count() + 1;
        if length > room {
            break;
        }
        room -= length;
        kept.push(line);
    }
    kept.reverse();
    match kept.is_empty() {
        true => title,
        false => format!("{title}\n```\n{}\n```", kept.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Notification {
        let mut told = Notification::test("ops", 0);
        told.alert.lines = vec!["first".to_owned(), line.to_owned()];
        told
    }

    #[test]
    fn what_apps_write_mentions_nobody_and_ends_no_block() {
        let slack = String::from_utf8(slack(&told("<!channel> ``` & more"))).unwrap();
        assert!(slack.contains("&lt;!channel&gt; ''' &amp; more"), "{slack}");
        let discord: serde_json::Value = serde_json::from_slice(&discord(&told("@everyone"))).unwrap();
        assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
    }

    #[test]
    fn the_newest_lines_are_kept_when_there_is_no_room() {
        let long = "x".repeat(1500);
        let discord: serde_json::Value = serde_json::from_slice(&discord(&told(&long))).unwrap();
        let content = discord["content"].as_str().unwrap();
        assert!(content.contains(&long) && content.chars().count() <= DISCORD, "{content}");
        let longer = "y".repeat(3000);
        let discord: serde_json::Value = serde_json::from_slice(&super::discord(&told(&longer))).unwrap();
        assert!(!discord["content"].as_str().unwrap().contains("yyy"));
    }
}
