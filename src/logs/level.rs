//! How serious a line is, as far as it says so.
//!
//! | form | example |
//! |---|---|
//! | JSON, also with numbers as pino and bunyan have them | `{"level":"warn",…}`, `{"level":50,…}` |
//! | logfmt | `ts=… level=error msg=…`, `lvl=eror` |
//! | a word in brackets | `2026-01-01 [ERROR] disk full`, `<warn>` |
//! | klog, glog | `E0102 15:04:05.000000 …` |
//! | a word that the line begins with, behind times and names | `ERROR: disk full`, `12:00:01 WARN pool` |

/// How serious, growing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Every step.
    Trace,
    /// For those who look for a mistake.
    Debug,
    /// As it should be.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
    /// The program cannot go on.
    Fatal,
}

/// Behind this many bytes nobody writes a level, except in JSON.
const BEGINNING: usize = 160;

impl Level {
    /// All of them.
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// What programs call it, in whatever case.
    pub fn of_word(word: &str) -> Option<Level> {
        match word.to_ascii_lowercase().as_str() {
            "trace" | "trc" | "verbose" | "silly" | "finest" | "finer" => Some(Level::Trace),
            "debug" | "dbg" | "debg" | "fine" => Some(Level::Debug),
            "info" | "inf" | "information" | "notice" | "http" => Some(Level::Info),
            "warn" | "wrn" | "warning" => Some(Level::Warn),
            "error" | "err" | "eror" | "severe" => Some(Level::Error),
            "fatal" | "ftl" | "critical" | "crit" | "panic" | "alert" | "emerg" | "emergency" => {
                Some(Level::Fatal)
            }
            _ => None,
        }
    }

    /// What a line says about itself. It is looked at without its escape sequences.
    pub fn of_line(text: &str) -> Option<Level> {
        let line = text.trim_start();
        if line.starts_with('{') {
            return json(line);
        }
        let mut end = line.len().min(BEGINNING);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let line = &line[..end];
        klog(line).or_else(|| logfmt(line)).or_else(|| in_brackets(line)).or_else(|| leading_word(line))
    }
}

fn json(line: &str) -> Option<Level> {
    /// Only what is wanted; anything else in the line is passed over.
    #[derive(serde::Deserialize)]
    struct Said {
        #[serde(
            alias = "severity",
            alias = "lvl",
            alias = "loglevel",
            alias = "log.level",
            alias = "@level"
        )]
        level: serde_json::Value,
    }
    match serde_json::from_str::<Said>(line).ok()?.level {
        serde_json::Value::String(word) => Level::of_word(&word),
        serde_json::Value::Number(number) => number.as_u64().and_then(of_number),
        _ => None,
    }
}

/// As pino and bunyan count.
fn of_number(number: u64) -> Option<Level> {
    match number {
        10..20 => Some(Level::Trace),
        20..30 => Some(Level::Debug),
        30..40 => Some(Level::Info),
        40..50 => Some(Level::Warn),
        50..60 => Some(Level::Error),
        60.. => Some(Level::Fatal),
        _ => None,
    }
}

fn klog(line: &str) -> Option<Level> {
    let (letter, rest) = line.split_at_checked(1)?;
    let level = match letter {
        "I" => Level::Info,
        "W" => Level::Warn,
        "E" => Level::Error,
        "F" => Level::Fatal,
        _ => return None,
    };
    let date = rest.get(..4)?;
    (date.bytes().all(|b| b.is_ascii_digit()) && rest[4..].starts_with(' ')).then_some(level)
}

fn logfmt(line: &str) -> Option<Level> {
    for key in ["level=", "lvl=", "severity="] {
        for (at, _) in line.match_indices(key) {
            let begins = line[..at].chars().next_back().is_none_or(|before| before.is_whitespace());
            let word = line[at + key.len()..].trim_start_matches('"');
            if let Some(level) = Level::of_word(first_word(word)).filter(|_| begins) {
                return Some(level);
            }
        }
    }
    None
}

fn in_brackets(line: &str) -> Option<Level> {
    let inside = |(at, open): (usize, &str)| {
        let close = if open == "[" { ']' } else { '>' };
        let (word, _) = line[at + 1..].split_once(close)?;
        Level::of_word(word.trim())
    };
    line.match_indices(['[', '<']).find_map(inside)
}

/// A level as the first word, or in capitals behind times, numbers and what is in brackets.
fn leading_word(line: &str) -> Option<Level> {
    for (i, part) in line.split_whitespace().take(6).enumerate() {
        let word = first_word(part);
        let ends = part[word.len()..].chars().next();
        let shouted = !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase());
        let announced = matches!(ends, Some(':' | '|' | ']' | '!'));
        if let Some(level) = Level::of_word(word) {
            // "error handling is fine" says nothing, "error: disk full" does.
            return (shouted || (i == 0 && announced)).then_some(level);
        }
        let passes = part.bytes().any(|b| b.is_ascii_digit()) || part.starts_with(['[', '(', '|', '-']);
        if !passes {
            return None;
        }
    }
    None
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_serious_as_it_says() {
        let check = |line: &str, level: Option<Level>| assert_eq!(Level::of_line(line), level, "{line}");
        let all = [
            (r#"{"level":"warn","msg":"x"}"#, Level::Warn),
            (r#"{"time":1,"level":50,"msg":"pino"}"#, Level::Error),
            (r#"{"name":"bunyan","level":60}"#, Level::Fatal),
            (r#"{"severity":"ERROR","message":"google"}"#, Level::Error),
            (r#" {"level":"TRACE"}"#, Level::Trace),
            (r#"time=2026-01-01T00:00:00Z level=error msg="x""#, Level::Error),
            (r#"lvl=dbug level="warning" msg=x"#, Level::Warn),
            ("t=1 lvl=eror msg=x", Level::Error),
            ("2026-01-01 12:00:00,123 [ERROR] disk full", Level::Error),
            ("[2026-01-01T12:00:00] [main] [ WARN ] x", Level::Warn),
            ("<debug> x", Level::Debug),
            ("[info] server started", Level::Info),
            ("E0102 15:04:05.000000    1 main.go:1] x", Level::Error),
            ("W0102 15:04:05.000000 x", Level::Warn),
            ("I1231 23:59:59.999999 x", Level::Info),
            ("ERROR disk full", Level::Error),
            ("error: disk full", Level::Error),
            ("Warning: deprecated", Level::Warn),
            ("2026-01-01T12:00:00.000Z  INFO pmdaemon: ready", Level::Info),
            ("12:00:01.123 [http-1] DEBUG o.s.web - x", Level::Debug),
            ("2026-01-01 12:00:00 FATAL  out of memory", Level::Fatal),
            ("CRITICAL:root:x", Level::Fatal),
            ("INFO:root:x", Level::Info),
        ];
        for (line, level) in all {
            check(line, Some(level));
        }
        for line in [
            "",
            "hello",
            "error handling is fine",
            "no error in sight",
            "an ERROR in the middle of a sentence",
            "{not json level: error}",
            r#"{"msg":"level=error"}"#,
            r#"{"level":null}"#,
            "sublevel=error",
            "E01 x",
            "EACCES: permission denied",
            "[object Object]",
            "<html>",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn levels_are_in_order_and_know_their_words() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert_eq!(Level::of_word(level.as_str()), Some(level));
        }
    }
}
