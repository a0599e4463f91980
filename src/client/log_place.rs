//! Where a follower of logs is, so that the next stream goes on exactly there.

use std::collections::HashMap;

use super::LogItem;
use crate::wire::Stream;

/// The newest cursors that a follower was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogPlace {
    /// Of everything.
    all: Option<String>,
    /// Since then: of single logs.
    own: HashMap<(i64, Stream), String>,
}

impl LogPlace {
    /// Notes what was shown.
    pub fn pass(&mut self, item: &LogItem) {
        match item {
            LogItem::Cursor(cursor) => {
                self.all = Some(cursor.clone());
                self.own.clear();
            }
            LogItem::Record(record) => {
                if let Some(cursor) = &record.c {
                    self.own.insert((record.id, record.stream), cursor.clone());
                }
            }
            LogItem::Removed { .. } | LogItem::Deleted => {}
        }
    }

    /// What goes on behind everything that was shown. `None`: nothing is known, so all of it was missed.
    pub fn after(&self) -> Option<String> {
        let all = self.all.clone()?;
        let mut own: Vec<String> = self.own.values().cloned().collect();
        own.sort_unstable();
        own.insert(0, all);
        Some(own.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::LogRecord;

    #[test]
    fn it_goes_on_behind_the_last_line_of_each_log() {
        let record = |id, stream, c: &str| {
            LogItem::Record(LogRecord { c: Some(c.into()), ..LogRecord::plain(id, "web", stream, "x") })
        };
        let mut place = LogPlace::default();
        place.pass(&record(1, Stream::Out, "early"));
        assert_eq!(place.after(), None);
        place.pass(&LogItem::Cursor("begin".into()));
        assert_eq!(place.after().as_deref(), Some("begin"));
        for item in [record(1, Stream::Out, "a"), record(1, Stream::Err, "b"), record(1, Stream::Out, "c")] {
            place.pass(&item);
        }
        assert_eq!(place.after().as_deref(), Some("begin,b,c"));
        place.pass(&LogItem::Cursor("now".into()));
        assert_eq!(place.after().as_deref(), Some("now"));
    }
}
