//! The program's own log: one line per event, on standard error, as text or (`PMDAEMON_LOG_FORMAT=json`)
//! as JSON. What happens on behalf of a request names that: its id, who asks, and the trace that it
//! belongs to.
//!
//! What is told in it comes from outside, too: a path, or the words of another program. A control
//! character of those is written as `\n` or `\u{1b}` (in JSON `\u001b`), so that a line is one event,
//! whoever wrote it, and does nothing to a terminal.

use std::io::{self, Write};
use std::sync::OnceLock;

use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

/// How a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A time, a level and a sentence.
    Text,
    /// An object.
    Json,
}

impl Format {
    /// What that word means.
    fn of_word(word: &str) -> Option<Format> {
        match word {
            "" | "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
        }
    }

    /// As the environment says, which is read once; text where it says something else.
    pub fn ours() -> Format {
        static OURS: OnceLock<Format> = OnceLock::new();
        *OURS.get_or_init(|| wish().ok().and_then(|word| Format::of_word(&word)).unwrap_or(Format::Text))
    }

    /// A line of who has no subscriber of events, with its newline.
    pub fn line(self, time: &str, level: &str, target: &str, message: &str) -> String {
        match self {
            Format::Text => format!("{time} {level:>5} {target}: {}\n", one_line(message)),
            Format::Json => {
                let line = json!({"timestamp": time, "level": level, "target": target, "message": message});
                format!("{}\n", one_json_line(&line.to_string()))
            }
        }
    }
}

fn wish() -> Result<String, std::env::VarError> {
    std::env::var("PMDAEMON_LOG_FORMAT")
}

/// From which level on it is written, unless somebody says otherwise.
pub const USUAL: &str = "info";

/// What the environment says of that.
pub fn wanted() -> Option<String> {
    std::env::var("PMDAEMON_LOG").ok().filter(|text| EnvFilter::try_new(text).is_ok() && !text.is_empty())
}

/// Sets the level.
type SetLevel = Box<dyn Fn(EnvFilter) + Send + Sync>;

static LEVEL: OnceLock<SetLevel> = OnceLock::new();

/// From now on it is written from that level on: `debug` says more. What is no level changes nothing.
pub fn set_level(level: &str) {
    if let (Some(set), Ok(filter)) = (LEVEL.get(), EnvFilter::try_new(level)) {
        set(filter);
    }
}

/// Starts it. `PMDAEMON_LOG=debug` says more.
pub fn start() {
    let filter = EnvFilter::new(wanted().unwrap_or_else(|| USUAL.to_owned()));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_timer(Utc)
        // A log that cannot be written is no reason to stop: to say so on standard error, which is
        // the log, would be a panic.
        .log_internal_errors(false);
    match Format::ours() {
        Format::Text => {
            let log =
                log.with_target(false).with_writer(|| Lines(io::stderr(), one_line)).with_filter_reloading();
            let handle = log.reload_handle();
            if log.try_init().is_ok() {
                let _ = LEVEL.set(Box::new(move |filter| _ = handle.reload(filter)));
            }
        }
        Format::Json => {
            let log = log
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_writer(|| Lines(io::stderr(), one_json_line))
                .with_filter_reloading();
            let handle = log.reload_handle();
            if log.try_init().is_ok() {
                let _ = LEVEL.set(Box::new(move |filter| _ = handle.reload(filter)));
            }
        }
    }
    if let Ok(word) = wish()
        && Format::of_word(&word).is_none()
    {
        tracing::warn!("PMDAEMON_LOG_FORMAT is {word:?}: text and json are allowed, and this is text");
    }
}

/// Writes each event as one line. An event comes in one piece, with its newline.
struct Lines<W>(W, fn(&str) -> String);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = (self.1)(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// JSON without those control characters that JSON allows.
fn one_json_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => line.push(character),
        }
    }
    line
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
        let log =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || Lines(writer.clone(), one_line));
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
    #[test]
    fn row_29_json_is_one_object_a_line_whatever_is_told_in_it() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_writer(move || Lines(writer.clone(), one_json_line));
        tracing::subscriber::with_default(log.finish(), || {
            let span = tracing::info_span!("request", request_id = "r1", principal = "a\n\u{85}b");
            let _entered = span.enter();
            tracing::warn!(app = "web\n", "\u{7f}\u{1b}[2J\n{{\"level\":\"INFO\"}}");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["app"]), (&json!("WARN"), &json!("web\n")), "{line}");
        assert_eq!(line["message"], "\u{7f}\u{1b}[2J\n{\"level\":\"INFO\"}");
        assert_eq!(line["span"], json!({"name": "request", "request_id": "r1", "principal": "a\n\u{85}b"}));
    }

    #[test]
    fn lines_of_who_has_no_subscriber_look_the_same() {
        let text = Format::Text.line("T", "INFO", "keeper", "a\nb");
        assert_eq!(text, "T  INFO keeper: a\\nb\n");
        let line = Format::Json.line("T", "INFO", "keeper", "a\n\u{85}b");
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains('\u{85}'), "{line:?}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected =
            json!({"timestamp": "T", "level": "INFO", "target": "keeper", "message": "a\n\u{85}b"});
        assert_eq!(line, expected);
        assert_eq!(Format::of_word("yaml"), None);
    }
}
