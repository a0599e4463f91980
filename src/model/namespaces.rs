//! Where somebody may look and act.

use std::collections::BTreeSet;

use super::{BadName, Name};

/// The word for all of them. It is not a legal name.
const ALL: &str = "*";

/// The namespaces of a token, user or session. Compared by equality: no prefix, no pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Namespaces {
    /// All, also later ones, and the installation itself.
    All,
    /// These alone.
    Only(BTreeSet<Name>),
}

impl Namespaces {
    /// What these words mean; none of them means all.
    ///
    /// # Errors
    /// The word that is no name.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Namespaces, BadName> {
        let words: Vec<&str> = words.into_iter().collect();
        match words.as_slice() {
            [] | [ALL] => Ok(Namespaces::All),
            some => Ok(Namespaces::Only(some.iter().copied().map(Name::parse).collect::<Result<_, _>>()?)),
        }
    }

    /// The words, in order. [`parse`](Self::parse) reads them back.
    pub fn words(&self) -> Vec<String> {
        match self {
            Namespaces::All => vec![ALL.to_owned()],
            Namespaces::Only(names) => names.iter().map(Name::to_string).collect(),
        }
    }

    /// Whether that one is among them.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Namespaces::All => true,
            Namespaces::Only(names) => names.iter().any(|ours| ours.as_str() == name),
        }
    }

    /// Whether everything of `other` is among them.
    pub fn cover(&self, other: &Namespaces) -> bool {
        match (self, other) {
            (Namespaces::All, _) => true,
            (Namespaces::Only(_), Namespaces::All) => false,
            (Namespaces::Only(ours), Namespaces::Only(others)) => others.is_subset(ours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Namespaces {
        Namespaces::parse(words.iter().copied()).unwrap()
    }

    #[test]
    fn namespaces_are_names_or_the_word_for_all() {
        assert_eq!(of(&[]), Namespaces::All);
        assert_eq!(of(&["*"]), Namespaces::All);
        assert_eq!(of(&["shop", "blue", "shop"]).words(), ["blue", "shop"]);
        for bad in [&["*", "shop"][..], &["sh*"], &[""], &["all"], &["a/b"]] {
            assert!(Namespaces::parse(bad.iter().copied()).is_err(), "{bad:?}");
        }
        for some in [of(&["*"]), of(&["blue", "shop"])] {
            let words = some.words();
            assert_eq!(Namespaces::parse(words.iter().map(String::as_str)).unwrap(), some);
        }
    }

    #[test]
    fn a_namespace_is_compared_as_a_whole() {
        let some = of(&["shop", "blue"]);
        assert!(some.has("shop") && some.has("blue"));
        for other in ["sho", "shop2", "Shop", "", "*"] {
            assert!(!some.has(other), "{other}");
        }
        assert!(Namespaces::All.has("anything"));
        assert!(Namespaces::All.cover(&Namespaces::All) && Namespaces::All.cover(&some));
        assert!(some.cover(&of(&["blue"])) && some.cover(&some));
        assert!(!some.cover(&Namespaces::All) && !some.cover(&of(&["blue", "red"])));
    }
}
