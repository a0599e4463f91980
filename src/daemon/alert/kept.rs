//! How rules, channels, alerts and what is still to be told are kept: as settings of the store, whose file
//! is for its owner alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::channel::Channel;
use super::firing::{Alert, Book};
use super::notification::Notification;
use super::rule::Rule;
use crate::store::Change;

const RULE: &str = "alert rule ";
const CHANNEL: &str = "alert channel ";
const ALERT: &str = "alert told ";
const WAITING: &str = "alert waits ";
const NEXT: &str = "alert next";

/// What the store has of all this.
pub struct Kept {
    pub rules: Vec<Rule>,
    pub channels: Vec<Channel>,
    pub book: Book,
    /// By channel, in their order.
    pub waiting: BTreeMap<String, Vec<(u64, Notification)>>,
}

/// What is in the settings of the store.
pub fn read(settings: &BTreeMap<String, String>) -> Kept {
    let next = settings.get(NEXT).and_then(|next| next.parse().ok()).unwrap_or(1);
    let mut waiting: BTreeMap<String, Vec<(u64, Notification)>> = BTreeMap::new();
    for (key, notification) in all::<Notification>(settings, WAITING) {
        let place = key.rsplit_once(' ').and_then(|(channel, number)| Some((channel, number.parse().ok()?)));
        if let Some((channel, number)) = place {
            waiting.entry(channel.to_owned()).or_default().push((number, notification));
        }
    }
    let mut notifications = waiting.values_mut();
    notifications.by_ref().for_each(|waiting| waiting.sort_by_key(|(number, _)| *number));
    Kept {
        rules: all(settings, RULE).map(|(_, rule)| rule).collect(),
        channels: all(settings, CHANNEL).map(|(_, channel)| channel).collect(),
        book: Book::of(all::<Alert>(settings, ALERT).map(|(_, alert)| alert), next),
        waiting,
    }
}

fn all<'a, T: DeserializeOwned>(
    settings: &'a BTreeMap<String, String>,
    prefix: &'static str,
) -> impl Iterator<Item = (&'a str, T)> {
    settings.iter().filter_map(move |(key, value)| {
        let name = key.strip_prefix(prefix)?;
        let read = serde_json::from_str(value);
        if read.is_err() {
            // Nothing of the value is told: it may have secrets in it.
            tracing::error!("the {key} in the store is not understood, and is left alone");
        }
        Some((name, read.ok()?))
    })
}

fn put(name: String, value: &impl Serialize) -> Change {
    Change::PutSetting { name, value: serde_json::to_string(value).expect("it is plain data") }
}

pub fn put_rule(rule: &Rule) -> Change {
    put(format!("{RULE}{}", rule.name), rule)
}

pub fn drop_rule(name: &str) -> Change {
    Change::DropSetting(format!("{RULE}{name}"))
}

pub fn put_channel(channel: &Channel) -> Change {
    put(format!("{CHANNEL}{}", channel.name), channel)
}

pub fn drop_channel(name: &str) -> Change {
    Change::DropSetting(format!("{CHANNEL}{name}"))
}

/// And the number of the next one, which is not to be used again.
pub fn put_alert(alert: &Alert, next: u64) -> [Change; 2] {
    let next = Change::PutSetting { name: NEXT.to_owned(), value: next.to_string() };
    [put(format!("{ALERT}{}", alert.id), alert), next]
}

pub fn drop_alert(id: u64) -> Change {
    Change::DropSetting(format!("{ALERT}{id}"))
}

pub fn put_waiting(channel: &str, number: u64, notification: &Notification) -> Change {
    put(format!("{WAITING}{channel} {number}"), notification)
}

pub fn drop_waiting(channel: &str, number: u64) -> Change {
    Change::DropSetting(format!("{WAITING}{channel} {number}"))
}
