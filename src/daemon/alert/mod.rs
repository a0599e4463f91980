//! Alerts: what is the matter is told to people and programs elsewhere, once, and again when it is over.
//!
//! ```text
//!   events, picture, figures, logs ──▶ watch ──▶ condition/ (does it hold?) ──▶ firing (is it told?)
//!                                                                                     │ kept, then told
//!   receiver ◀── deliver/ ◀── task: one per channel, in order, until it is taken ◀── queue
//! ```
//!
//! - [`rule`] and [`channel`] are what somebody asked for.
//! - `condition` are pure functions; [`firing`] is the state machine, with its promises.
//! - What is told has the facts of `why`: the cause as a sentence, and the last lines (`facts`).
//! - A channel that takes nothing keeps nobody waiting: what it is to be told is in the store, is tried again
//!   for an hour, and is counted when it is given up (`queue`).
//!
//! What somebody gave as a secret is kept like those of forwards, in the store, and never shown.

pub mod channel;
pub mod channel_wish;
mod condition;
mod deliver;
mod facts;
pub mod firing;
mod kept;
mod level;
mod lines;
pub mod notification;
mod queue;
mod rooms;
pub mod rule;
mod task;
mod tell;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::clock;
use super::forward::Choose;
use super::handle::{Handle, HandleError};
use super::reach::Loopback;
use channel::Channel;
use channel_wish::ChannelWish;
use firing::{Alert, Book};
use notification::Notification;
use queue::Queue;
use rule::{Rule, RuleWish};
use task::Task;

/// More rules than these are refused, and more channels.
const MOST: usize = 64;

/// What is wrong with a wish: the member, and a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake(pub &'static str, pub String);

/// Why something about alerts was not done.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The name is in use.
    #[error("there is {0} {1} already: replace it, or use another name")]
    Taken(&'static str, String),
    /// Nothing has that name.
    #[error("there is no {0} {1}: pmdaemon alert {listing} shows which there are", listing = listing(.0))]
    Unknown(&'static str, String),
    /// There are too many.
    #[error("there are {MOST} {0} already: remove one first")]
    TooMany(&'static str),
    /// Rules name it.
    #[error("the channel {0} is named by {1}: take it out of there first")]
    InUse(String, String),
    /// The wish makes no sense.
    #[error("{}", .0.1)]
    Mistake(Mistake),
    /// The receiver has not taken the test.
    #[error("{0}")]
    Refused(String),
    /// It cannot be saved.
    #[error(transparent)]
    Handle(#[from] HandleError),
}

/// The command that lists them.
fn listing(kind: &str) -> &'static str {
    match kind {
        "rule" => "rules",
        _ => "channel list",
    }
}

/// A channel, and how it does.
pub struct ChannelStatus {
    /// What was asked for.
    pub channel: Arc<Channel>,
    /// Why the receiver takes nothing.
    pub error: Option<String>,
    /// When it last took something, in milliseconds since 1970.
    pub last_sent_ms: Option<u64>,
    /// What it took.
    pub sent: u64,
    /// What waits.
    pub waiting: u64,
    /// What was given up.
    pub lost: u64,
}

struct Running {
    channel: Arc<Channel>,
    queue: Arc<Mutex<Queue>>,
    /// Something is to be told.
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

/// All of it.
#[derive(Clone)]
pub struct Alerts(Arc<Shared>);

struct Shared {
    handle: Handle,
    choose: Choose,
    loopback: Loopback,
    rules: Mutex<BTreeMap<String, Arc<Rule>>>,
    channels: Mutex<BTreeMap<String, Running>>,
    book: Mutex<Book>,
    /// The rules have changed.
    changed: Notify,
    /// Held by whoever changes rules or channels.
    changing: tokio::sync::Mutex<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alerts {
    /// None yet.
    pub fn new(handle: Handle, choose: Choose) -> Alerts {
        let allowed = std::env::var_os("PMDAEMON_ALERT_LOOPBACK").is_some_and(|word| word == "allow");
        Alerts(Arc::new(Shared {
            handle,
            choose,
            loopback: if allowed { Loopback::Allowed } else { Loopback::Refused },
            rules: Mutex::default(),
            channels: Mutex::default(),
            book: Mutex::default(),
            changed: Notify::new(),
            changing: tokio::sync::Mutex::default(),
        }))
    }

    /// Goes on with what the store has.
    pub fn restore(&self, settings: &BTreeMap<String, String>) {
        let mut kept = kept::read(settings);
        *locked(&self.0.rules) =
            kept.rules.into_iter().map(|rule| (rule.name.clone(), Arc::new(rule))).collect();
        *locked(&self.0.book) = kept.book;
        for channel in kept.channels {
            let waiting = kept.waiting.remove(&channel.name).unwrap_or_default();
            self.begin(channel, waiting);
        }
    }

    /// Begins to tell that channel what it is to be told; in place of one of that name, which is left in the
    /// middle of what it tells: it is told by the new one.
    fn begin(&self, channel: Channel, waiting: Vec<(u64, Notification)>) {
        let channel = Arc::new(channel);
        let mut channels = locked(&self.0.channels);
        let (queue, wake) = match channels.remove(&channel.name) {
            Some(before) => {
                before.task.abort();
                (before.queue, before.wake)
            }
            None => (Arc::new(Mutex::new(Queue::of(waiting))), Arc::default()),
        };
        let task = Task {
            handle: self.0.handle.clone(),
            loopback: self.0.loopback,
            channel: channel.clone(),
            queue: queue.clone(),
            wake: wake.clone(),
        };
        let task = tokio::spawn(task.run());
        channels.insert(channel.name.clone(), Running { channel, queue, wake, task });
    }

    fn rules_now(&self) -> Vec<Arc<Rule>> {
        locked(&self.0.rules).values().cloned().collect()
    }

    /// What fires, and what has fired.
    pub fn list(&self) -> Vec<Alert> {
        locked(&self.0.book).list()
    }

    /// How many of these fire.
    pub fn firing(&self, is_meant: impl Fn(&Alert) -> bool) -> usize {
        locked(&self.0.book).firing(is_meant)
    }

    /// All rules by name, and how many alerts of each fire.
    pub fn rules(&self) -> Vec<(Arc<Rule>, usize)> {
        let book = locked(&self.0.book);
        self.rules_now().into_iter().map(|rule| (rule.clone(), book.firing_of(&rule.name))).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none.
    pub fn rule(&self, name: &str) -> Result<(Arc<Rule>, usize), AlertError> {
        let found = self.rules().into_iter().find(|(rule, _)| rule.name == name);
        found.ok_or_else(|| AlertError::Unknown("rule", name.to_owned()))
    }

    /// Makes a rule, or with `replace` another one of that name.
    ///
    /// # Errors
    /// Nothing has changed then.
    pub async fn put_rule(&self, wish: RuleWish, replace: bool) -> Result<(), AlertError> {
        let _alone = self.0.changing.lock().await;
        let mut rule = wish.define(clock::unix_ms()).map_err(AlertError::Mistake)?;
        let before = locked(&self.0.rules).get(&rule.name).cloned();
        match &before {
            Some(_) if !replace => return Err(AlertError::Taken("a rule", rule.name)),
            None if replace => return Err(AlertError::Unknown("rule", rule.name)),
            None if locked(&self.0.rules).len() >= MOST => return Err(AlertError::TooMany("rules")),
            Some(before) => rule.created_at_ms = before.created_at_ms,
            None => {}
        }
        let unknown = rule.channels.iter().find(|name| !locked(&self.0.channels).contains_key(*name));
        if let Some(name) = unknown {
            let told = format!("there is no channel {name}: make it first, with pmdaemon alert channel add");
            return Err(AlertError::Mistake(Mistake("/channels", told)));
        }
        // Recorded before answered: a crash in between must not lose a promise.
        self.0.handle.record(vec![kept::put_rule(&rule)]).await?;
        locked(&self.0.rules).insert(rule.name.clone(), Arc::new(rule));
        self.0.changed.notify_one();
        Ok(())
    }

    /// Removes a rule. What fires of it is over.
    ///
    /// # Errors
    /// It goes on then.
    pub async fn remove_rule(&self, name: &str) -> Result<(), AlertError> {
        let _alone = self.0.changing.lock().await;
        if !locked(&self.0.rules).contains_key(name) {
            return Err(AlertError::Unknown("rule", name.to_owned()));
        }
        self.0.handle.record(vec![kept::drop_rule(name)]).await?;
        locked(&self.0.rules).remove(name);
        self.0.changed.notify_one();
        Ok(())
    }

    /// All channels, by name.
    pub fn channels(&self) -> Vec<ChannelStatus> {
        let channels = locked(&self.0.channels);
        channels
            .values()
            .map(|running| {
                let queue = locked(&running.queue);
                ChannelStatus {
                    channel: running.channel.clone(),
                    error: queue.error.clone(),
                    last_sent_ms: queue.last_sent_ms,
                    sent: queue.sent,
                    waiting: queue.len() as u64,
                    lost: queue.lost,
                }
            })
            .collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none.
    pub fn channel(&self, name: &str) -> Result<ChannelStatus, AlertError> {
        let found = self.channels().into_iter().find(|status| status.channel.name == name);
        found.ok_or_else(|| AlertError::Unknown("channel", name.to_owned()))
    }

    /// Makes a channel, or with `replace` another one of that name, which gets what waits.
    ///
    /// # Errors
    /// Nothing has changed then.
    pub async fn put_channel(&self, wish: ChannelWish, replace: bool) -> Result<(), AlertError> {
        let _alone = self.0.changing.lock().await;
        let before = locked(&self.0.channels).get(&wish.name).map(|running| running.channel.clone());
        match &before {
            Some(_) if !replace => return Err(AlertError::Taken("a channel", wish.name)),
            None if replace => return Err(AlertError::Unknown("channel", wish.name)),
            None if locked(&self.0.channels).len() >= MOST => return Err(AlertError::TooMany("channels")),
            Some(_) | None => {}
        }
        let channel = wish.define(before.as_deref(), self.0.loopback, clock::unix_ms());
        let channel = channel.map_err(AlertError::Mistake)?;
        self.0.handle.record(vec![kept::put_channel(&channel)]).await?;
        self.begin(channel, Vec::new());
        Ok(())
    }

    /// Removes a channel, and what it was still to be told.
    ///
    /// # Errors
    /// It goes on then.
    pub async fn remove_channel(&self, name: &str) -> Result<(), AlertError> {
        let _alone = self.0.changing.lock().await;
        if !locked(&self.0.channels).contains_key(name) {
            return Err(AlertError::Unknown("channel", name.to_owned()));
        }
        let rules = self.rules_now();
        let users = rules.iter().filter(|rule| rule.channels.iter().any(|channel| channel == name));
        let users: Vec<&str> = users.map(|rule| rule.name.as_str()).collect();
        if !users.is_empty() {
            let word = if users.len() == 1 { "the rule" } else { "the rules" };
            return Err(AlertError::InUse(name.to_owned(), format!("{word} {}", users.join(", "))));
        }
        self.0.handle.record(vec![kept::drop_channel(name)]).await?;
        if let Some(running) = locked(&self.0.channels).remove(name) {
            running.task.abort();
            let waiting = locked(&running.queue).clear();
            let changes = waiting.into_iter().map(|number| kept::drop_waiting(name, number)).collect();
            self.0.handle.recorder().write(changes);
        }
        Ok(())
    }

    /// Tells a channel something now, beside what waits.
    ///
    /// # Errors
    /// The receiver has not taken it.
    pub async fn test(&self, name: &str) -> Result<(), AlertError> {
        let channel = self.channel(name)?.channel;
        let notification = Notification::test(name, clock::unix_ms());
        deliver::deliver(&channel, &notification, self.0.loopback)
            .await
            .map_err(|refused| AlertError::Refused(refused.why))
    }
}
