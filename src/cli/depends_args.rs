//! Options of `start` about what an app depends on.

use clap::Args;

use crate::wire::{Dependency, NewApp};

/// The words after the last colon that are a condition, and not the name of an app.
const CONDITIONS: [&str; 4] = ["started", "ready", "healthy", "completed"];

/// What must be there first.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct DependsArgs {
    /// Start it when this app is there, and stop it before that: db, db:healthy, blue:db:started
    /// [conditions: started, ready (default), healthy, completed]; may be given several times
    #[arg(long, value_name = "APP[:CONDITION]")]
    pub depends_on: Vec<String>,
}

impl DependsArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        NewApp { depends_on: self.depends_on.iter().map(|text| dependency(text)).collect(), ..app }
    }
}

fn dependency(text: &str) -> Dependency {
    match text.rsplit_once(':') {
        Some((app, word)) if CONDITIONS.contains(&word) => {
            Dependency { app: app.to_owned(), condition: Some(word.to_owned()) }
        }
        Some(_) | None => Dependency { app: text.to_owned(), condition: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_a_condition_if_it_is_one() {
        let check = |text: &str, app: &str, condition: Option<&str>| {
            let expected = Dependency { app: app.into(), condition: condition.map(str::to_owned) };
            assert_eq!(dependency(text), expected, "{text}");
        };
        check("db", "db", None);
        check("db:healthy", "db", Some("healthy"));
        check("blue:db", "blue:db", None);
        check("blue:db:completed", "blue:db", Some("completed"));
        check("blue:ready:ready", "blue:ready", Some("ready"));
    }
}
