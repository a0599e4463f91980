//! What fires: from what is seen to what is told. No I/O and no clock.
//!
//! ```text
//!   calm ──holds──▶ pending ──long enough──▶ firing ──holds no longer──▶ over
//!                                              ▲                           │
//!                                              └── holds again, within the ┘
//!                                                  cool-down: counted, not told
//! ```
//!
//! - An alert is told when it begins, and once when it is over.
//! - It is told at most once in its rule's cool-down. What comes back within it is the same alert, and is
//!   counted; if it still goes on when the cool-down is over, it is told then.
//! - What only happens (a line, a failed operation) goes on until it has not happened for the cool-down.
//!
//! Whatever the steps here change is kept before it is told, so that a daemon that dies tells nothing twice.
//! What is pending is not kept: it begins anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::rule::{Rule, Severity};

/// What is over is kept for so long.
const KEPT_MS: u64 = 86_400_000;
/// So many that are over are kept, and shown.
pub const MOST_OVER: usize = 200;
/// What only happens is over no sooner than this.
const LEAST_MOMENT_MS: u64 = 1000;

/// What an alert of a rule is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Tells it from others of the same rule.
    pub key: String,
    /// The process, if it is about one.
    pub process: Option<Whose>,
}

/// A process that an alert is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Whose {
    /// Its id.
    pub id: u32,
    /// Its app.
    pub app: String,
    /// Its namespace.
    pub namespace: String,
}

/// Something that is told, from its beginning to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub id: u64,
    /// The rule.
    pub rule: String,
    /// The rule's.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is the matter, as a sentence.
    pub summary: String,
    /// The last lines that were written before.
    pub lines: Vec<String>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// When it last happened.
    pub last_ms: u64,
    /// When it was over.
    pub over_ms: Option<u64>,
    /// How often it came again.
    pub again: u64,
    /// Who was told that it fires.
    pub channels: Vec<String>,
    /// When that was told last.
    pub told_ms: u64,
    /// That was told, and its end was not.
    pub owed: bool,
}

impl Alert {
    /// It goes on.
    pub fn is_firing(&self) -> bool {
        self.over_ms.is_none()
    }
}

/// What has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// This alert begins, and is told.
    Fires(u64),
    /// It goes on, and is told once more.
    Repeats(u64),
    /// It came again, and is counted.
    Again(u64),
    /// It is over, and that is told.
    Resolves(u64),
    /// It is over; nobody was told that it had come back.
    Fades(u64),
}

impl Step {
    /// Which alert.
    pub fn id(self) -> u64 {
        match self {
            Step::Fires(id) | Step::Repeats(id) | Step::Again(id) | Step::Resolves(id) | Step::Fades(id) => {
                id
            }
        }
    }
}

type Key = (String, String);

/// All alerts.
#[derive(Default)]
pub struct Book {
    alerts: BTreeMap<u64, Alert>,
    /// The newest of each rule and subject.
    newest: BTreeMap<Key, u64>,
    /// Since when it holds, without being told yet.
    pending: BTreeMap<Key, u64>,
    next: u64,
}

impl Book {
    /// With what was kept; numbers go on with `next`.
    pub fn of(alerts: impl IntoIterator<Item = Alert>, next: u64) -> Book {
        let mut book = Book { next: next.max(1), ..Book::default() };
        for alert in alerts {
            book.next = book.next.max(alert.id + 1);
            let newest = book.newest.entry(key(&alert.rule, &alert.subject)).or_default();
            *newest = (*newest).max(alert.id);
            book.alerts.insert(alert.id, alert);
        }
        book
    }

    /// The number of the next alert.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// One of them.
    pub fn get(&self, id: u64) -> Option<&Alert> {
        self.alerts.get(&id)
    }

    /// The lines before one.
    pub fn put_lines(&mut self, id: u64, lines: Vec<String>) {
        if let Some(alert) = self.alerts.get_mut(&id) {
            alert.lines = lines;
        }
    }

    /// Those that fire first, then the newest of the others.
    pub fn list(&self) -> Vec<Alert> {
        let (firing, over): (Vec<&Alert>, Vec<&Alert>) =
            self.alerts.values().rev().partition(|a| a.is_firing());
        firing.into_iter().chain(over.into_iter().take(MOST_OVER)).cloned().collect()
    }

    /// How many of these fire.
    pub fn firing(&self, is_meant: impl Fn(&Alert) -> bool) -> usize {
        self.alerts.values().filter(|alert| alert.is_firing() && is_meant(alert)).count()
    }

    /// How many of a rule fire.
    pub fn firing_of(&self, rule: &str) -> usize {
        self.firing(|alert| alert.rule == rule)
    }

    fn newest(&mut self, key: &Key) -> Option<&mut Alert> {
        let id = self.newest.get(key)?;
        self.alerts.get_mut(id)
    }

    /// It holds at `now`.
    pub fn holds(&mut self, now: u64, rule: &Rule, subject: &Subject, summary: &str) -> Option<Step> {
        let key = key(&rule.name, subject);
        if let Some(alert) = self.newest(&key) {
            // The clock may have been set back.
            alert.told_ms = alert.told_ms.min(now);
            let since_told = now - alert.told_ms;
            if alert.is_firing() {
                alert.last_ms = now;
                let again = rule.repeat_ms.is_some_and(|repeat| since_told >= repeat);
                return match alert.owed {
                    true if again => {
                        (alert.told_ms, alert.summary) = (now, summary.to_owned());
                        Some(Step::Repeats(alert.id))
                    }
                    false if since_told >= rule.cool_down_ms => {
                        (alert.told_ms, alert.owed, alert.summary) = (now, true, summary.to_owned());
                        alert.channels.clone_from(&rule.channels);
                        Some(Step::Fires(alert.id))
                    }
                    true | false => None,
                };
            }
        }
        let since = *self.pending.entry(key.clone()).or_insert(now);
        if now.saturating_sub(since) < rule.when.for_ms() {
            return None;
        }
        self.pending.remove(&key);
        if let Some(alert) = self.newest(&key)
            && now - alert.told_ms < rule.cool_down_ms
        {
            (alert.over_ms, alert.last_ms) = (None, now);
            alert.again += 1;
            return Some(Step::Again(alert.id));
        }
        Some(Step::Fires(self.begin(now, since, rule, subject, summary)))
    }

    fn begin(&mut self, now: u64, since: u64, rule: &Rule, subject: &Subject, summary: &str) -> u64 {
        let id = self.next.max(1);
        self.next = id + 1;
        let alert = Alert {
            id,
            rule: rule.name.clone(),
            severity: rule.severity,
            subject: subject.clone(),
            summary: summary.to_owned(),
            lines: Vec::new(),
            since_ms: since,
            last_ms: now,
            over_ms: None,
            again: 0,
            channels: rule.channels.clone(),
            told_ms: now,
            owed: true,
        };
        self.newest.insert(key(&rule.name, subject), id);
        self.alerts.insert(id, alert);
        id
    }

    /// It happened so many times.
    pub fn happened(
        &mut self,
        now: u64,
        rule: &Rule,
        subject: &Subject,
        summary: &str,
        times: u64,
    ) -> Option<Step> {
        let times = times.max(1);
        let key = key(&rule.name, subject);
        if let Some(alert) = self.newest(&key)
            && alert.is_firing()
        {
            alert.again += times;
        } else {
            // When it is over, the cool-down is over, too.
            let id = self.begin(now, now, rule, subject, summary);
            if let Some(alert) = self.alerts.get_mut(&id) {
                alert.again = times - 1;
            }
            return Some(Step::Fires(id));
        }
        self.holds(now, rule, subject, summary)
            .or_else(|| self.newest(&key).map(|alert| Step::Again(alert.id)))
    }

    /// What of a rule that only happens has not happened for long enough.
    pub fn quiet(&mut self, now: u64, rule: &Rule) -> Vec<Step> {
        let quiet = rule.cool_down_ms.max(LEAST_MOMENT_MS);
        let over = self.alerts.values().filter(|alert| {
            alert.is_firing() && alert.rule == rule.name && now.saturating_sub(alert.last_ms) >= quiet
        });
        let over: Vec<Key> = over.map(|alert| key(&alert.rule, &alert.subject)).collect();
        over.iter().filter_map(|key| self.end(now, key)).collect()
    }

    /// Of that rule nothing holds but these.
    pub fn calm(&mut self, now: u64, rule: &str, but: &BTreeSet<String>) -> Vec<Step> {
        self.pending.retain(|(of, subject), _| of != rule || but.contains(subject));
        let firing = self.alerts.values().filter(|alert| alert.is_firing() && alert.rule == rule);
        let over = firing.filter(|alert| !but.contains(&alert.subject.key));
        let over: Vec<Key> = over.map(|alert| key(&alert.rule, &alert.subject)).collect();
        over.iter().filter_map(|key| self.end(now, key)).collect()
    }

    /// Rules of which something fires or is pending.
    pub fn rules(&self) -> BTreeSet<String> {
        let firing = self.alerts.values().filter(|alert| alert.is_firing()).map(|alert| alert.rule.clone());
        firing.chain(self.pending.keys().map(|(rule, _)| rule.clone())).collect()
    }

    fn end(&mut self, now: u64, key: &Key) -> Option<Step> {
        let alert = self.newest(key).filter(|alert| alert.is_firing())?;
        alert.over_ms = Some(now);
        Some(match std::mem::take(&mut alert.owed) {
            true => Step::Resolves(alert.id),
            false => Step::Fades(alert.id),
        })
    }

    /// Forgets what is over for long, or too much: which. What comes again within `cool_down` of its rule is
    /// to be known again.
    pub fn forget(&mut self, now: u64, cool_down: impl Fn(&str) -> Option<u64>) -> Vec<u64> {
        let over = self.alerts.values().rev().filter(|alert| !alert.is_firing());
        let cold = over.filter(|alert| {
            let is_newest = self.newest.get(&key(&alert.rule, &alert.subject)) == Some(&alert.id);
            let cool_down = cool_down(&alert.rule).filter(|_| is_newest).unwrap_or(0);
            now.saturating_sub(alert.told_ms) >= cool_down
        });
        let old = cold.enumerate().filter(|(before, alert)| {
            *before >= MOST_OVER || alert.over_ms.is_some_and(|over| now.saturating_sub(over) > KEPT_MS)
        });
        let old: Vec<u64> = old.map(|(_, alert)| alert.id).collect();
        for id in &old {
            self.alerts.remove(id);
        }
        self.newest.retain(|_, id| self.alerts.contains_key(id));
        old
    }
}

fn key(rule: &str, subject: &Subject) -> Key {
    (rule.to_owned(), subject.key.clone())
}

#[cfg(test)]
#[path = "firing_tests.rs"]
mod tests;
