//! Escape sequences: what a line looks like on a terminal, without a terminal.
//!
//! Only colours and styles mean something here (SGR); everything else that a program can say to a
//! terminal is dropped. A carriage return goes back to the beginning of the line, and what follows
//! overwrites it, as a progress bar does.

use std::fmt::Write as _;

use vte::{Params, Parser, Perform};

/// How a stretch of text looks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Where it begins, in UTF-16 code units, as browsers count.
    pub start: usize,
    /// How long it is, in the same.
    pub length: usize,
    /// Words: `bold dim italic underline blink inverse hidden strike`, and `f0` to `f255` and `b0` to
    /// `b255` for the colours of text and background.
    pub class: String,
}

/// There is nothing in it that a terminal would not just show.
pub fn is_plain(text: &[u8]) -> bool {
    // Behind 0xC2 come the C1 controls, which begin sequences as an escape does, and some letters.
    let is_c1 = |at: usize| matches!(text.get(at + 1), Some(0x80..=0x9f));
    if memchr::memchr2(0x1b, 0x08, text).is_some() || memchr::memchr_iter(0xC2, text).any(is_c1) {
        return false;
    }
    memchr::memchr_iter(b'\r', text).all(|at| text.get(at + 1).is_none_or(|next| *next == b'\n'))
}

/// The text alone. What is not UTF-8 becomes U+FFFD.
pub fn plain(text: &[u8]) -> String {
    if is_plain(text) {
        return String::from_utf8_lossy(text).into_owned();
    }
    screen(text).cells.iter().map(|(c, _)| *c).collect()
}

/// The text, and how its parts look: stretches that look like ordinary text are left out.
pub fn styled(text: &[u8]) -> (String, Vec<Run>) {
    if is_plain(text) {
        return (String::from_utf8_lossy(text).into_owned(), Vec::new());
    }
    let screen = screen(text);
    let mut runs: Vec<Run> = Vec::new();
    let mut plain = String::with_capacity(screen.cells.len());
    let mut at = 0;
    let mut before = Look::default();
    for (c, look) in screen.cells {
        plain.push(c);
        let width = c.len_utf16();
        match runs.last_mut() {
            Some(run) if look == before && run.start + run.length == at => run.length += width,
            _ if look == Look::default() => {}
            _ => runs.push(Run { start: at, length: width, class: look.class() }),
        }
        before = look;
        at += width;
    }
    (plain, runs)
}

fn screen(text: &[u8]) -> Screen {
    let mut screen = Screen::default();
    // Bytes that are no character are one here as well, whatever the parser would take them for.
    Parser::new().advance(&mut screen, String::from_utf8_lossy(text).as_bytes());
    screen
}

#[derive(Default)]
struct Screen {
    cells: Vec<(char, Look)>,
    column: usize,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Look {
    /// One bit for each of [`STYLES`].
    styles: u8,
    text: Option<u8>,
    background: Option<u8>,
}

const STYLES: [&str; 8] = ["bold", "dim", "italic", "underline", "blink", "inverse", "hidden", "strike"];

impl Look {
    fn class(self) -> String {
        let mut class = String::new();
        for (i, style) in STYLES.iter().enumerate().filter(|(i, _)| self.styles & 1 << i != 0) {
            let _ = write!(class, "{}{style}", if i > 0 && !class.is_empty() { " " } else { "" });
        }
        for (letter, color) in [('f', self.text), ('b', self.background)] {
            if let Some(color) = color {
                let _ = write!(class, "{}{letter}{color}", if class.is_empty() { "" } else { " " });
            }
        }
        class
    }

    fn set(&mut self, style: u8) {
        self.styles |= 1 << style;
    }

    fn unset(&mut self, styles: &[u8]) {
        styles.iter().for_each(|style| self.styles &= !(1 << style));
    }

    fn apply(&mut self, params: &Params) {
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let (code, parts) = match param {
                [] => (0, &[][..]),
                [code, parts @ ..] => (*code, parts),
            };
            match code {
                0 => *self = Look::default(),
                1 => self.set(0),
                2 => self.set(1),
                3 => self.set(2),
                4 if parts.first() == Some(&0) => self.unset(&[3]),
                4 | 21 => self.set(3),
                5 | 6 => self.set(4),
                7 => self.set(5),
                8 => self.set(6),
                9 => self.set(7),
                22 => self.unset(&[0, 1]),
                23 => self.unset(&[2]),
                24 => self.unset(&[3]),
                25 => self.unset(&[4]),
                27 => self.unset(&[5]),
                28 => self.unset(&[6]),
                29 => self.unset(&[7]),
                30..=37 => self.text = Some((code - 30) as u8),
                39 => self.text = None,
                40..=47 => self.background = Some((code - 40) as u8),
                49 => self.background = None,
                90..=97 => self.text = Some((code - 90 + 8) as u8),
                100..=107 => self.background = Some((code - 100 + 8) as u8),
                38 | 48 => {
                    // Both forms: parts of one parameter, or the parameters that follow.
                    let color = match parts {
                        [] => color(|| params.next().map(|param| param.first().copied().unwrap_or(0))),
                        parts => {
                            // `38:2::r:g:b` names a colour space, which may be left out.
                            let parts = if parts.len() > 4 && parts[0] == 2 {
                                [&[2], &parts[2..]].concat()
                            } else {
                                parts.to_vec()
                            };
                            let mut parts = parts.into_iter();
                            color(|| parts.next())
                        }
                    };
                    match code {
                        38 => self.text = color.or(self.text),
                        _ => self.background = color.or(self.background),
                    }
                }
                _ => {}
            }
        }
    }
}

/// A colour of the palette of 256, from `5;n` or `2;r;g;b`.
fn color(mut next: impl FnMut() -> Option<u16>) -> Option<u8> {
    match next()? {
        5 => u8::try_from(next()?).ok(),
        2 => {
            let mut level = || next().map(|value| (u32::from(value.min(255)) * 5 + 127) / 255);
            let (red, green, blue) = (level()?, level()?, level()?);
            u8::try_from(16 + 36 * red + 6 * green + blue).ok()
        }
        _ => None,
    }
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        let cell = (c, self.look);
        match self.cells.get_mut(self.column) {
            Some(there) => *there = cell,
            None => self.cells.push(cell),
        }
        self.column += 1;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.column = 0,
            // A backspace lets the next character overwrite the last one.
            8 => self.column = self.column.saturating_sub(1),
            b'\t' => self.print('\t'),
            // NUL is a control character that programs write by mistake: it is nothing to see.
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        match action {
            'm' if intermediates.is_empty() && !ignore => self.look.apply(params),
            // Programs that overwrite a line erase the rest of it.
            'K' if intermediates.is_empty() && matches!(params.iter().next(), None | Some([] | [0])) => {
                self.cells.truncate(self.column);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_text_and_how_its_parts_look() {
        let check = |line: &str, text: &str, runs: &[(usize, usize, &str)]| {
            let (found, got) = styled(line.as_bytes());
            let got: Vec<_> = got.iter().map(|run| (run.start, run.length, run.class.as_str())).collect();
            assert_eq!((found.as_str(), got.as_slice()), (text, runs), "{line:?}");
            assert_eq!(plain(line.as_bytes()), text, "{line:?}");
        };
        check("plain\tü", "plain\tü", &[]);
        check("\u{1b}[31mred\u{1b}[0m.", "red.", &[(0, 3, "f1")]);
        check("a\u{1b}[1;92mb\u{1b}[mc", "abc", &[(1, 1, "bold f10")]);
        check("\u{1b}[38;5;208mx\u{1b}[39my", "xy", &[(0, 1, "f208")]);
        check("\u{1b}[48;2;255;0;0mx", "x", &[(0, 1, "b196")]);
        check("\u{1b}[38:2::0:0:255mx", "x", &[(0, 1, "f21")]);
        check("\u{1b}[38:5:9mx\u{1b}[4:0m", "x", &[(0, 1, "f9")]);
        check("😀\u{1b}[4mx", "😀x", &[(2, 1, "underline")]);
        check("\u{1b}[1m\u{1b}[31m\u{1b}[22mx", "x", &[(0, 1, "f1")]);
        check("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab", &[]);
        check("\u{1b}[2J\u{1b}[1;1Ha\u{1b}(0b\u{1b}P$qm\u{1b}\\", "ab", &[]);
        check("10%\r20%", "20%", &[]);
        check("long text\rshort", "shorttext", &[]);
        check("long text\r\u{1b}[Kshort", "short", &[]);
        check("\u{1b}[31mabc\r\u{1b}[0mx\r", "xbc", &[(1, 2, "f1")]);
        check("ab\u{8}c", "ac", &[]);
        // Without what begins them, sequences are text like any other.
        check("a\u{9d}52;c;AAAA\u{9c}b\u{9b}31mc", "a52;c;AAAAb31mc", &[]);
        check("12 °C, £5", "12 °C, £5", &[]);
        // No character: the same with and without a sequence beside it.
        assert_eq!((plain(b"a\x8db"), plain(b"a\x8db\x1b[m")), ("a\u{fffd}b".into(), "a\u{fffd}b".into()));
        check("windows\r", "windows\r", &[]);
    }

    proptest! {
        /// Row 41 of the security checklist.
        #[test]
        fn whatever_is_written_no_escape_is_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut line = bytes;
            line.push(0x1b);
            let (text, runs) = styled(&line);
            prop_assert!(!text.contains('\u{1b}'), "{text:?}");
            prop_assert_eq!(&plain(&line), &text);
            let length = text.encode_utf16().count();
            prop_assert!(runs.iter().all(|run| run.length > 0 && run.start + run.length <= length));
        }

        #[test]
        fn the_text_is_the_line_without_its_escapes(parts in prop::collection::vec(("[a-zA-Zäöü 0-9]{0,8}", 0_u8..108), 0..10)) {
            let line: String = parts.iter().map(|(text, code)| format!("{text}\u{1b}[{code}m")).collect();
            let text: String = parts.iter().map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(plain(line.as_bytes()), text);
        }
    }
}
