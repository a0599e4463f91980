//! A line on its way out.

use std::sync::Arc;

use super::whose::Whose;
use crate::logs::{self, Level, Line, Position, Stream};
use crate::model::{Pid, ProcessId};

/// A line, with what its receiver wants to know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// When it came, in microseconds since 1970.
    pub at: Option<u64>,
    /// The process.
    pub process: ProcessId,
    /// Which process of the system wrote it, if that is known.
    pub pid: Option<Pid>,
    /// What it is called.
    pub name: Arc<str>,
    /// The namespace of its app.
    pub namespace: Arc<str>,
    /// Its stream.
    pub stream: Stream,
    /// What the line says of itself.
    pub level: Option<Level>,
    /// As it was written.
    pub text: Vec<u8>,
    /// No newline followed: the next record of the log continues it.
    pub partial: bool,
    /// Where it begins: the same line sent twice has the same place.
    pub start: Position,
}

impl Record {
    /// That line, of that process.
    pub fn of(line: Line, whose: Option<&Whose>) -> Record {
        let level = Level::of_line(&logs::ansi::plain(&line.text));
        Record {
            at: line.at,
            process: line.process,
            pid: whose.and_then(|whose| whose.pid_at(line.at)),
            name: line.name,
            namespace: whose.map(Whose::namespace).unwrap_or_default(),
            stream: line.stream,
            level,
            text: line.text,
            partial: !line.complete,
            start: line.start,
        }
    }

    /// The word for its stream.
    pub fn stream_word(&self) -> &'static str {
        match self.stream {
            Stream::Out => "out",
            Stream::Err => "err",
        }
    }

    /// When it came, as RFC 3339 has it, to the microsecond.
    pub fn time(&self) -> Option<String> {
        let at = jiff::Timestamp::from_microsecond(i64::try_from(self.at?).ok()?).ok()?;
        Some(format!("{at:.6}"))
    }
}

/// The name of this host, in the characters that syslog allows.
pub fn host() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    printable(&name.unwrap_or_default(), 255)
}

/// At most so many characters, those that are not printable ASCII replaced; `-` for none.
pub fn printable(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let text: String = text.chars().take(most).map(plain).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}
