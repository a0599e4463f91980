//! What an app depends on.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Another app that must be in a condition before this one is started for the first time. When both
/// are stopped together, this one goes first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The other app: `name` in the same namespace, or `namespace:name`.
    #[schema(example = "db")]
    pub app: String,
    /// `started`: its program was executed. `ready`: it is online, which it is once its readiness
    /// or health check says so, or without either as soon as it is executed. `healthy`: its health
    /// check passes. `completed`: it ended with exit code 0. Default `ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "healthy")]
    pub condition: Option<String>,
}

/// The words after the last colon that are a condition, and not the name of an app.
const CONDITIONS: [&str; 4] = ["started", "ready", "healthy", "completed"];

impl Dependency {
    /// As people write it: `db`, `db:healthy`, `blue:db:started`.
    pub fn parse(text: &str) -> Dependency {
        match text.rsplit_once(':') {
            Some((app, word)) if CONDITIONS.contains(&word) => {
                Dependency { app: app.to_owned(), condition: Some(word.to_owned()) }
            }
            Some(_) | None => Dependency { app: text.to_owned(), condition: None },
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Some(condition) => write!(f, "{}:{condition}", self.app),
            None => f.write_str(&self.app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_a_condition_if_it_is_one() {
        let check = |text: &str, app: &str, condition: Option<&str>| {
            let expected = Dependency { app: app.into(), condition: condition.map(str::to_owned) };
            assert_eq!(Dependency::parse(text), expected, "{text}");
            assert_eq!(expected.to_string(), text);
        };
        check("db", "db", None);
        check("db:healthy", "db", Some("healthy"));
        check("blue:db", "blue:db", None);
        check("blue:db:completed", "blue:db", Some("completed"));
        check("blue:ready:ready", "blue:ready", Some("ready"));
    }
}
