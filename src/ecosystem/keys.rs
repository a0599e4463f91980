//! The keys of one object: sorted by field, each read once, each left over told.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Unusable;
use super::fields::{self, Kind};

/// The members of one app.
pub struct Keys<'a> {
    /// How messages begin: the file and the app.
    place: String,
    members: BTreeMap<&'static str, (&'a str, &'a Value)>,
    /// `env_NAME` by NAME.
    pub environments: BTreeMap<&'a str, &'a Value>,
    /// What was not acted on.
    notices: RefCell<Vec<String>>,
}

impl<'a> Keys<'a> {
    /// Sorts them.
    ///
    /// # Errors
    /// Two names of one field that say different things.
    pub fn new(place: &str, object: &'a Map<String, Value>) -> Result<Keys<'a>, Unusable> {
        let mut keys = Keys {
            place: place.to_owned(),
            members: BTreeMap::new(),
            environments: BTreeMap::new(),
            notices: RefCell::default(),
        };
        for (key, value) in object {
            let Some(field) = fields::find(key) else {
                match key.strip_prefix("env_").filter(|name| !name.is_empty()) {
                    Some(name) => drop(keys.environments.insert(name, value)),
                    None => keys.unknown(key),
                }
                continue;
            };
            if let Kind::Without(why) = field.kind {
                if asks_for_something(value) {
                    keys.notice(format!("{key} has no effect: {why}"));
                }
            } else if !value.is_null()
                && let Some((other, said)) = keys.members.insert(field.name, (key, value))
                && said != value
            {
                return Err(Unusable(format!(
                    "{place}: {other} and {key} are the same field: give one of them"
                )));
            }
        }
        Ok(keys)
    }

    fn unknown(&self, key: &str) {
        let near =
            fields::nearest(key).map(|name| format!("; {name} is the nearest one")).unwrap_or_default();
        self.notice(format!("{key:?} is not a field of an app, and is ignored{near}"));
    }

    /// Says something about the app, after its name.
    pub fn notice(&self, what: String) {
        self.notices.borrow_mut().push(format!("{}: {what}.", self.place));
    }

    /// All that was said.
    pub fn into_notices(self) -> Vec<String> {
        self.notices.into_inner()
    }

    /// Whether the field is there.
    pub fn has(&self, name: &'static str) -> bool {
        self.members.contains_key(name)
    }

    /// A field, read by one of [`value`](super::value).
    ///
    /// # Errors
    /// The sentence, with file, app and field.
    pub fn get<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, Unusable> {
        debug_assert!(
            fields::find(name).is_some_and(|field| field.name == name),
            "{name} is not in the table"
        );
        let Some((key, value)) = self.members.get(name) else { return Ok(None) };
        read(value).map(Some).map_err(|why| self.wrong(key, &why))
    }

    /// A sentence about a field.
    pub fn wrong(&self, key: &str, why: &str) -> Unusable {
        Unusable(format!("{}: {key}: {why}", self.place))
    }
}

/// `watch: false` asks for nothing.
fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "false" | "raw"),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}
