//! What a reader of logs asks for.

use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::form::Form;
use crate::api::ApiError;
use crate::daemon::clock;
use crate::logs::{Cursor, Filter, Grep, Level, Start};
use crate::wire;

/// The most lines of one answer.
const MAX_LINES: i64 = 100_000;
/// The last so many lines, where nobody says where to begin.
const LINES: usize = 20;

/// Which lines.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The last so many lines, of those that are wanted. Default 20, unless another parameter says where
    /// to begin or `grep` looks through everything.
    #[param(nullable = false, minimum = 0, maximum = 100_000)]
    tail: Option<i64>,
    /// What comes behind that place: the `c` of a record, or several with commas between them.
    #[param(nullable = false)]
    after: Option<String>,
    /// The last lines before that place: the `c` of a record.
    #[param(nullable = false)]
    before: Option<String>,
    /// Lines that came then or later: RFC 3339, or how long ago (`10m`).
    #[param(nullable = false, example = "10m")]
    since: Option<String>,
    /// Lines that came then or earlier: RFC 3339, or how long ago (`10m`).
    #[param(nullable = false)]
    until: Option<String>,
    /// Only one stream: `out` or `err`.
    #[param(nullable = false, inline)]
    stream: Option<wire::Stream>,
    /// Lines that say that they are of this level or above: `trace`, `debug`, `info`, `warn`, `error`,
    /// `fatal`.
    #[param(nullable = false, example = "warn")]
    level: Option<String>,
    /// Lines that match this regular expression (syntax of the Rust crate `regex`), without their
    /// escape sequences. At most 512 characters.
    #[param(nullable = false)]
    grep: Option<String>,
    /// Only these instances of an app: numbers with commas between them.
    #[param(nullable = false, example = "0,2")]
    instances: Option<String>,
    /// Only the run before the present one: the last one that is over. Default false.
    #[param(nullable = false)]
    previous: Option<bool>,
    /// Go on with new lines as they come, until the processes are deleted. Default false.
    #[param(nullable = false)]
    follow: Option<bool>,
    /// At most so many lines, then it ends.
    #[param(nullable = false, minimum = 1, maximum = 100_000)]
    limit: Option<i64>,
    /// What the `c` of a record covers: `full`, all logs of the stream (default), or `own`, that of the
    /// record. Who follows very many processes takes `own` and gives the newest of each back.
    #[param(nullable = false, inline)]
    cursors: Option<Cursors>,
    /// Escape sequences in the text: `keep` (default), or `runs`, the text without them and how its
    /// parts look.
    #[param(nullable = false, inline)]
    ansi: Option<Ansi>,
    /// Merge in what happened to the processes, as lines of the stream `sys`. Default false.
    #[param(nullable = false)]
    events: Option<bool>,
    /// As a file, of plain text. Default false.
    #[param(nullable = false)]
    download: Option<bool>,
    /// For all logs: only those of these references, with commas between them.
    #[param(nullable = false, example = "web,worker-0")]
    pub(super) refs: Option<String>,
}

/// What a cursor covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cursors {
    /// All logs.
    Full,
    /// That of its record.
    Own,
}

/// What becomes of escape sequences.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ansi {
    /// They stay in the text.
    Keep,
    /// They become `runs`.
    Runs,
}

/// What is asked for, checked.
#[derive(Debug)]
pub struct Wanted {
    pub start: Start,
    pub filter: Filter,
    /// In microseconds since 1970.
    pub since: Option<u64>,
    pub until: Option<u64>,
    pub stream: Option<wire::Stream>,
    pub instances: Option<Vec<u32>>,
    pub previous: bool,
    pub follow: bool,
    pub limit: u64,
    pub events: bool,
    pub download: bool,
    pub form: Form,
}

impl Which {
    /// The last lines, and nothing else.
    pub fn last(lines: i64, stream: Option<wire::Stream>) -> Which {
        Which { tail: Some(lines), stream, ..Which::default() }
    }

    /// What comes behind that cursor, or the last lines and what comes then; without end.
    pub fn follow(after: Option<String>) -> Which {
        Which { after, follow: Some(true), ansi: Some(Ansi::Runs), ..Which::default() }
    }

    /// The last lines that a page shows, as its address says.
    ///
    /// # Errors
    /// 400 for a stream that there is not.
    pub fn page(lines: i64, asked: impl Fn(&str) -> Option<String>) -> Result<Which, ApiError> {
        let stream = match asked("stream").as_deref() {
            None => None,
            Some("out") => Some(wire::Stream::Out),
            Some("err") => Some(wire::Stream::Err),
            Some(other) => return Err(refused(format!("stream is {other:?}: use out or err"))),
        };
        Ok(Which {
            tail: Some(lines),
            before: asked("before"),
            since: asked("since"),
            until: asked("until"),
            grep: asked("q"),
            level: asked("level"),
            previous: Some(asked("previous").as_deref() == Some("true")),
            ansi: Some(Ansi::Runs),
            stream,
            ..Which::default()
        })
    }

    /// Checks it. A browser that resumes an event stream says where by a header.
    pub fn wanted(self, headers: &HeaderMap) -> Result<Wanted, ApiError> {
        let download = self.download.unwrap_or(false);
        let own = self.cursors == Some(Cursors::Own);
        let mut form = Form::wanted(headers, download, own, self.ansi == Some(Ansi::Runs));
        let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let after = resumed.filter(|id| form.is_events() && !id.is_empty()).or(self.after.clone());
        let follow = self.follow.unwrap_or(false);
        let tail = self.tail.map(|lines| within("tail", lines, 0)).transpose()?;
        let limit = self.limit.map(|lines| within("limit", lines, 1)).transpose()?;
        let previous = self.previous.unwrap_or(false);
        if follow {
            for (name, given) in [
                ("until", self.until.is_some()),
                ("before", self.before.is_some()),
                ("previous", previous),
                ("download", download),
            ] {
                if given {
                    return Err(ApiError::conflicting(format!(
                        "follow has no end and {name} has one: give one of the two"
                    )));
                }
            }
        }
        let start = match (after, &self.before, tail) {
            (Some(_), Some(_), _) => return Err(ApiError::conflicting("give after or before, not both")),
            (Some(after), None, _) => Start::After(cursor("after", &after)?),
            (None, Some(before), tail) => {
                Start::Before(cursor("before", before)?, tail.or(limit).unwrap_or(100))
            }
            (None, None, Some(tail)) => Start::Tail(tail),
            (None, None, None) if self.looks_through() => Start::Beginning,
            (None, None, None) => Start::Tail(LINES),
        };
        let level = self.level.as_deref().map(level).transpose()?;
        let grep = self.grep.as_deref().map(Grep::new).transpose();
        let pattern = |e| ApiError::new(StatusCode::BAD_REQUEST, "invalid_pattern", format!("grep: {e}"));
        let grep = grep.map_err(pattern)?;
        form.marked = grep.clone();
        if self.stream == Some(wire::Stream::Sys) {
            return Err(refused(
                "stream is sys: out and err are written by processes, for the others use events=true",
            ));
        }
        Ok(Wanted {
            start,
            filter: Filter { level, grep },
            since: self.since.as_deref().map(|text| time("since", text)).transpose()?,
            until: self.until.as_deref().map(|text| time("until", text)).transpose()?,
            stream: self.stream,
            instances: self.instances.as_deref().map(instances).transpose()?,
            previous,
            follow,
            limit: limit.map_or(u64::MAX, |limit| limit as u64),
            events: self.events.unwrap_or(false),
            download,
            form,
        })
    }

    /// It says which lines, but not how many.
    fn looks_through(&self) -> bool {
        self.since.is_some()
            || self.until.is_some()
            || self.grep.is_some()
            || self.previous == Some(true)
            || self.download == Some(true)
    }
}

fn refused(detail: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
}

fn within(name: &str, value: i64, least: i64) -> Result<usize, ApiError> {
    match (least..=MAX_LINES).contains(&value) {
        true => Ok(value as usize),
        false => Err(refused(format!("{name} is {value}: {least} to {MAX_LINES} is allowed"))),
    }
}

fn cursor(name: &str, words: &str) -> Result<Cursor, ApiError> {
    Cursor::decode(words)
        .map_err(|e| ApiError::new(StatusCode::BAD_REQUEST, "invalid_cursor", format!("{name}: {e}")))
}

fn level(word: &str) -> Result<Level, ApiError> {
    Level::of_word(word).ok_or_else(|| {
        let all = Level::ALL.map(Level::as_str).join(", ");
        refused(format!("level is {word:?}: use one of {all}"))
    })
}

fn instances(text: &str) -> Result<Vec<u32>, ApiError> {
    let number = |part: &str| part.trim().parse().ok();
    text.split(',').map(number).collect::<Option<_>>().ok_or_else(|| {
        refused(format!("instances is {text:?}: use numbers with commas between them, for example 0,2"))
    })
}

/// A time in microseconds since 1970: a point, or a span before now.
pub fn time(name: &str, text: &str) -> Result<u64, ApiError> {
    if let Ok(point) = text.parse::<jiff::Timestamp>() {
        return Ok(u64::try_from(point.as_microsecond()).unwrap_or(0));
    }
    let span = wire::span::parse(text, None).map_err(|_| {
        let detail = format!(
            "{name} is {text:?}: use a time like 2026-01-31T12:00:00Z or how long ago, like 30s, 10m or 2h"
        );
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_time", detail)
    })?;
    Ok((clock::unix_ms() * 1000).saturating_sub(span.as_micros() as u64))
}

/// References with commas between them. A pattern may have commas in it.
pub fn references(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.strip_prefix('/').and_then(|pattern| pattern.find("/,").map(|at| at + 2)) {
            Some(end) => end,
            None if rest.starts_with('/') && rest.ends_with('/') => rest.len(),
            None => rest.find(',').unwrap_or(rest.len()),
        };
        found.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_at_commas_outside_patterns() {
        let check = |text: &str, expected: &[&str]| assert_eq!(references(text), expected, "{text}");
        check("web", &["web"]);
        check("web,api,id:3", &["web", "api", "id:3"]);
        check("/^a{1,2}/,web", &["/^a{1,2}/", "web"]);
        check("web,/^a{1,2}/", &["web", "/^a{1,2}/"]);
        check("/srv/app.js,web", &["/srv/app.js", "web"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        let check = |which: Which, words: &str| {
            let error = which.wanted(&HeaderMap::new()).unwrap_err();
            assert_eq!(error.status, 400);
            assert!(error.detail.contains(words), "{}", error.detail);
        };
        let some = |text: &str| Some(text.to_owned());
        check(Which { tail: Some(-1), ..Which::default() }, "0 to 100000 is allowed");
        check(Which { limit: Some(0), ..Which::default() }, "1 to 100000 is allowed");
        check(Which { after: some("x"), ..Which::default() }, "not a cursor");
        check(Which { after: some("AQA"), before: some("AQA"), ..Which::default() }, "not both");
        check(Which { since: some("yesterday"), ..Which::default() }, "10m");
        check(Which { level: some("loud"), ..Which::default() }, "trace, debug, info, warn, error, fatal");
        check(
            Which { grep: some("a("), ..Which::default() },
            "grep: it is no pattern: unclosed group, at character 2",
        );
        check(Which { instances: some("0,x"), ..Which::default() }, "for example 0,2");
        check(Which { follow: Some(true), until: some("1m"), ..Which::default() }, "follow has no end");
    }

    #[test]
    fn where_it_begins_follows_from_what_is_asked() {
        let check = |which: Which, start: Start| {
            assert_eq!(which.wanted(&HeaderMap::new()).unwrap().start, start);
        };
        let some = |text: &str| Some(text.to_owned());
        check(Which::default(), Start::Tail(20));
        check(Which { since: some("10m"), ..Which::default() }, Start::Beginning);
        check(Which { grep: some("x"), ..Which::default() }, Start::Beginning);
        check(Which { grep: some("x"), tail: Some(3), ..Which::default() }, Start::Tail(3));
        check(Which { after: some("AQA"), ..Which::default() }, Start::After(Cursor::default()));
        check(
            Which { before: some("AQA"), limit: Some(7), ..Which::default() },
            Start::Before(Cursor::default(), 7),
        );
    }
}
