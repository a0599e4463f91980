//! Labels: words that somebody gave an app, to choose apps by.

use std::collections::BTreeMap;
use std::fmt;

/// Labels of an app: `tier` is `web`, `team` is `blue`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Labels(BTreeMap<String, String>);

/// What an app has to have: a label of that name, with that value if one is said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelTerm {
    name: String,
    value: Option<String>,
}

/// Why something is no label.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadLabel {
    /// The name of one.
    #[error(
        "{0:?} is not the name of a label: use 1 to {max} letters, digits, '.', '_', '-' or '/', and begin with a \
         letter or digit",
        max = Labels::LONGEST
    )]
    Name(String),
    /// Its value.
    #[error("{0:?} is not the value of a label: use up to {max} letters, digits, '.', '_' or '-'", max = Labels::LONGEST)]
    Value(String),
    /// Too many of them.
    #[error("there are {0} labels: {max} are the most", max = Labels::MOST)]
    Many(usize),
}

impl Labels {
    /// The longest name and value, in bytes.
    pub const LONGEST: usize = 63;
    /// The most labels of one app.
    pub const MOST: usize = 64;

    /// Checks them.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse(labels: BTreeMap<String, String>) -> Result<Labels, BadLabel> {
        if labels.len() > Self::MOST {
            return Err(BadLabel::Many(labels.len()));
        }
        for (name, value) in &labels {
            is_name(name)?;
            is_value(value)?;
        }
        Ok(Labels(labels))
    }

    /// What was written once is not checked again.
    pub fn written(labels: BTreeMap<String, String>) -> Labels {
        Labels(labels)
    }

    /// By name.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Whether they have what is wanted.
    pub fn has(&self, term: &LabelTerm) -> bool {
        let value = self.0.get(&term.name);
        value.is_some_and(|value| term.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

impl LabelTerm {
    /// Reads `tier=web`, or `tier` for any value.
    ///
    /// # Errors
    /// When a part of it cannot be that of a label.
    pub fn parse(text: &str) -> Result<LabelTerm, BadLabel> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        is_name(name)?;
        value.map(is_value).transpose()?;
        Ok(LabelTerm { name: name.to_owned(), value: value.map(str::to_owned) })
    }
}

impl fmt::Display for LabelTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn is_name(text: &str) -> Result<(), BadLabel> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fits = begins && text.len() <= Labels::LONGEST && text.chars().all(|c| is_plain(c) || c == '/');
    if fits { Ok(()) } else { Err(BadLabel::Name(text.to_owned())) }
}

fn is_value(text: &str) -> Result<(), BadLabel> {
    let fits = text.len() <= Labels::LONGEST && text.chars().all(is_plain);
    if fits { Ok(()) } else { Err(BadLabel::Value(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<Labels, BadLabel> {
        Labels::parse(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_label_is_a_plain_name_and_a_plain_value() {
        let longest = "x".repeat(Labels::LONGEST);
        for (name, value) in
            [("tier", "web"), ("example.org/team", "blue-1"), ("0", ""), (&longest, &longest)]
        {
            assert!(labels(&[(name, value)]).is_ok(), "{name}={value}");
        }
        for name in ["", "a b", "-a", "/a", "ä", "a=b", "a,b", &format!("{longest}x")] {
            assert!(matches!(labels(&[(name, "")]), Err(BadLabel::Name(_))), "{name}");
        }
        for value in ["a b", "a=b", "a,b", "a/b", "ö", &format!("{longest}x")] {
            assert!(matches!(labels(&[("a", value)]), Err(BadLabel::Value(_))), "{value}");
        }
        let many = (0..=Labels::MOST).map(|number| (number.to_string(), String::new())).collect();
        assert!(matches!(Labels::parse(many), Err(BadLabel::Many(65))));
    }

    #[test]
    fn a_term_asks_for_a_label_or_for_its_value() {
        let labels = labels(&[("tier", "web"), ("canary", "")]).unwrap();
        let check = |text: &str, has: bool| {
            let term = LabelTerm::parse(text).unwrap();
            assert_eq!((labels.has(&term), term.to_string()), (has, text.to_owned()), "{text}");
        };
        check("tier", true);
        check("tier=web", true);
        check("tier=db", false);
        check("tier=", false);
        check("canary", true);
        check("canary=", true);
        check("team", false);
        for bad in ["", "=", "=web", "a=b=c", "a b"] {
            assert!(LabelTerm::parse(bad).is_err(), "{bad}");
        }
    }
}
