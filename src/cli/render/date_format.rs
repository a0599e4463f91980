//! Times in a form that is written as PM2's users write it: the tokens of moment.js.

use jiff::Zoned;

/// Tokens, the longest first where one begins like another, and what they are for `strftime`.
const TOKENS: [(&str, &str); 31] = [
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DDDD", "%j"),
    ("DDD", "%-j"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("d", "%w"),
    ("E", "%u"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSS", "%3f"),
    ("SS", "%2f"),
    ("S", "%1f"),
    ("A", "%p"),
    ("a", "%P"),
    ("ZZ", "%z"),
    ("Z", "%:z"),
    ("X", "%s"),
    ("WW", "%V"),
];

/// That time in that form. What is in brackets, and what is no token, stays as it is.
pub fn format(at: &Zoned, form: &str) -> String {
    let mut shown = String::new();
    let mut rest = form;
    while !rest.is_empty() {
        if let Some((literal, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            shown.push_str(literal);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('x') {
            shown.push_str(&at.timestamp().as_millisecond().to_string());
            rest = behind;
        } else if let Some((token, directive)) = TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            shown.push_str(&at.strftime(directive).to_string());
            rest = &rest[token.len()..];
        } else {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            shown.push_str(&rest[..first]);
            rest = &rest[first..];
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_pm2s_users_mean_what_they_mean_there() {
        let at: Zoned = "2026-03-05T14:07:09.045+02:00[+02:00]".parse().unwrap();
        let check = |form: &str, expected: &str| assert_eq!(format(&at, form), expected, "{form}");
        check("YYYY-MM-DD HH:mm:ss", "2026-03-05 14:07:09");
        check("YYYY-MM-DDTHH:mm:ss", "2026-03-05T14:07:09");
        check("YYYY-MM-DD HH:mm:ss.SSS Z", "2026-03-05 14:07:09.045 +02:00");
        check("D.M.YY h:mm A, ddd MMM", "5.3.26 2:07 PM, Thu Mar");
        check("[at] HH[h]mm ZZ", "at 14h07 +0200");
        check("x", "1772712429045");
        check("X 100% ä", "1772712429 100% ä");
    }
}
