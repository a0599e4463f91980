//! What programs tell of themselves on their IPC channel, in the words of PM2's io library
//! (`@pm2/io`): figures of their own, and what they can be asked to do (row J30).
//!
//! ```text
//!   {"type":"axm:monitor","data":{"Requests":{"value":12,"unit":"req/min"}}}    a figure
//!   {"type":"axm:action","data":{"action_name":"clear cache"}}                  an offer
//!   {"type":"axm:reply","data":{"action_name":"clear cache","return":"done"}}   what came of it
//! ```
//!
//! It is kept for the run that told it, in memory, until that is over: figures come again every second,
//! and the keeper tells the next daemon of offers. A run that is to replace another tells while that one
//! still does, and its offers only once. How much a program tells is bounded; what is more is not heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::model::{ProcessId, RunId};

/// So many figures, and so many offers, of one process.
const MOST: usize = 100;
/// A name has at most so many bytes.
const LONGEST_NAME: usize = 128;
/// A figure or an offer, as JSON, has at most so many bytes.
const LONGEST: usize = 1024;
/// So many replies may wait for somebody who listens.
const REPLIES: usize = 64;

/// What one run of a process tells of itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// Which run.
    pub run: RunId,
    /// Figures by name, each an object with `value` and perhaps `unit`, as it was told.
    pub metrics: BTreeMap<String, Value>,
    /// Offers, each an object with `action_name`, as they were told.
    pub actions: Vec<Value>,
    /// How its library is set up, as it was told.
    pub options: Option<Value>,
}

/// What a program answered to being asked to do something.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    /// Which process.
    pub process: ProcessId,
    /// What it was asked to do.
    pub action: String,
    /// Its answer.
    pub value: Value,
}

/// What all of them tell.
pub struct Custom {
    all: Mutex<BTreeMap<RunId, Arc<Told>>>,
    replies: broadcast::Sender<Reply>,
}

impl Default for Custom {
    fn default() -> Custom {
        Custom { all: Mutex::default(), replies: broadcast::channel(REPLIES).0 }
    }
}

impl Told {
    /// The names of what it can be asked to do.
    pub fn offers(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().filter_map(|action| action.get("action_name")?.as_str())
    }
}

impl Custom {
    /// What that run tells.
    pub fn of(&self, run: RunId) -> Option<Arc<Told>> {
        self.all().get(&run).cloned()
    }

    /// What all of them tell now.
    pub fn picture(&self) -> BTreeMap<RunId, Arc<Told>> {
        self.all().clone()
    }

    /// Replies from now on.
    pub fn replies(&self) -> broadcast::Receiver<Reply> {
        self.replies.subscribe()
    }

    /// Takes over a message. What is not in those words means nothing.
    pub(super) fn learn(&self, process: ProcessId, run: RunId, message: &str) {
        let Ok(Value::Object(mut message)) = serde_json::from_str(message) else { return };
        let data = message.remove("data").unwrap_or_default();
        match message.get("type").and_then(Value::as_str) {
            Some("axm:monitor") => self.change(run, |told| told.measure(data)),
            Some("axm:action") => self.change(run, |told| told.offer(data)),
            Some("axm:option:configuration") if data.to_string().len() <= LONGEST => {
                self.change(run, |told| told.options = Some(data));
            }
            Some("axm:reply") => {
                let Some(action) = data.get("action_name").and_then(Value::as_str) else { return };
                let value = data.get("return").cloned().unwrap_or_default();
                // Nobody may have asked.
                let _ = self.replies.send(Reply { process, action: action.to_owned(), value });
            }
            Some(_) | None => {}
        }
    }

    /// That run is over.
    pub(super) fn forget(&self, run: RunId) {
        self.all().remove(&run);
    }

    fn change(&self, run: RunId, change: impl FnOnce(&mut Told)) {
        let fresh = || Told { run, metrics: BTreeMap::new(), actions: Vec::new(), options: None };
        change(Arc::make_mut(self.all().entry(run).or_insert_with(|| Arc::new(fresh()))));
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<Told>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// New values. A figure that is not told again keeps the one that it had.
    fn measure(&mut self, data: Value) {
        let Value::Object(figures) = data else { return };
        for (name, figure) in figures {
            let figure = match figure {
                Value::Object(members) if members.contains_key("value") => Value::Object(members),
                Value::Number(_) | Value::String(_) => {
                    Value::Object(Map::from_iter([("value".to_owned(), figure)]))
                }
                Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Null => continue,
            };
            let has_room = self.metrics.len() < MOST || self.metrics.contains_key(&name);
            if has_room && is_name(&name) && figure.to_string().len() <= LONGEST {
                self.metrics.insert(name, figure);
            }
        }
    }

    fn offer(&mut self, data: Value) {
        let Some(name) = data.get("action_name").and_then(Value::as_str) else { return };
        if is_name(name) && data.to_string().len() <= LONGEST {
            let name = name.to_owned();
            self.actions.retain(|action| action["action_name"] != name);
            if self.actions.len() < MOST {
                self.actions.push(data);
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PROCESS: ProcessId = ProcessId(3);

    fn learned(messages: &[&str]) -> Custom {
        let custom = Custom::default();
        messages.iter().for_each(|message| custom.learn(PROCESS, RunId(1), message));
        custom
    }

    #[test]
    fn figures_and_offers_are_kept_for_the_run_that_told_them() {
        let custom = learned(&[
            r#"{"type":"axm:monitor","data":{"Requests":{"value":12,"unit":"req/min"},"Users":7,"bad":null}}"#,
            r#"{"type":"axm:monitor","data":{"Requests":{"value":13,"unit":"req/min"}}}"#,
            r#"{"type":"axm:action","data":{"action_name":"clear","action_type":"custom","arity":1}}"#,
            r#"{"type":"axm:action","data":{"action_name":"clear","action_type":"custom","arity":2}}"#,
            r#"{"type":"axm:action","data":{"name":"nothing"}}"#,
            r#"{"type":"process:msg","data":{"any":1}}"#,
            "[1]",
            "no json",
        ]);
        let told = custom.of(RunId(1)).unwrap();
        let figures = json!({"Requests": {"value": 13, "unit": "req/min"}, "Users": {"value": 7}});
        assert_eq!(json!(told.metrics), figures);
        assert_eq!(told.offers().collect::<Vec<_>>(), ["clear"]);
        assert_eq!(told.actions[0]["arity"], 2);
        assert_eq!(custom.of(RunId(2)), None, "another run has told nothing");
    }

    #[test]
    fn a_run_that_is_to_replace_another_takes_nothing_from_it_and_loses_nothing() {
        let custom = learned(&[r#"{"type":"axm:action","data":{"action_name":"old"}}"#]);
        let figure = r#"{"type":"axm:monitor","data":{"Users":1}}"#;
        custom.learn(PROCESS, RunId(2), r#"{"type":"axm:action","data":{"action_name":"new"}}"#);
        [1, 2, 1].into_iter().for_each(|run| custom.learn(PROCESS, RunId(run), figure));
        let offers = |run| custom.of(RunId(run)).map(|told| told.offers().collect::<Vec<_>>().concat());
        assert_eq!((offers(1).as_deref(), offers(2).as_deref()), (Some("old"), Some("new")));
        custom.forget(RunId(1));
        assert_eq!((offers(1), offers(2).as_deref()), (None, Some("new")));
        custom.forget(RunId(2));
        assert!(custom.picture().is_empty());
    }

    #[test]
    fn however_much_is_told_little_is_kept() {
        let long = "x".repeat(5_000);
        let many: Map<String, Value> = (0..500).map(|n| (format!("m{n}"), json!(n))).collect();
        let mut messages = vec![
            json!({"type": "axm:monitor", "data": {&long: 1, "text": long}}).to_string(),
            json!({"type": "axm:monitor", "data": many}).to_string(),
            json!({"type": "axm:option:configuration", "data": {"x": long}}).to_string(),
        ];
        messages
            .extend((0..500).map(|n| {
                json!({"type": "axm:action", "data": {"action_name": format!("a{n}")}}).to_string()
            }));
        let custom = learned(&messages.iter().map(String::as_str).collect::<Vec<_>>());
        let told = custom.of(RunId(1)).unwrap();
        assert_eq!((told.metrics.len(), told.actions.len(), &told.options), (MOST, MOST, &None));
    }

    #[test]
    fn a_reply_reaches_who_asked() {
        let custom = learned(&[]);
        let mut replies = custom.replies();
        custom.learn(
            PROCESS,
            RunId(1),
            r#"{"type":"axm:reply","data":{"action_name":"clear","return":{"n":2}}}"#,
        );
        let reply = Reply { process: PROCESS, action: "clear".to_owned(), value: json!({"n": 2}) };
        assert_eq!(replies.try_recv(), Ok(reply));
    }
}
