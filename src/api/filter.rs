//! Which apps and processes somebody means by what they are like: their namespace, status, name and
//! labels. What is not said does not count; everything that is said has to be so.

use std::sync::Arc;

use super::ApiError;
use crate::daemon::view::ProcessView;
use crate::model::state::Status;
use crate::model::{LabelTerm, Name};

/// What processes have to be like.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    namespaces: Option<Vec<Name>>,
    states: Option<Vec<Status>>,
    names: Option<Vec<Name>>,
    labels: Option<Vec<LabelTerm>>,
}

/// The same as words: each a list, of which one has to fit; of labels all. Nothing fits an empty one.
#[derive(Clone, Copy, Default)]
pub struct Words<'a> {
    /// Namespaces.
    pub namespaces: Option<&'a [String]>,
    /// Words of `status`.
    pub states: Option<&'a [String]>,
    /// Names of apps.
    pub names: Option<&'a [String]>,
    /// `tier=web`, or `tier`.
    pub labels: Option<&'a [String]>,
}

impl Words<'_> {
    /// Nothing is said.
    pub fn are_none(&self) -> bool {
        let Words { namespaces, states, names, labels } = self;
        [namespaces, states, names, labels].into_iter().all(Option::is_none)
    }
}

impl Filter {
    /// Reads them. `refuse` makes the refusal of the member or parameter that is named.
    ///
    /// # Errors
    /// For the first word that is none of its kind.
    pub fn parse(words: Words<'_>, refuse: impl Fn(&str, String) -> ApiError) -> Result<Filter, ApiError> {
        let names = |member: &str, words: Option<&[String]>| {
            let parse = |word: &String| Name::parse(word).map_err(|bad| refuse(member, bad.to_string()));
            words.map(|words| words.iter().map(parse).collect::<Result<Vec<_>, _>>()).transpose()
        };
        let state = |word: &String| status(word).map_err(|bad| refuse("state", bad));
        let term = |word: &String| LabelTerm::parse(word).map_err(|bad| refuse("label", bad.to_string()));
        Ok(Filter {
            namespaces: names("namespace", words.namespaces)?,
            states: words.states.map(|words| words.iter().map(state).collect()).transpose()?,
            names: names("name", words.names)?,
            labels: words.labels.map(|words| words.iter().map(term).collect()).transpose()?,
        })
    }

    /// Whether a process is like that.
    pub fn fits(&self, view: &Arc<ProcessView>) -> bool {
        let Filter { namespaces, states, names, labels } = self;
        let spec = &view.spec;
        namespaces.as_ref().is_none_or(|all| all.contains(&spec.namespace))
            && states.as_ref().is_none_or(|all| all.contains(&view.state.status()))
            && names.as_ref().is_none_or(|all| all.contains(&spec.name))
            && labels
                .as_ref()
                .is_none_or(|all| !all.is_empty() && all.iter().all(|term| spec.labels.has(term)))
    }
}

fn status(word: &str) -> Result<Status, String> {
    let wanted = word.to_ascii_lowercase();
    Status::ALL.into_iter().find(|status| status.as_str() == wanted).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        format!("{word:?} is not a status: use {words}")
    })
}
