//! How far a forward has come.

use serde::{Deserialize, Serialize};

use crate::logs::Cursor;

/// What is known of a forward besides its definition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Everything before was taken by the receiver.
    pub cursor: Cursor,
    /// Lines that it has taken.
    pub sent_lines: u64,
    /// And bytes.
    pub sent_bytes: u64,
    /// Bytes that were removed before they could be sent.
    pub lost_bytes: u64,
    /// When it last took something, in milliseconds since 1970.
    pub last_sent_ms: Option<u64>,
    /// What is wrong, and since when.
    pub error: Option<(String, u64)>,
}

/// What is kept of it.
#[derive(Serialize, Deserialize)]
struct Stored {
    cursor: String,
    sent_lines: u64,
    sent_bytes: u64,
    lost_bytes: u64,
    last_sent_ms: Option<u64>,
}

impl Progress {
    /// The text to keep.
    pub fn to_text(&self) -> String {
        let stored = Stored {
            cursor: self.cursor.encode(),
            sent_lines: self.sent_lines,
            sent_bytes: self.sent_bytes,
            lost_bytes: self.lost_bytes,
            last_sent_ms: self.last_sent_ms,
        };
        serde_json::to_string(&stored).expect("it is plain data")
    }

    /// What that text keeps.
    ///
    /// # Errors
    /// What does not fit.
    pub fn parse(text: &str) -> Result<Progress, String> {
        let stored: Stored = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Ok(Progress {
            cursor: Cursor::decode(&stored.cursor).map_err(|e| e.to_string())?,
            sent_lines: stored.sent_lines,
            sent_bytes: stored.sent_bytes,
            lost_bytes: stored.lost_bytes,
            last_sent_ms: stored.last_sent_ms,
            error: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Position, Stream};
    use crate::model::ProcessId;

    #[test]
    fn it_comes_back_as_it_was() {
        let mut progress = Progress {
            sent_lines: 3,
            sent_bytes: 40,
            lost_bytes: 5,
            last_sent_ms: Some(6),
            ..Progress::default()
        };
        progress.cursor.put((ProcessId(2), Stream::Err), Position { segment: 7, offset: 8 });
        assert_eq!(Progress::parse(&progress.to_text()), Ok(progress));
        assert!(Progress::parse("{}").is_err());
    }
}
