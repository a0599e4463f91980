//! A line of a log as pieces that look alike. `web/logs.js` builds the same from live records.

use crate::wire::{LogRecord, Stream};

/// A line.
pub(super) struct Line<'a> {
    /// RFC 3339; empty when not known.
    pub ts: &'a str,
    /// `12:34:56.789`, in UTC.
    pub time: &'a str,
    pub name: &'a str,
    pub err: bool,
    /// The level that the line says it has; empty if it says none.
    pub level: &'a str,
    pub pieces: Vec<Piece>,
}

/// A stretch of text.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// Words of its look; empty for ordinary text.
    pub class: String,
    /// It matches what is searched for.
    pub mark: bool,
    pub text: String,
}

impl<'a> Line<'a> {
    pub fn new(record: &'a LogRecord) -> Line<'a> {
        let ts = record.ts.as_deref().unwrap_or_default();
        Line {
            ts,
            time: ts.split_once('T').map_or(ts, |(_, time)| time.trim_end_matches('Z')),
            name: &record.name,
            err: match record.stream {
                Stream::Out | Stream::Sys => false,
                Stream::Err => true,
            },
            level: record.level.as_deref().unwrap_or_default(),
            pieces: pieces(record),
        }
    }
}

/// The text cut wherever its look changes. What cannot be seen has a sign of its own.
fn pieces(record: &LogRecord) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut runs, mut marks) = (record.runs.iter().peekable(), record.marks.iter().peekable());
    let mut at = 0;
    for character in record.text.chars() {
        while runs.next_if(|(start, length, _)| start + length <= at).is_some() {}
        while marks.next_if(|(start, length)| start + length <= at).is_some() {}
        let class = runs.peek().filter(|(start, ..)| *start <= at).map_or("", |(.., class)| class.as_str());
        let mark = marks.peek().is_some_and(|(start, _)| *start <= at);
        let sign = visible(character);
        match pieces.last_mut() {
            Some(piece) if piece.class == class && piece.mark == mark => piece.text.push(sign),
            Some(_) | None => pieces.push(Piece { class: class.to_owned(), mark, text: sign.into() }),
        }
        at += character.len_utf16() as i64;
    }
    pieces
}

/// Control characters as their pictures; those that turn the direction of text around as a blank
/// sign, so that a line cannot pretend to be another one.
fn visible(character: char) -> char {
    match character {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + character as u32).unwrap_or('\u{fffd}'),
        '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, runs: &[(i64, i64, &str)], marks: &[(i64, i64)], expected: &[(&str, bool, &str)]) {
        let record = LogRecord {
            runs: runs.iter().map(|(start, length, class)| (*start, *length, (*class).to_owned())).collect(),
            marks: marks.to_vec(),
            ..LogRecord::plain(0, "web", Stream::Out, text)
        };
        let pieces = pieces(&record);
        let told: Vec<_> = pieces.iter().map(|p| (p.class.as_str(), p.mark, p.text.as_str())).collect();
        assert_eq!(told, expected, "{text:?}");
    }

    #[test]
    fn looks_and_marks_cut_a_line_into_pieces() {
        check("plain", &[], &[], &[("", false, "plain")]);
        check("", &[], &[], &[]);
        check("a red b", &[(2, 3, "f1")], &[], &[("", false, "a "), ("f1", false, "red"), ("", false, " b")]);
        check(
            "😀 red",
            &[(3, 3, "f1 bold")],
            &[(4, 2)],
            &[("", false, "😀 "), ("f1 bold", false, "r"), ("f1 bold", true, "ed")],
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        check("a\u{7}b\tc\u{202e}d", &[], &[], &[("", false, "a␇b\tc\u{fffd}d")]);
    }
}
