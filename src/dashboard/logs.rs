//! `/apps/{ref}/logs`: the last lines.

use askama::Template;

use super::frame::{Frame, Here};
use super::{render, text};
use crate::wire::{LogRecord, Stream, Whoami};

/// What the page shows.
pub struct LogsPage<'a> {
    /// Name of the app or process.
    pub title: &'a str,
    /// How it was asked for: id, name or `namespace:name`.
    pub reference: &'a str,
    /// The lines, oldest first.
    pub lines: &'a [LogRecord],
    /// The reader.
    pub who: &'a Whoami,
}

/// The page.
pub fn logs_page(page: &LogsPage<'_>) -> String {
    let several = page.lines.windows(2).any(|pair| pair[0].id != pair[1].id);
    render(&View {
        frame: Frame::new(page.who, Here::Logs),
        title: page.title,
        reference: page.reference,
        several,
        lines: page.lines.iter().map(Line::new).collect(),
    })
}

#[derive(Template)]
#[template(path = "logs.html")]
struct View<'a> {
    frame: Frame<'a>,
    title: &'a str,
    reference: &'a str,
    /// Lines of more than one process: each says whose it is.
    several: bool,
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    /// `12:34:56.789`, in UTC; empty when not known.
    time: &'a str,
    name: &'a str,
    err: bool,
    text: String,
}

impl<'a> Line<'a> {
    fn new(record: &'a LogRecord) -> Line<'a> {
        let time = record.ts.as_deref().unwrap_or_default();
        let time = time.split_once('T').map_or(time, |(_, time)| time.trim_end_matches('Z'));
        let err = match record.stream {
            Stream::Out | Stream::Sys => false,
            Stream::Err => true,
        };
        Line { time, name: &record.name, err, text: text::plain(&record.text) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::who;
    use super::*;
    use crate::wire::Role;

    fn record(id: i64, stream: Stream, text: &str) -> LogRecord {
        let ts = Some("2026-01-02T03:04:05.678Z".to_owned());
        LogRecord { ts, ..LogRecord::plain(id, &format!("web-{id}"), stream, text) }
    }

    fn page(lines: &[LogRecord]) -> String {
        logs_page(&LogsPage { title: "web", reference: "web", lines, who: &who(Role::Viewer) })
    }

    #[test]
    fn lines_are_text_with_time_and_stream_whatever_they_contain() {
        let html = page(&[record(0, Stream::Err, "\u{1b}[31m<script>x</script>\u{1b}[0m")]);
        assert!(html.contains("<time>03:04:05.678</time>"), "{html}");
        assert!(html.contains(r#"<p class="err">"#));
        assert!(html.contains("&#60;script&#62;x&#60;/script&#62;") && !html.contains('\u{1b}'));
        assert!(html.contains("The last 1 line,"));
    }

    #[test]
    fn lines_say_whose_they_are_only_when_that_is_a_question() {
        let alone = [record(0, Stream::Out, "a"), record(0, Stream::Out, "b")];
        let merged = [record(0, Stream::Out, "a"), record(1, Stream::Out, "b")];
        assert!(!page(&alone).contains("<b>web-0</b>"));
        assert!(page(&merged).contains("<b>web-0</b>") && page(&merged).contains("<b>web-1</b>"));
    }

    #[test]
    fn no_lines_are_said_in_words() {
        assert!(page(&[]).contains("Nothing was written yet"));
    }
}
