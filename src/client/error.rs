//! Why a request did not do what it was for.

use std::path::PathBuf;

use super::place::{Place, innermost};
use crate::secrets::SecretError;
use crate::wire::Problem;

/// Everything that can go wrong between this program and its daemon, as sentences for users.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens on the socket.
    #[error("no daemon answers on {}: run pmdaemon list, which starts one", .0.display())]
    NoDaemon(PathBuf),
    /// The daemon refused, and said why.
    #[error("{}", problem_sentence(.0))]
    Problem(Box<Problem>),
    /// The request or its answer got lost, or the answer was not understood.
    #[error("{0}")]
    Transport(String),
    /// No answer came within the time that one may take.
    #[error("{0}")]
    Timeout(String),
    /// The token file is missing, unsafe or not a token.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// There was no daemon, and none could be started.
    #[error("{0}")]
    Start(String),
    /// A server cannot be reached, or is not who it should be.
    #[error("{server} cannot be reached: {why}")]
    NoServer {
        /// Its origin.
        server: String,
        /// What the connection failed of.
        why: String,
    },
    /// A context, or what is to be one, cannot be used.
    #[error("{0}")]
    BadContext(String),
    /// The text cannot be a reference to an app or process.
    #[error(
        "{0:?} is not a reference: use an id, a name, name-i or namespace:name, as pmdaemon list shows them"
    )]
    BadReference(String),
}

impl ClientError {
    /// What the daemon said when it refused; `None` for errors that are not refusals.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Problem(problem) => Some(problem),
            ClientError::NoDaemon(_)
            | ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => None,
        }
    }

    /// The stable code of a refusal; `None` for errors that are not refusals.
    pub fn code(&self) -> Option<&str> {
        match self {
            ClientError::Problem(problem) => Some(&problem.code),
            ClientError::NoDaemon(_)
            | ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => None,
        }
    }

    /// The process that a refusal is about, if it says so.
    pub fn process(&self) -> Option<i64> {
        match self {
            ClientError::Problem(problem) => problem.process,
            ClientError::NoDaemon(_)
            | ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => None,
        }
    }

    /// The HTTP status of a refusal; `None` for errors that are not refusals.
    pub fn status(&self) -> Option<i64> {
        match self {
            ClientError::Problem(problem) => Some(problem.status),
            ClientError::NoDaemon(_)
            | ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => None,
        }
    }

    /// Whether the daemon was absent or went away, so that it may be back soon.
    pub fn is_absence(&self) -> bool {
        match self {
            ClientError::NoDaemon(_) | ClientError::Transport(_) => true,
            ClientError::Problem(problem) => is_away(problem),
            ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => false,
        }
    }

    /// Whether the request certainly did nothing because the daemon was absent, so that sending it
    /// again cannot do anything twice.
    pub fn is_undelivered(&self) -> bool {
        match self {
            ClientError::NoDaemon(_) => true,
            ClientError::Problem(problem) => is_away(problem),
            ClientError::Transport(_)
            | ClientError::Timeout(_)
            | ClientError::Token(_)
            | ClientError::Start(_)
            | ClientError::NoServer { .. }
            | ClientError::BadContext(_)
            | ClientError::BadReference(_) => false,
        }
    }

    /// Sorts what reqwest reports: nobody listening is told apart from everything else.
    pub(super) fn from_reqwest(attempt: &str, place: Place, error: reqwest::Error) -> ClientError {
        let socket = match place {
            Place::Socket(socket) => socket,
            Place::Server(server) if error.is_connect() => {
                return ClientError::NoServer { server, why: innermost(&error) };
            }
            Place::Server(server) => {
                let why =
                    if error.is_timeout() { "it did not answer in time".into() } else { innermost(&error) };
                return ClientError::NoServer { server, why: format!("{why}, during {attempt}") };
            }
        };
        let mut cause: &(dyn std::error::Error + 'static) = &error;
        loop {
            if let Some(io) = cause.downcast_ref::<std::io::Error>() {
                let absent =
                    matches!(io.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused);
                if absent && error.is_connect() {
                    return ClientError::NoDaemon(socket);
                }
            }
            match cause.source() {
                Some(deeper) => cause = deeper,
                None => break,
            }
        }
        if error.is_timeout() {
            return ClientError::Timeout(format!(
                "the daemon did not answer in time to {attempt}: see pmdaemon status"
            ));
        }
        ClientError::Transport(format!("the connection to the daemon broke during {attempt}: {cause}"))
    }
}

/// The daemon cannot answer at the moment, and another one soon will. What it says of its store is an
/// answer: it may be long until somebody has mended that.
fn is_away(problem: &Problem) -> bool {
    problem.status == 503 && !matches!(problem.code.as_str(), "store_unavailable" | "not_saved_yet")
}

/// The detail, and what is allowed in each wrong member unless the detail tells it already.
fn problem_sentence(problem: &Problem) -> String {
    let mut sentence = problem.detail.clone();
    for error in &problem.errors {
        if !problem.detail.contains(&error.detail) {
            sentence.push_str(&format!("; {}: {}", error.pointer.trim_start_matches('/'), error.detail));
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FieldError;

    #[test]
    fn a_refusal_is_told_with_its_wrong_members_once() {
        let mut problem = Problem {
            kind: "urn:pmdaemon:problem:invalid".into(),
            title: "Unprocessable Content".into(),
            status: 422,
            detail: "the app cannot be defined".into(),
            instance: None,
            code: "invalid".into(),
            errors: vec![FieldError::new("/instances", "1 to 1000")],
            process: None,
            operation: None,
            oldest_seq: None,
        };
        let told = ClientError::Problem(Box::new(problem.clone())).to_string();
        assert_eq!(told, "the app cannot be defined; instances: 1 to 1000");
        problem.detail = "instances must be 1 to 1000".into();
        let told = ClientError::Problem(Box::new(problem)).to_string();
        assert_eq!(told, "instances must be 1 to 1000");
    }

    #[test]
    fn a_store_that_cannot_be_written_is_an_answer_and_no_absence() {
        let away = |code: &str| {
            let problem: Problem = serde_json::from_value(serde_json::json!({
                "type": "t", "title": "t", "status": 503, "detail": "d", "code": code,
            }))
            .unwrap();
            let error = ClientError::Problem(Box::new(problem));
            (error.is_absence(), error.is_undelivered())
        };
        assert_eq!(away("ending"), (true, true));
        assert_eq!(away("store_unavailable"), (false, false));
        // It was done.
        assert_eq!(away("not_saved_yet"), (false, false));
    }
}
