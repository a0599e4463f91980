//! Cursors: where a reader is in each of the files that it reads, as one opaque word.
//!
//! A cursor names a place for each log, and for the log of the line that it came with also where that
//! line begins: so what comes after it and what comes before it are both exact. It grants nothing:
//! whoever comes with one reads what he may read, from there on.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Position, Stream};
use crate::model::ProcessId;

/// The version of the encoding: its first byte.
const VERSION: u8 = 1;

/// The longest word that is looked at.
const MAX_WORD: usize = 64 << 10;

/// Which log of which process.
pub type Log = (ProcessId, Stream);

/// A place in each of several logs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    /// Where to go on. A log that is not named has not been begun.
    places: BTreeMap<Log, Position>,
    /// Where the line begins that the cursor came with.
    line: Option<(Log, Position)>,
}

/// A word that is no cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it is not a cursor: give the \"c\" of a record, unchanged")]
pub struct BadCursor;

impl Cursor {
    /// Names the place in a log.
    pub fn put(&mut self, log: Log, place: Position) {
        match place == Position::BEGINNING {
            true => self.places.remove(&log),
            false => self.places.insert(log, place),
        };
    }

    /// Says where the line begins that it comes with.
    pub fn begin(&mut self, log: Log, start: Position) {
        self.line = Some((log, start));
    }

    /// Where to go on in that log.
    pub fn after(&self, log: Log) -> Position {
        self.places.get(&log).copied().unwrap_or(Position::BEGINNING)
    }

    /// Where in that log everything before the line ends.
    pub fn before(&self, log: Log) -> Position {
        match self.line {
            Some((of, start)) if of == log => start,
            Some(_) | None => self.after(log),
        }
    }

    /// The word.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION, u8::from(self.line.is_some())];
        let line = self.line.iter().map(|(log, place)| (log, place));
        for (log, place) in line.chain(&self.places) {
            let err = match log.1 {
                Stream::Out => 0,
                Stream::Err => 1,
            };
            put(&mut bytes, u64::from(log.0.0) << 1 | err);
            put(&mut bytes, place.segment);
            put(&mut bytes, place.offset);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Understands a word, or several with commas between them: of those, what is furthest in each log
    /// counts.
    ///
    /// # Errors
    /// It is none.
    pub fn decode(words: &str) -> Result<Cursor, BadCursor> {
        if words.len() > MAX_WORD {
            return Err(BadCursor);
        }
        let mut joined: Option<Cursor> = None;
        for word in words.split(',') {
            let cursor = Cursor::decode_one(word)?;
            match &mut joined {
                None => joined = Some(cursor),
                Some(joined) => {
                    joined.line = None;
                    for (log, place) in cursor.places {
                        let furthest = joined.after(log).max(place);
                        joined.put(log, furthest);
                    }
                }
            }
        }
        joined.ok_or(BadCursor)
    }

    fn decode_one(word: &str) -> Result<Cursor, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(word).map_err(|_| BadCursor)?;
        let [VERSION, begins @ (0 | 1), rest @ ..] = bytes.as_slice() else { return Err(BadCursor) };
        let mut rest = rest;
        let mut cursor = Cursor::default();
        if *begins == 1 {
            cursor.line = Some(entry(&mut rest)?);
        }
        while !rest.is_empty() {
            let (log, place) = entry(&mut rest)?;
            if cursor.places.insert(log, place).is_some() {
                return Err(BadCursor);
            }
        }
        Ok(cursor)
    }
}

fn entry(rest: &mut &[u8]) -> Result<(Log, Position), BadCursor> {
    let log = take(rest)?;
    let process = ProcessId(u32::try_from(log >> 1).map_err(|_| BadCursor)?);
    let stream = if log & 1 == 1 { Stream::Err } else { Stream::Out };
    let place = Position { segment: take(rest)?, offset: take(rest)? };
    Ok(((process, stream), place))
}

/// Seven bits in a byte, the lowest first; the eighth says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, BadCursor> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first().ok_or(BadCursor)?;
        *rest = behind;
        let bits = u64::from(byte & 0x7F);
        if bits << shift >> shift != bits {
            return Err(BadCursor);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadCursor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(segment: u64, offset: u64) -> Position {
        Position { segment, offset }
    }

    const OUT: Log = (ProcessId(3), Stream::Out);
    const ERR: Log = (ProcessId(3), Stream::Err);

    #[test]
    fn a_cursor_knows_what_is_after_it_and_what_is_before() {
        let mut cursor = Cursor::default();
        cursor.put(OUT, place(7, 1000));
        cursor.put(ERR, place(1, 5));
        cursor.begin(OUT, place(6, 99));
        let read = Cursor::decode(&cursor.encode()).unwrap();
        assert_eq!((read.after(OUT), read.before(OUT)), (place(7, 1000), place(6, 99)));
        assert_eq!((read.after(ERR), read.before(ERR)), (place(1, 5), place(1, 5)));
        assert_eq!(read.after((ProcessId(4), Stream::Out)), Position::BEGINNING);
    }

    #[test]
    fn of_several_the_furthest_counts() {
        let word = |log: Log, segment, offset| {
            let mut cursor = Cursor::default();
            cursor.put(log, place(segment, offset));
            cursor.encode()
        };
        let words = [word(OUT, 2, 5), word(OUT, 1, 900), word(ERR, 1, 1), word(OUT, 2, 7)].join(",");
        let read = Cursor::decode(&words).unwrap();
        assert_eq!((read.after(OUT), read.after(ERR)), (place(2, 7), place(1, 1)));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let mut twice = vec![VERSION, 0];
        twice.extend([2, 1, 1, 2, 1, 1]);
        for bytes in [
            vec![],
            vec![VERSION],
            vec![9, 0],
            vec![VERSION, 2],
            vec![VERSION, 1],
            vec![VERSION, 0, 1],
            twice,
        ] {
            let word = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(Cursor::decode(&word), Err(BadCursor), "{bytes:?}");
        }
        for word in ["", "!", "AQA=", "AQA,", &"A".repeat(MAX_WORD + 1)] {
            assert_eq!(Cursor::decode(word), Err(BadCursor), "{word}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_names_is_read_back(
            places in prop::collection::btree_map((any::<u32>(), any::<bool>()), (1..u64::MAX, any::<u64>()), 0..8)
        ) {
            let mut cursor = Cursor::default();
            for ((id, err), (segment, offset)) in places {
                cursor.put((ProcessId(id), if err { Stream::Err } else { Stream::Out }), place(segment, offset));
            }
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn no_word_does_harm(word in "[A-Za-z0-9_,-]{0,60}") {
            let _ = Cursor::decode(&word);
        }
    }
}
