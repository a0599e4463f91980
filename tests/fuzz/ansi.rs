//! Escape sequences.

use pmdaemon::logs::ansi::{is_plain, plain, styled};

pub fn check(data: &[u8]) {
    // A line has no line break within.
    for line in data.split(|byte| *byte == b'\n') {
        let (text, runs) = styled(line);
        assert_eq!(plain(line), text);
        let begins = text.chars().find(|c| matches!(c, '\u{8}' | '\u{1b}' | '\u{80}'..='\u{9f}'));
        assert_eq!(begins, None, "{text:?} of {line:?}");
        let length = text.encode_utf16().count();
        let mut end = 0;
        for run in &runs {
            assert!(run.start >= end && run.length > 0 && run.start + run.length <= length, "{runs:?}");
            end = run.start + run.length;
            let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ' ';
            assert!(!run.class.is_empty() && run.class.chars().all(safe), "{runs:?}");
        }
        if is_plain(line) {
            // The short way and the long way see the same, but for what nobody sees.
            let seen = |text: &str| text.replace(|c: char| c.is_ascii_control() && c != '\t', "");
            assert_eq!(seen(&plain(&[line, b"\x1b[m"].concat())), seen(&text), "{line:?}");
        }
    }
}
