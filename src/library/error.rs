//! Why something that a program asked for did not happen.

use super::config::ConfigError;
use crate::client::ClientError;

/// Why something that was asked for did not happen. Each prints as a sentence for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such process or app, or the text cannot be a reference to one.
    #[error("{0}")]
    NotFound(String),
    /// The daemon refused, and changed nothing.
    #[error("{sentence}")]
    Refused {
        /// Stable, for programs: `name_taken`, `invalid_value`, …
        code: String,
        /// For people.
        sentence: String,
    },
    /// It was begun and did not succeed: a process is errored, or an action took too long and the
    /// daemon goes on with it.
    #[error("{0}")]
    Failed(String),
    /// There is no daemon to talk to, none could be started, or the connection broke.
    #[error("{0}")]
    NoConnection(String),
    /// The definition makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Error {
        let sentence = error.to_string();
        match error {
            ClientError::BadReference(_) => Error::NotFound(sentence),
            ClientError::Problem(problem) if problem.status == 404 => Error::NotFound(sentence),
            ClientError::Problem(problem) => Error::Refused { code: problem.code, sentence },
            ClientError::NoDaemon(_)
            | ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::Token(_) => Error::NoConnection(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Problem;

    fn problem(status: i64, code: &str) -> ClientError {
        let text = format!(
            r#"{{"type":"urn:pmdaemon:problem:x","title":"X","status":{status},"detail":"because","code":"{code}"}}"#
        );
        ClientError::Problem(Box::new(serde_json::from_str::<Problem>(&text).unwrap()))
    }

    #[test]
    fn not_found_refused_and_no_connection_are_told_apart() {
        assert!(matches!(Error::from(problem(404, "not_found")), Error::NotFound(s) if s == "because"));
        assert!(matches!(
            Error::from(problem(409, "name_taken")),
            Error::Refused { code, sentence } if code == "name_taken" && sentence == "because"
        ));
        assert!(matches!(Error::from(ClientError::BadReference("a/b".into())), Error::NotFound(_)));
        for lost in [
            ClientError::NoDaemon("/s".into()),
            ClientError::Transport("x".into()),
            ClientError::Timeout("x".into()),
            ClientError::Start("x".into()),
        ] {
            assert!(matches!(Error::from(lost), Error::NoConnection(_)));
        }
    }
}
