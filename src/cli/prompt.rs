//! Questions before something that cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use super::error::CliError;

/// What is said when there is nobody to ask.
#[derive(Clone, Copy, Debug)]
pub struct Unasked {
    /// What was not done: deleted.
    pub done: &'static str,
    /// The option that does it without a question.
    pub option: &'static str,
}

/// Asks on stderr, after what it is about; anything but yes is no.
///
/// # Errors
/// Without a terminal there is nobody to ask: a sentence that names the option.
pub fn confirm(about: &str, question: &str, unasked: Unasked) -> Result<bool, CliError> {
    let Unasked { done, option } = unasked;
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CliError::new(format!(
            "nothing was {done}: there is no terminal to ask \"{question}\" on, add {option} to do it without asking"
        )));
    }
    let lines = if about.is_empty() { String::new() } else { format!("{about}\n") };
    let _ = write!(std::io::stderr(), "{lines}{question} [y/N] ");
    let mut answer = String::new();
    stdin
        .lock()
        .read_line(&mut answer)
        .map_err(|e| CliError::new(format!("cannot read your answer: {e}")))?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Y\n", "yes\n", " YES "] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yeah\n", "all\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
