//! The program's own log: one line per event, on standard error.
//!
//! What is told in it comes from outside, too: a path, or the words of another program. A control
//! character of those is written as `\n` or `\u{1b}`, so that a line is one event, whoever wrote it,
//! and does nothing to a terminal.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

/// Starts it. `PMDAEMON_LOG=debug` says more.
pub fn start() {
    let filter = EnvFilter::try_from_env("PMDAEMON_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| OneLine(io::stderr()))
        .with_ansi(false)
        .with_target(false)
        .with_timer(Utc)
        // A log that cannot be written is no reason to stop: to say so on standard error, which is
        // the log, would be a panic.
        .log_internal_errors(false)
        .try_init();
}

/// Writes each event as one line. An event comes in one piece, with its newline.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = one_line(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Without control characters.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(w, "{:.3}", jiff::Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn row_29_an_event_is_one_line_whatever_is_told_in_it() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || OneLine(writer.clone()));
        tracing::subscriber::with_default(log.finish(), || {
            tracing::warn!("web\n{{\"level\":\"INFO\"}} cannot start: \u{1b}[2J\r{}", "größer\u{85}");
            tracing::info!(app = "a\nb", path = %"/x\n2026 ERROR", "second");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains(r#"web\n{"level":"INFO"} cannot start: "#), "{text}");
        assert!(lines[0].contains("größer") && lines[1].contains("2026 ERROR"), "{text}");
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
    }
}
