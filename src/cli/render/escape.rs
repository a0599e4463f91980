//! Lines that programs wrote, made harmless for a terminal.
//!
//! A log may hold anything, also sequences that retitle the window, move the cursor over what
//! was said before, or make the terminal type. Colours (SGR, `ESC [ … m`) stay; every other
//! sequence and control character goes.

/// The line without what could act on a terminal. Ends with a reset when it set a colour.
pub fn harmless(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut colored = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                let (sequence, after) = sequence(rest.as_str());
                if let Some(parameters) = sgr(sequence) {
                    colored = !matches!(parameters, "" | "0");
                    text.push('\u{1b}');
                    text.push_str(sequence);
                }
                rest = after.chars();
            }
            // The same introducers as single characters: everything that they introduce goes.
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                rest = after_string(rest.as_str()).chars()
            }
            '\u{9b}' => rest = after_csi(rest.as_str()).chars(),
            '\t' => text.push(c),
            // Directions and zero-width characters could make a line read as another.
            '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {}
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    if colored {
        text.push_str("\u{1b}[0m");
    }
    text
}

/// What follows an ESC, cut into its sequence and the rest.
fn sequence(after_escape: &str) -> (&str, &str) {
    let rest = match after_escape.chars().next() {
        Some('[') => after_csi(&after_escape[1..]),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(&after_escape[1..]),
        // Two- and three-character sequences: intermediates, then a final character.
        Some(' '..='/') => {
            let body = after_escape.trim_start_matches(|c| matches!(c, ' '..='/'));
            body.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(body)
        }
        Some('0'..='~') => &after_escape[1..],
        Some(_) | None => after_escape,
    };
    after_escape.split_at(after_escape.len() - rest.len())
}

/// After parameters, intermediates and the final character of a control sequence.
fn after_csi(body: &str) -> &str {
    let rest = body.trim_start_matches(|c| matches!(c, '0'..='?'));
    let rest = rest.trim_start_matches(|c| matches!(c, ' '..='/'));
    rest.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(rest)
}

/// After the terminator (BEL or ST) of a command string; one without end takes the whole line.
fn after_string(body: &str) -> &str {
    let bell = body.find('\u{7}').map(|at| (at, 1));
    let escape = body.find("\u{1b}\\").map(|at| (at, 2));
    let single = body.find('\u{9c}').map(|at| (at, '\u{9c}'.len_utf8()));
    match [bell, escape, single].into_iter().flatten().min() {
        Some((at, length)) => &body[at + length..],
        None => "",
    }
}

/// The parameters, if the sequence is `[ digits ; : m`.
fn sgr(sequence: &str) -> Option<&str> {
    let parameters = sequence.strip_prefix('[')?.strip_suffix('m')?;
    parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':').then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_survive() {
        let check = |line: &str, shown: &str| assert_eq!(harmless(line), shown, "{line:?}");
        check("plain\ttext ü 日本", "plain\ttext ü 日本");
        check("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m");
        check("\u{1b}[1;38:5:9mred", "\u{1b}[1;38:5:9mred\u{1b}[0m");
        check("\u{1b}]0;title\u{7}a", "a");
        check("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("\u{1b}[2J\u{1b}[1;1Ha", "a");
        check("\u{1b}[?1049ha\u{1b}cb\u{1b}(0c", "abc");
        check("a\rb\u{8}c\u{0}", "abc");
        check("\u{1b}P$qm\u{1b}\\a\u{9b}31ma\u{9d}x\u{9c}b", "aab");
        check("\u{1b}]52;c;evil", "");
        check("end\u{1b}", "end");
        check("\u{1b}[", "");
        check("\u{1b}[>4;1ma", "a");
        check("a\u{202e}b\u{2060}", "ab");
    }
}
