//! A stream of log records: lines of JSON as they come.

use reqwest::Response;

use super::{ClientError, Place};
use crate::wire::{LogControl, LogRecord};

/// One thing that a log stream says.
#[derive(Clone, PartialEq, Debug)]
pub enum LogItem {
    /// A line of a log.
    Record(LogRecord),
    /// This many bytes were removed by retention before they could be read.
    Removed {
        /// How many, when the server counted them.
        bytes: Option<u64>,
    },
    /// The app is deleted; nothing more will come.
    Deleted,
    /// A cursor of everything up to here.
    Cursor(String),
}

/// Log records as they come from the server.
pub struct LogStream {
    response: Response,
    place: Place,
    pending: Lines,
}

impl LogStream {
    pub(super) fn new(response: Response, place: Place) -> LogStream {
        LogStream { response, place, pending: Lines::default() }
    }

    /// Waits for the next item. `None` at the end of the stream.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the connection breaks or a line is not understood.
    pub async fn next(&mut self) -> Result<Option<LogItem>, ClientError> {
        loop {
            if let Some(item) = self.buffered()? {
                return Ok(Some(item));
            }
            let chunk = self.response.chunk().await;
            match chunk.map_err(|e| ClientError::from_reqwest("reading logs", self.place.clone(), e))? {
                Some(bytes) => self.pending.push(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// The next item that is here already; `None` means waiting would be needed.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when a line is not understood.
    pub fn buffered(&mut self) -> Result<Option<LogItem>, ClientError> {
        while let Some(line) = self.pending.pop() {
            if let Some(item) = parse(&line)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

/// Reads one line; `None` when it is a heartbeat or something that only newer clients know.
fn parse(line: &[u8]) -> Result<Option<LogItem>, ClientError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    if let Ok(record) = serde_json::from_slice::<LogRecord>(line) {
        return Ok(Some(LogItem::Record(record)));
    }
    let control: LogControl = serde_json::from_slice(line)
        .map_err(|e| ClientError::Transport(format!("a line of the log stream is not understood: {e}")))?;
    Ok(match control.ctl.as_str() {
        "gone" => Some(LogItem::Removed { bytes: control.bytes }),
        "deleted" => Some(LogItem::Deleted),
        "cursor" | "hb" => control.c.map(LogItem::Cursor),
        _ => None,
    })
}

/// Text as it comes from the server.
pub struct TextStream {
    response: Response,
    place: Place,
}

impl TextStream {
    pub(super) fn new(response: Response, place: Place) -> TextStream {
        TextStream { response, place }
    }

    /// Waits for more. `None` at the end.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let chunk = self.response.chunk().await;
        let chunk = chunk.map_err(|e| ClientError::from_reqwest("reading the log", self.place.clone(), e))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

/// Bytes cut at newlines, each byte looked at once however large a line is.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    start: usize,
    searched: usize,
}

impl Lines {
    pub(super) fn push(&mut self, more: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(more);
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        match self.bytes[self.searched..].iter().position(|b| *b == b'\n') {
            Some(at) => {
                let end = self.searched + at;
                let line = self.bytes[self.start..end].to_vec();
                self.start = end + 1;
                self.searched = self.start;
                Some(line)
            }
            None => {
                self.searched = self.bytes.len();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = b"one\n\ntwo two\nthree\n";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.pop() {
                    got.push(String::from_utf8(line).unwrap());
                }
            }
            assert_eq!(got, ["one", "", "two two", "three"], "pieces of {size}");
        }
    }

    #[test]
    fn heartbeats_are_skipped_and_deletion_is_told() {
        assert_eq!(parse(br#"{"ctl":"hb"}"#).unwrap(), None);
        assert_eq!(parse(b"").unwrap(), None);
        let cursor = Some(LogItem::Cursor("AQA".into()));
        assert_eq!(parse(br#"{"ctl":"cursor","c":"AQA"}"#).unwrap(), cursor);
        assert_eq!(parse(br#"{"ctl":"hb","c":"AQA"}"#).unwrap(), cursor);
        assert_eq!(parse(br#"{"ctl":"deleted"}"#).unwrap(), Some(LogItem::Deleted));
        assert_eq!(parse(br#"{"ctl":"gone","bytes":7}"#).unwrap(), Some(LogItem::Removed { bytes: Some(7) }));
        let record = parse(br#"{"id":1,"name":"web","stream":"err","text":"hi","new":1}"#).unwrap();
        assert!(matches!(record, Some(LogItem::Record(r)) if r.text == "hi"));
        assert!(parse(b"<html>").is_err());
    }
}
