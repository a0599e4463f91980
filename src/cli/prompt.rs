//! Questions before something that cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use super::error::CliError;

/// Asks on stderr, after what it is about; anything but yes is no.
///
/// # Errors
/// Without a terminal there is nobody to ask: a sentence that names `--force`.
pub fn confirm(about: &str, question: &str) -> Result<bool, CliError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CliError::new(format!(
            "nothing was deleted: there is no terminal to ask \"{question}\" on, add --force to do it without asking"
        )));
    }
    let _ = write!(std::io::stderr(), "{about}\n{question} [y/N] ");
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
