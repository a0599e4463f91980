//! How lines of logs are shown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::logs_args::LogsArgs;
use super::super::out::Screen;
use super::super::render::{date_format, escape, styled};
use super::pm2_lines;
use crate::wire::{LogRecord, Stream};

/// How PM2 shows lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The bytes alone.
    Raw,
    /// `--json`.
    Pm2Json,
    /// `--format`.
    Pm2Pairs,
    /// `0|web  | line`.
    Pm2Named,
}

/// Makes text of records, one after the other.
#[derive(Debug)]
pub struct Printer {
    look: Look,
    /// How the apps of these processes have times written.
    forms: BTreeMap<i64, String>,
    /// Raw: the log whose last line has no newline yet.
    unfinished: Option<(i64, Stream)>,
}

/// How a line is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Look {
    /// As JSON.
    Json,
    /// The bytes alone.
    Raw,
    /// As key=value pairs.
    Pairs,
    /// As JSON, in PM2's words.
    Pm2Json,
    /// As key=value pairs, in PM2's words.
    Pm2Pairs,
    /// With its name in front.
    Named {
        /// Colours are wanted.
        color: bool,
        /// It goes to a terminal, on which it must not act.
        harmless: bool,
        /// The time goes before it.
        timed: bool,
        /// What stands out.
        highlight: Option<String>,
        /// As in PM2, with id and name.
        pm2: bool,
    },
}

impl Printer {
    /// What these arguments ask for.
    pub fn of(args: &LogsArgs, screen: Screen) -> Printer {
        let look = match (args.json, args.raw, args.format) {
            (true, ..) if args.pm2 => Look::Pm2Json,
            (_, _, true) if args.pm2 => Look::Pm2Pairs,
            (true, ..) => Look::Json,
            (_, true, _) => Look::Raw,
            (_, _, true) => Look::Pairs,
            (false, false, false) => Look::Named {
                color: screen.color,
                harmless: screen.width.is_some(),
                timed: args.timestamps,
                highlight: args.highlight.clone().filter(|text| !text.is_empty()),
                pm2: args.pm2,
            },
        };
        Printer { look, forms: BTreeMap::new(), unfinished: None }
    }

    /// One of PM2's ways.
    pub fn new(form: Form, screen: Screen) -> Printer {
        let look = match form {
            Form::Raw => Look::Raw,
            Form::Pm2Json => Look::Pm2Json,
            Form::Pm2Pairs => Look::Pm2Pairs,
            Form::Pm2Named => Look::Named {
                color: screen.color,
                harmless: screen.width.is_some(),
                timed: false,
                highlight: None,
                pm2: true,
            },
        };
        Printer { look, forms: BTreeMap::new(), unfinished: None }
    }

    /// Lines of these processes have their times in these forms, as in PM2.
    pub fn write_times(&mut self, forms: BTreeMap<i64, String>) {
        self.forms = forms;
    }

    /// Adds a line.
    pub fn add(&mut self, record: &LogRecord, out: &mut Vec<u8>) {
        match &self.look {
            Look::Json => out.extend(serde_json::to_vec(record).unwrap_or_default()),
            Look::Raw => return self.add_raw(record, out),
            Look::Pairs => out.extend_from_slice(pairs(record).as_bytes()),
            Look::Pm2Json => out.extend_from_slice(pm2_lines::json(record).as_bytes()),
            Look::Pm2Pairs => out.extend_from_slice(pm2_lines::pairs(record).as_bytes()),
            Look::Named { color, harmless, timed, highlight, pm2 } => {
                let mut text = String::new();
                let form = self.forms.get(&record.id).filter(|_| record.stream != Stream::Sys);
                if *timed && form.is_none() {
                    text.push_str(&format!("{}  ", styled(&time(record), Style::new().dimmed(), *color)));
                }
                let name = match pm2 {
                    true => format!("{}|{} ", record.id, record.name),
                    false => record.name.clone(),
                };
                text.push_str(&styled(&name, name_style(record.id), *color));
                text.push_str(&match record.stream {
                    Stream::Out | Stream::Err if *pm2 => " | ".to_owned(),
                    Stream::Out => " | ".to_owned(),
                    Stream::Err => format!(" {}| ", styled("err", AnsiColor::Red.on_default(), *color)),
                    Stream::Sys => format!(" {}| ", styled("sys", Style::new().dimmed(), *color)),
                });
                if let Some(form) = form {
                    let shown = escape::harmless(&time_in(record, form));
                    text.push_str(&format!("{}: ", styled(&shown, Style::new().dimmed(), *color)));
                }
                let line = match harmless {
                    true => Cow::Owned(escape::harmless(&overwritten(&record.text))),
                    false => Cow::Borrowed(record.text.as_str()),
                };
                match highlight {
                    Some(word) if *color => {
                        text.push_str(&line.replace(word, &styled(word, Style::new().invert(), true)));
                    }
                    Some(_) | None => text.push_str(&line),
                }
                out.extend_from_slice(text.as_bytes());
            }
        }
        out.push(b'\n');
    }

    /// A line is continued by the next piece of its log, unless another log speaks in between.
    fn add_raw(&mut self, record: &LogRecord, out: &mut Vec<u8>) {
        let log = (record.id, record.stream);
        if self.unfinished.is_some_and(|other| other != log) {
            out.push(b'\n');
        }
        let exact = record.base64.as_ref().and_then(|text| STANDARD.decode(text).ok());
        out.extend_from_slice(exact.as_deref().unwrap_or(record.text.as_bytes()));
        if !record.partial {
            out.push(b'\n');
        }
        self.unfinished = record.partial.then_some(log);
    }
}

/// The time of a line, as clocks here show it.
fn time(record: &LogRecord) -> String {
    match local(record) {
        Some(at) => at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => format!("{:23}", "-"),
    }
}

/// The time of a line in the form of its app's own.
fn time_in(record: &LogRecord, form: &str) -> String {
    local(record).map_or_else(|| "-".to_owned(), |at| date_format::format(&at, form))
}

/// When it was written, in the time of this machine.
pub fn local(record: &LogRecord) -> Option<jiff::Zoned> {
    let at = record.ts.as_ref()?.parse::<jiff::Timestamp>().ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::system()))
}

fn pairs(record: &LogRecord) -> String {
    let stream = match record.stream {
        Stream::Out => "out",
        Stream::Err => "err",
        Stream::Sys => "sys",
    };
    let quoted = serde_json::to_string(&record.text).unwrap_or_default();
    let time = record.ts.as_deref().unwrap_or("-");
    let level = record.level.as_ref().map(|level| format!(" level={level}")).unwrap_or_default();
    format!("timestamp={time} app={} id={} type={stream}{level} message={quoted}", record.name, record.id)
}

/// What is left of a line in which a program went back to the beginning, as progress bars do.
fn overwritten(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches('\r');
    if !line.contains('\r') {
        return Cow::Borrowed(line);
    }
    let mut seen: Vec<char> = Vec::new();
    for part in line.split('\r') {
        let part: Vec<char> = part.chars().collect();
        // Escape sequences have no width, so with them the last part is what counts.
        let keeps = !part.contains(&'\u{1b}') && !seen.contains(&'\u{1b}') && part.len() < seen.len();
        match keeps {
            true => seen[..part.len()].copy_from_slice(&part),
            false => seen = part,
        }
    }
    Cow::Owned(seen.into_iter().collect())
}

/// Neighbours get different colours.
fn name_style(id: i64) -> Style {
    const COLORS: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Blue];
    COLORS[id.rem_euclid(COLORS.len() as i64) as usize].on_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(look: Look, records: &[LogRecord]) -> String {
        let mut printer = Printer { look, forms: BTreeMap::new(), unfinished: None };
        let mut out = Vec::new();
        records.iter().for_each(|record| printer.add(record, &mut out));
        String::from_utf8_lossy(&out).into_owned()
    }

    fn check(look: Look, stream: Stream, expected: &str) {
        let record = LogRecord::plain(0, "web", stream, "a\u{1b}[2Jb");
        assert_eq!(shown(look.clone(), &[record]), expected, "{look:?}");
    }

    fn named(color: bool, harmless: bool) -> Look {
        Look::Named { color, harmless, timed: false, highlight: None, pm2: false }
    }

    #[test]
    fn a_line_is_shown_with_its_name_and_stream() {
        check(named(false, false), Stream::Out, "web | a\u{1b}[2Jb\n");
        check(named(false, false), Stream::Err, "web err| a\u{1b}[2Jb\n");
        check(named(false, false), Stream::Sys, "web sys| a\u{1b}[2Jb\n");
        check(Look::Raw, Stream::Err, "a\u{1b}[2Jb\n");
        let json = "{\"id\":0,\"name\":\"web\",\"stream\":\"err\",\"text\":\"a\\u001b[2Jb\"}\n";
        check(Look::Json, Stream::Err, json);
        let pairs = "timestamp=- app=web id=0 type=err message=\"a\\u001b[2Jb\"\n";
        check(Look::Pairs, Stream::Err, pairs);
    }

    #[test]
    fn pm2s_forms_have_its_words() {
        let screen = Screen { width: None, color: false };
        let record = LogRecord {
            ts: Some("2026-06-01T12:00:00Z".into()),
            ..LogRecord::plain(3, "web", Stream::Err, "a b")
        };
        let shown = |form| {
            let mut out = Vec::new();
            Printer::new(form, screen).add(&record, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(Form::Raw), "a b\n");
        assert_eq!(shown(Form::Pm2Named), "3|web  | a b\n");
        let json: serde_json::Value = serde_json::from_str(&shown(Form::Pm2Json)).unwrap();
        let expected = serde_json::json!({"message": "a b", "timestamp": "2026-06-01T12:00:00Z", "type": "err",
            "process_id": 3, "app_name": "web"});
        assert_eq!(json, expected);
        let pairs = shown(Form::Pm2Pairs);
        let (time, rest) = pairs.split_once(" app=").unwrap();
        assert_eq!(rest, "web id=3 type=err message=a b\n");
        assert!(
            time.starts_with("timestamp=2026-06-0")
                && time.len() == "timestamp=2026-06-01-12:00:00+0000".len()
        );
    }

    #[test]
    fn on_a_terminal_a_line_cannot_act() {
        check(named(false, true), Stream::Out, "web | ab\n");
        check(named(true, true), Stream::Err, "\u{1b}[36mweb\u{1b}[0m \u{1b}[31merr\u{1b}[0m| ab\n");
    }

    #[test]
    fn raw_lines_are_the_bytes_that_were_written() {
        let piece =
            |stream, text: &str, partial| LogRecord { partial, ..LogRecord::plain(0, "web", stream, text) };
        let bytes =
            LogRecord { base64: Some("//4=".into()), ..piece(Stream::Out, "\u{FFFD}\u{FFFD}", false) };
        let mut printer = Printer { look: Look::Raw, forms: BTreeMap::new(), unfinished: None };
        let mut out = Vec::new();
        printer.add(&bytes, &mut out);
        assert_eq!(out, b"\xFF\xFE\n");
        let pieces = [
            piece(Stream::Out, "Load", true),
            piece(Stream::Out, "ing", true),
            piece(Stream::Err, "x", false),
        ];
        assert_eq!(shown(Look::Raw, &pieces), "Loading\nx\n");
        assert_eq!(shown(Look::Raw, &pieces[..2]), "Loading");
    }

    #[test]
    fn a_progress_bar_shows_where_it_is() {
        let check = |line: &str, expected: &str| assert_eq!(overwritten(line), expected, "{line:?}");
        check("plain", "plain");
        check("windows\r", "windows");
        check("10%\r20%\r100%", "100%");
        check("long text\rshort", "shorttext");
        check("10%\r\u{1b}[Kok", "\u{1b}[Kok");
    }

    #[test]
    fn a_word_stands_out_in_colour() {
        let look = Look::Named {
            color: true,
            harmless: true,
            timed: false,
            highlight: Some("disk".into()),
            pm2: false,
        };
        let text = shown(look, &[LogRecord::plain(0, "web", Stream::Out, "the disk is full")]);
        assert!(text.ends_with("the \u{1b}[7mdisk\u{1b}[0m is full\n"), "{text:?}");
    }

    #[test]
    fn an_app_with_a_date_format_has_it_before_its_lines() {
        let mut printer = Printer { look: named(false, false), forms: BTreeMap::new(), unfinished: None };
        printer.write_times(BTreeMap::from([(0, "[at] YYYY".to_owned())]));
        let mut out = Vec::new();
        for (id, name) in [(0, "web"), (1, "db")] {
            let ts = Some("2026-06-01T12:00:00.000Z".to_owned());
            printer.add(&LogRecord { ts, ..LogRecord::plain(id, name, Stream::Out, "hi") }, &mut out);
        }
        printer.add(&LogRecord::plain(0, "web", Stream::Out, "old"), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "web | at 2026: hi\ndb | hi\nweb | -: old\n");
    }
}
