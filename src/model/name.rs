//! Names of apps and namespaces: parsed once, at the edge.

use std::fmt;

/// The name of an app or of a namespace: `^[A-Za-z_][A-Za-z0-9._-]{0,63}$`, and not the word
/// `all`, which addresses everything. No leading digit, so an id is never a name; no `/` and no
/// `:`, so a name never forms a path or a qualified reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{given:?} is not a valid name: use 1 to 64 letters, digits, '.', '_' or '-', begin with a \
     letter or '_', and not the word 'all'"
)]
pub struct BadName {
    /// The text as it was given.
    pub given: String,
}

/// What no name that is given ends with.
const OF_BALANCER: &str = "~balancer";

impl Name {
    /// The longest name, in bytes.
    pub const MAX: usize = 64;

    /// Checks `text` against the rule.
    pub fn parse(text: &str) -> Result<Name, BadName> {
        let mut chars = text.chars();
        let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let rest = chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if first && rest && text.len() <= Self::MAX && text != "all" {
            Ok(Name(text.to_owned()))
        } else {
            Err(BadName { given: text.to_owned() })
        }
    }

    /// A name made out of a file name: without its last extension, and with everything that the
    /// rule forbids replaced by `-`.
    pub fn from_file_name(file_name: &str) -> Name {
        let stem = match file_name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            Some(_) | None => file_name,
        };
        let mut fitted: String = stem
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
            .collect();
        if !fitted.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            fitted.insert(0, '_');
        }
        fitted.truncate(Self::MAX);
        Name::parse(&fitted).unwrap_or_else(|_| Name(format!("_{fitted}")))
    }

    /// The name of the balancer of an app of this name: nobody can give it.
    pub fn of_balancer(&self) -> Name {
        Name(format!("{self}{OF_BALANCER}"))
    }

    /// The app before which a balancer of this name stands, if it is one's.
    pub fn of_balanced(&self) -> Option<Name> {
        self.0.strip_suffix(OF_BALANCER).map(|app| Name(app.to_owned()))
    }

    /// Reads a name that we have written: that of a balancer is one, too.
    ///
    /// # Errors
    /// When it is no name.
    pub fn parse_written(text: &str) -> Result<Name, BadName> {
        match text.strip_suffix(OF_BALANCER) {
            Some(app) => Name::parse(app).map(|app| app.of_balancer()),
            None => Name::parse(text),
        }
    }

    /// The namespace of everything that was not given one.
    pub fn default_namespace() -> Name {
        Name("default".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_by_the_rule_are_names() {
        for good in ["web", "_x", "a.b-c_9", "A", &"x".repeat(64)] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "9lives", "../evil", "a/b", "a:b", "a b", "all", "a\n", "é", &"x".repeat(65)] {
            let refused = Name::parse(bad).expect_err(bad);
            assert!(refused.to_string().contains("not a valid name"));
        }
    }

    #[test]
    fn a_file_name_becomes_a_name_that_fits_the_rule() {
        let check = |file: &str, name: &str| assert_eq!(Name::from_file_name(file).as_str(), name);
        check("app.js", "app");
        check("server", "server");
        check("my app.test.js", "my-app.test");
        check("3d.py", "_3d");
        check(".hidden", "_.hidden");
        check("all.js", "_all");
        check(&"y".repeat(100), &"y".repeat(64));
    }
}
