//! Finding lines by a pattern: over whole blocks, not line by line.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::Look;

use super::ansi;

/// The longest pattern, in characters.
pub const MAX_PATTERN: usize = 512;

/// The largest compiled pattern, in bytes. Matching takes linear time whatever the pattern.
const SIZE: usize = 1 << 20;

/// So many matches of a line are marked.
const MARKS: usize = 200;

/// So many bytes are searched at once, and up to the end of their last line.
const STRETCH: usize = 16 << 10;

/// A pattern that lines are to match, as they are seen: without escape sequences.
#[derive(Clone, Debug)]
pub struct Grep {
    regex: Regex,
    /// The pattern asks where the text begins or ends: then each line must be a text of its own.
    by_line: bool,
}

/// Why a text is no pattern: a sentence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

impl Grep {
    /// Understands a pattern in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn new(pattern: &str) -> Result<Grep, BadPattern> {
        let length = pattern.chars().count();
        if length > MAX_PATTERN {
            return Err(BadPattern(format!(
                "the pattern has {length} characters: {MAX_PATTERN} are allowed"
            )));
        }
        let mut parser = regex_syntax::ParserBuilder::new().multi_line(true).utf8(false).build();
        let parsed = parser.parse(pattern).map_err(|e| BadPattern(told(pattern, &e)))?;
        let regex = RegexBuilder::new(pattern).multi_line(true).size_limit(SIZE).build();
        let regex =
            regex.map_err(|_| BadPattern("the pattern is too large when compiled: simplify it".into()))?;
        let looks = parsed.properties().look_set();
        let by_line = looks.contains(Look::Start) || looks.contains(Look::End);
        Ok(Grep { regex, by_line })
    }

    /// Whether that line matches.
    pub fn matches(&self, line: &[u8]) -> bool {
        match ansi::is_plain(line) {
            true => self.regex.is_match(line),
            false => self.regex.is_match(ansi::plain(line).as_bytes()),
        }
    }

    /// Where that text matches: start and length in UTF-16 code units, as browsers count. At most so
    /// many as one can look at.
    pub fn marks(&self, text: &str) -> Vec<(usize, usize)> {
        let width = |part: &str| part.encode_utf16().count();
        let (mut marks, mut at, mut before) = (Vec::new(), 0, 0);
        for found in self.regex.find_iter(text.as_bytes()).take(MARKS) {
            // A pattern over bytes may match within a character: that cannot be shown.
            let parts = (text.get(before..found.start()), text.get(found.range()));
            if let (Some(between), Some(part)) = parts
                && !part.is_empty()
            {
                at += width(between);
                marks.push((at, width(part)));
                at += width(part);
                before = found.end();
            }
        }
        marks
    }

    /// The first line that matches, without its newline. `lines` are whole lines.
    pub(super) fn find(&self, lines: &[u8]) -> Option<Range<usize>> {
        let mut from = 0;
        while from < lines.len() {
            // Not more at once: where every line matches, each asks anew.
            let least = lines.len().min(from + STRETCH);
            let end = memchr::memchr(b'\n', &lines[least..]).map_or(lines.len(), |at| least + at + 1);
            if let Some(line) = self.find_in(&lines[from..end]) {
                return Some(from + line.start..from + line.end);
            }
            from = end;
        }
        None
    }

    fn find_in(&self, lines: &[u8]) -> Option<Range<usize>> {
        let by_line = self.by_line || !ansi::is_plain(lines);
        let mut from = 0;
        while from < lines.len() {
            let rest = &lines[from..];
            let hit = if by_line { 0 } else { self.regex.find(rest)?.start() };
            let begin = memchr::memrchr(b'\n', &rest[..hit]).map_or(0, |newline| newline + 1);
            let end = memchr::memchr(b'\n', &rest[hit..]).map_or(rest.len(), |newline| hit + newline);
            // What was found may reach over the newline, or be nothing behind the last one.
            if begin < rest.len() && self.matches(&rest[begin..end]) {
                return Some(from + begin..from + end);
            }
            from += end + 1;
        }
        None
    }
}

fn told(pattern: &str, error: &regex_syntax::Error) -> String {
    let (what, offset) = match error {
        regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span().start.offset),
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span().start.offset),
        other => return format!("it is no pattern: {other}"),
    };
    let before = pattern.get(..offset).map_or(offset, |before| before.chars().count());
    format!("it is no pattern: {what}, at character {}", before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: &[&str]) {
        let grep = Grep::new(pattern).unwrap();
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(line) = grep.find(&text.as_bytes()[from..]) {
            found.push(&text[from + line.start..from + line.end]);
            from += line.end + 1;
        }
        assert_eq!(found, expected, "{pattern:?} in {text:?}");
        let one_by_one: Vec<&str> = text.lines().filter(|line| grep.matches(line.as_bytes())).collect();
        assert_eq!(one_by_one, expected, "{pattern:?} in each line of {text:?}");
    }

    #[test]
    fn a_block_gives_the_lines_that_match_alone() {
        let text = "one\ntwo\n\nthree error\nfour\n";
        check("o", text, &["one", "two", "three error", "four"]);
        check("^t", text, &["two", "three error"]);
        check("o$", text, &["two"]);
        check("^$", text, &[""]);
        check("", text, &["one", "two", "", "three error", "four"]);
        check(r"\s", text, &["three error"]);
        check(r"e\s*t", text, &[]);
        check(r"[^x]+four", text, &[]);
        check(r"\Atwo\z", text, &["two"]);
        check("(?i)ERROR", text, &["three error"]);
        check("nowhere", text, &[]);
    }

    #[test]
    fn what_is_matched_is_what_is_seen() {
        check("ERROR: disk", "a\n\u{1b}[31mERROR\u{1b}[0m: disk\nb\n", &["\u{1b}[31mERROR\u{1b}[0m: disk"]);
        check("31", "\u{1b}[31mred\u{1b}[0m\n31\n", &["31"]);
    }

    #[test]
    fn marks_count_as_browsers_do() {
        let check = |pattern: &str, text: &str, expected: &[(usize, usize)]| {
            assert_eq!(Grep::new(pattern).unwrap().marks(text), expected, "{pattern:?} in {text:?}");
        };
        check("o", "one two", &[(0, 1), (6, 1)]);
        check("ö+", "aöö😀ö", &[(1, 2), (5, 1)]);
        check("^", "one", &[]);
        check("x*", "axxb", &[(1, 2)]);
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_place() {
        let refused = |pattern: &str, words: &str| {
            let error = Grep::new(pattern).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains('\n'), "{error}");
        };
        refused("ab(c", "unclosed group, at character 3");
        refused("ü[", "at character 2");
        refused("a**{", "at character");
        refused(r"\p{Nothing}", "at character 1");
        refused(&"x".repeat(513), "513 characters: 512 are allowed");
        refused(r"\w{1000}\w{1000}", "too large");
    }
}
