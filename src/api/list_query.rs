//! The parameters by which lists of apps and processes are made shorter.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::filter::{Filter, Words};

/// What is wanted of a list.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Like {
    /// Only those in this namespace, or in one of several with commas between them.
    #[param(nullable = false, example = "default")]
    namespace: Option<String>,
    /// Only processes in this state, or in one of several with commas between them: `starting`, `online`,
    /// `stopping`, `stopped`, `errored`, `restarting`.
    #[param(
        nullable = false,
        pattern = "^(starting|online|stopping|stopped|errored|restarting)(,(starting|online|stopping|stopped|errored|restarting))*$",
        example = "online,starting"
    )]
    state: Option<String>,
    /// Only those of the app of this name, or of one of several with commas between them.
    #[param(nullable = false, example = "web")]
    name: Option<String>,
    /// Only those of apps with this label: `tier=web`, or `tier` with any value. With commas between
    /// them: with all of them.
    #[param(nullable = false, example = "tier=web")]
    label: Option<String>,
}

impl Like {
    /// What that means.
    ///
    /// # Errors
    /// 400 for a word that is none of its kind.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        let words = |text: &Option<String>| {
            text.as_ref().map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>())
        };
        let (namespaces, states) = (words(&self.namespace), words(&self.state));
        let (names, labels) = (words(&self.name), words(&self.label));
        let words = Words {
            namespaces: namespaces.as_deref(),
            states: states.as_deref(),
            names: names.as_deref(),
            labels: labels.as_deref(),
        };
        Filter::parse(words, |parameter, detail| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", format!("{parameter}: {detail}"))
        })
    }
}
