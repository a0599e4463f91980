//! Why a command ends with another exit code than 0.

use crate::client::ClientError;

/// What a command failed of.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The daemon refused or could not be reached.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// Something on this side, as a sentence.
    #[error("{0}")]
    Sentence(String),
    /// The command line is wrong in a way that its grammar does not tell.
    #[error("{0}")]
    Usage(String),
    /// The user has been told already.
    #[error("told already")]
    Told,
    /// The user has been told already, and the exit code says more.
    #[error("exit code {0}")]
    Code(u8),
}

impl CliError {
    /// An error of this side.
    pub fn new(sentence: impl Into<String>) -> CliError {
        CliError::Sentence(sentence.into())
    }

    /// What the program ends with.
    pub fn exit_code(&self) -> std::process::ExitCode {
        match self {
            CliError::Client(_) | CliError::Sentence(_) | CliError::Told => std::process::ExitCode::FAILURE,
            // The same as for what the grammar tells.
            CliError::Usage(_) => 2.into(),
            CliError::Code(code) => (*code).into(),
        }
    }

    /// What is left to tell the user.
    pub fn sentence(&self) -> Option<String> {
        match self {
            CliError::Client(error) => Some(error.to_string()),
            CliError::Sentence(sentence) | CliError::Usage(sentence) => Some(sentence.clone()),
            CliError::Told | CliError::Code(_) => None,
        }
    }
}
