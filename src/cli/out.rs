//! The two streams: data on stdout, everything said to a person on stderr.
//!
//! A reader that has seen enough (`pmdaemon list | head -1`) ends the command quietly with 0.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

/// Only errors, and what was asked for.
static SILENT: OnceLock<()> = OnceLock::new();
/// No colours.
static PLAIN: OnceLock<()> = OnceLock::new();

/// Has this command tell nothing of what it does.
pub fn be_silent() {
    let _ = SILENT.set(());
}

/// Has this command use no colours.
pub fn be_plain() {
    let _ = PLAIN.set(());
}

/// Writes data to stdout, as it is. Ends the process when nobody reads it any more (0) or it
/// cannot be written (1).
pub fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// Like [`print`], for what programs wrote, which may be anything.
pub fn print_bytes(bytes: &[u8]) {
    match write(bytes) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => {
            error(&format!("cannot write to standard output: {e}"));
            std::process::exit(1)
        }
    }
}

/// Writes data to stdout, for callers that have something to clean up first.
pub fn try_print(text: &str) -> std::io::Result<()> {
    write(text.as_bytes())
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Writes a line of data to stdout.
pub fn line(text: &str) {
    print(&format!("{text}\n"));
}

/// Says on stdout what was done, unless nobody wants to hear it.
pub fn done(text: &str) {
    if SILENT.get().is_none() {
        line(text);
    }
}

/// Writes a value as indented JSON to stdout.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(e) => {
            error(&format!("cannot write the answer as JSON: {e}"));
            std::process::exit(1)
        }
    }
}

/// Says something on stderr. Whether anybody listens does not matter.
pub fn notice(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says on stderr what failed.
pub fn error(sentence: &str) {
    notice(&format!("pmdaemon: {sentence}"));
}

/// What stdout can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// A person looks at it: its width, or `None` when it is a file or pipe and nothing may be
    /// cut.
    pub width: Option<usize>,
    /// Colours are wanted.
    pub color: bool,
}

impl Screen {
    /// Of this process. `NO_COLOR` and `TERM=dumb` turn colours off.
    pub fn of_stdout() -> Screen {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Screen { width: None, color: false };
        }
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0));
        let plain = PLAIN.get().is_some()
            || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        // A terminal that does not know its width says 0.
        Screen { width: Some(width.filter(|w| *w > 0).unwrap_or(80)), color: !plain }
    }
}
