//! How lines travel: as JSON documents, as server-sent events, or as the text that was written.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::api::convert;
use crate::logs::{Grep, Level, Line, Log, Reading, Stream, ansi, clean};
use crate::wire;

/// How lines travel.
#[derive(Clone, Debug)]
pub struct Form {
    kind: Kind,
    /// Cursors cover the log of their record only.
    pub own: bool,
    /// Escape sequences become runs.
    runs: bool,
    /// With runs: what is marked.
    pub marked: Option<Grep>,
    /// Text: the log whose last line has no newline yet.
    unfinished: Option<Log>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Documents,
    Events,
    Text,
}

impl Form {
    /// What the client asks for by `Accept`. Downloads are text.
    pub fn wanted(headers: &HeaderMap, download: bool, own: bool, runs: bool) -> Form {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = match accept {
            _ if download => Kind::Text,
            _ if accept.starts_with("text/event-stream") => Kind::Events,
            _ if accept.starts_with("text/plain") => Kind::Text,
            _ => Kind::Documents,
        };
        Form { kind, own, runs, marked: None, unfinished: None }
    }

    /// Text, as it was written.
    pub fn text() -> Form {
        Form { kind: Kind::Text, own: false, runs: false, marked: None, unfinished: None }
    }

    /// They are server-sent events.
    pub fn is_events(&self) -> bool {
        self.kind == Kind::Events
    }

    /// The `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        match self.kind {
            Kind::Documents => "application/x-ndjson",
            Kind::Events => "text/event-stream",
            Kind::Text => "text/plain; charset=utf-8",
        }
    }

    /// Adds a line that `reading` has just given out.
    pub fn line(&mut self, line: &Line, reading: &Reading, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Text => self.add_text((line.process, line.stream), &line.text, line.complete, out),
            Kind::Documents => {
                let cursor = match self.own {
                    true => {
                        let mut own = crate::logs::Cursor::default();
                        own.put((line.process, line.stream), line.end);
                        own.begin((line.process, line.stream), line.start);
                        own
                    }
                    false => reading.cursor_of(line),
                };
                document(&self.record(line, Some(cursor.encode())), out);
            }
            Kind::Events => {
                let cursor = reading.cursor_of(line).encode();
                event(&cursor, None, &self.record(line, None), out);
            }
        }
    }

    /// Adds a line that no process wrote.
    pub fn told(&mut self, record: &wire::LogRecord, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Documents => document(record, out),
            Kind::Events => event("", None, record, out),
            Kind::Text => {
                if self.unfinished.take().is_some() {
                    out.push(b'\n');
                }
                out.extend_from_slice(record.text.as_bytes());
                out.push(b'\n');
            }
        }
    }

    /// Adds something that is said between the lines; text has no place for it.
    pub fn control(&self, control: &wire::LogControl, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Documents => document(control, out),
            Kind::Events => event(control.c.as_deref().unwrap_or_default(), Some("ctl"), control, out),
            Kind::Text => {}
        }
    }

    /// A line is continued by the next piece of its log, unless another log speaks in between.
    fn add_text(&mut self, log: Log, text: &[u8], complete: bool, out: &mut Vec<u8>) {
        if self.unfinished.is_some_and(|other| other != log) {
            out.push(b'\n');
        }
        out.extend_from_slice(text);
        if complete {
            out.push(b'\n');
        }
        self.unfinished = (!complete).then_some(log);
    }

    fn record(&self, line: &Line, cursor: Option<String>) -> wire::LogRecord {
        record(line, cursor, self.runs, self.marked.as_ref())
    }
}

/// A line as a record.
pub fn record(
    line: &Line,
    cursor: Option<String>,
    with_runs: bool,
    marked: Option<&Grep>,
) -> wire::LogRecord {
    let seen = ansi::plain(&line.text);
    let level = Level::of_line(&seen).map(|level| level.as_str().to_owned());
    let (text, runs) = match with_runs {
        true => ansi::styled(&line.text),
        false => (clean(&line.text), Vec::new()),
    };
    let marks = marked.filter(|_| with_runs).map(|grep| grep.marks(&text)).unwrap_or_default();
    let exact = std::str::from_utf8(&line.text).is_ok();
    wire::LogRecord {
        c: cursor,
        ts: line.at.map(convert::time_us),
        id: i64::from(line.process.0),
        name: line.name.to_string(),
        stream: match line.stream {
            Stream::Out => wire::Stream::Out,
            Stream::Err => wire::Stream::Err,
        },
        level,
        text,
        runs: runs.into_iter().map(|run| (run.start as i64, run.length as i64, run.class)).collect(),
        marks: marks.into_iter().map(|(start, length)| (start as i64, length as i64)).collect(),
        partial: !line.complete,
        base64: (!exact).then(|| STANDARD.encode(&line.text)),
    }
}

fn document<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, value).expect("it is plain data");
    out.push(b'\n');
}

/// JSON has no newlines, so each event has one line of data.
fn event<T: serde::Serialize>(id: &str, name: Option<&str>, value: &T, out: &mut Vec<u8>) {
    if !id.is_empty() {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    if let Some(name) = name {
        out.extend_from_slice(format!("event: {name}\n").as_bytes());
    }
    out.extend_from_slice(b"data: ");
    document(value, out);
    out.push(b'\n');
}
