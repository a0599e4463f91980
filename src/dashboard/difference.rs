//! What is different between two definitions, as lines.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form;
use crate::wire::{Change, Difference};

/// Members that differ.
#[derive(Template)]
#[template(path = "differences.html")]
pub(super) struct Differences {
    lines: Vec<Line>,
}

impl HtmlSafe for Differences {}

/// One of them.
struct Line {
    /// How people call it.
    label: String,
    before: Option<String>,
    after: Option<String>,
}

impl Differences {
    /// Between a definition and what somebody wants it to be.
    pub fn wanted(changes: &[Change]) -> Differences {
        let line = |change: &Change| Line::new(&change.member, change.from.as_deref(), change.to.as_deref());
        Differences { lines: changes.iter().map(line).collect() }
    }

    /// Between two revisions.
    pub fn between(differences: &[Difference]) -> Differences {
        let line = |one: &Difference| {
            let member = one.pointer.trim_start_matches('/').replacen('/', ".", 1);
            Line::new(&member, one.before.as_deref(), one.after.as_deref())
        };
        Differences { lines: differences.iter().map(line).collect() }
    }
}

impl Line {
    fn new(member: &str, before: Option<&str>, after: Option<&str>) -> Line {
        let text = |told: Option<&str>| {
            let written = |told: &str| match form::field(member) {
                Some(field) => form::said(field.kind, told),
                None => told.to_owned(),
            };
            told.map(written)
        };
        let label = match member.strip_prefix("env.") {
            Some(variable) => format!("Variable {variable}"),
            None => form::label_of(member),
        };
        Line { label, before: text(before), after: text(after) }
    }

    /// Both values are masked: that they differ is all that is told.
    fn is_hidden(&self) -> bool {
        self.before.is_some() && self.before == self.after
    }
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;

    #[test]
    fn members_have_their_names_and_values_are_as_in_the_form() {
        let difference = |pointer: &str, before: Option<&str>, after: Option<&str>| Difference {
            pointer: pointer.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let html = render(&Differences::between(&[
            difference("/max_memory_bytes", None, Some("536870912")),
            difference("/health_check/url", Some("http://<a>"), None),
            difference("/env/KEY", Some("***"), Some("***")),
        ]));
        for part in
            ["Memory limit", "512M", "Health check", "http://&#60;a&#62;", "Variable KEY", "another value"]
        {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }
}
