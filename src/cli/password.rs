//! Passwords: asked on a terminal without showing them, or read from stdin; never an argument, which
//! everybody on the host could see.

use std::io::{IsTerminal, Read, Write};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::error::CliError;

/// More than the longest password.
const LIMIT: u64 = 4096;

/// A new password: asked twice, or the first line of stdin.
///
/// # Errors
/// When there is nobody to ask, or the two differ.
pub fn new(whose: &str, stdin: bool) -> Result<String, CliError> {
    if stdin {
        return from_stdin();
    }
    let first = ask(&format!("New password for {whose}: "))?;
    let second = ask("Once more: ")?;
    match first == second {
        true => Ok(first),
        false => Err(CliError::new("nothing was changed: the two passwords differ, try again")),
    }
}

/// A password that there is: asked once, or the first line of stdin.
///
/// # Errors
/// When there is nobody to ask.
pub fn present(prompt: &str, stdin: bool) -> Result<String, CliError> {
    if stdin { from_stdin() } else { ask(prompt) }
}

/// The first line of stdin.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn from_stdin() -> Result<String, CliError> {
    let text = all_of_stdin(LIMIT)?;
    let line = text.lines().next().unwrap_or_default();
    match line.is_empty() {
        true => Err(CliError::new("there is nothing in the first line of standard input")),
        false => Ok(line.to_owned()),
    }
}

/// The present password and the new one: the first two lines of stdin.
///
/// # Errors
/// When it cannot be read, is no text, or has not both.
pub fn both_from_stdin() -> Result<(String, String), CliError> {
    let text = all_of_stdin(LIMIT)?;
    let mut lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned);
    lines.next().zip(lines.next()).ok_or_else(|| {
        CliError::new(
            "your own password is changed with two lines on standard input: the present one, and the new one",
        )
    })
}

/// What comes on stdin, to its end or to so many bytes.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn all_of_stdin(limit: u64) -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(limit).read_to_string(&mut text);
    read.map_err(|e| CliError::new(format!("cannot read from standard input: {e}")))?;
    Ok(text)
}

/// Gives the terminal back, however this ends.
struct Raw;

impl Drop for Raw {
    fn drop(&mut self) {
        // It is gone if this fails.
        let _ = disable_raw_mode();
        let _ = writeln!(std::io::stderr());
    }
}

fn ask(prompt: &str) -> Result<String, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new(
            "there is no terminal to ask for the password on: give it on standard input with --password-stdin",
        ));
    }
    let failed = |e: std::io::Error| CliError::new(format!("cannot ask for the password: {e}"));
    let _ = write!(std::io::stderr(), "{prompt}");
    let _ = std::io::stderr().flush();
    enable_raw_mode().map_err(failed)?;
    let _raw = Raw;
    let mut typed = String::new();
    loop {
        let Event::Key(key) = read().map_err(failed)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if control => {
                return Err(CliError::new("nothing was done: interrupted"));
            }
            KeyCode::Char('u') if control => typed.clear(),
            KeyCode::Char('j' | 'm') if control => return Ok(typed),
            KeyCode::Enter => return Ok(typed),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(c) if !control => typed.push(c),
            // crossterm's enum is theirs: every other key types nothing.
            _ => {}
        }
    }
}
