//! Which time the history of CPU and memory is asked for, and in which steps.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::logs::time;
use crate::sample::history::{Bucket, Range};
use crate::wire;

/// Which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Up to now, so far back: `1h` (default), `24h`, `7d` or `30d`.
    #[param(nullable = false, example = "24h")]
    range: Option<String>,
    /// The beginning, in place of `range`: a time, or how long ago. Without it an hour before `to`.
    #[param(nullable = false, example = "2h")]
    from: Option<String>,
    /// The end, in place of `range`: a time, or how long ago. Without it: now.
    #[param(nullable = false, example = "30m")]
    to: Option<String>,
    /// At least how much time one point stands for. It is rounded up to what is measured: a multiple of
    /// 15 s in the last hour, of 5 min in the last day, of 30 min in the last week and of 2 h before. So
    /// there are never more than 360 points.
    #[param(nullable = false, example = "5m")]
    step: Option<String>,
}

/// The time that is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Of what the measurements are taken.
    pub range: Range,
    /// Its begin, in milliseconds since 1970.
    pub from_ms: u64,
    /// Its end.
    pub to_ms: u64,
    /// How much time a point stands for: a multiple of what a bucket does.
    pub step_ms: u64,
}

impl Span {
    /// A whole range up to now.
    pub fn of(range: Range, now_ms: u64) -> Span {
        let from_ms = now_ms.saturating_sub(range.span_ms());
        Span { range, from_ms, to_ms: now_ms, step_ms: range.step_ms() }
    }

    /// Its points, from buckets by their begin.
    pub fn points(self, buckets: Vec<(u64, Bucket)>) -> Vec<(u64, Bucket)> {
        let mut points: Vec<(u64, Bucket)> = Vec::new();
        for (begin, bucket) in buckets {
            let at = begin - begin % self.step_ms;
            match points.last_mut() {
                Some((last, point)) if *last == at => *point = point.and(bucket),
                Some(_) | None => points.push((at, bucket)),
            }
        }
        points
    }
}

impl Which {
    /// What that means now.
    ///
    /// # Errors
    /// 400 for what is no time, no span or no range.
    pub fn span(&self, now_ms: u64) -> Result<Span, ApiError> {
        let span = match (&self.range, &self.from, &self.to) {
            (None, None, None) => Span::of(Range::Hour, now_ms),
            (Some(word), None, None) => Span::of(range(word)?, now_ms),
            (None, from, to) => between(from.as_deref(), to.as_deref(), now_ms)?,
            (Some(_), ..) => {
                let detail = "range says both where to begin and where to end: leave it out, or from and to";
                return Err(ApiError::conflicting(detail.to_owned()));
            }
        };
        let Some(text) = &self.step else { return Ok(span) };
        let step = wire::span::parse(text, None).map_err(|_| {
            let detail = format!("step is {text:?}: use a span like 15s, 5m or 2h");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_time", detail)
        })?;
        let step_ms = (step.as_millis() as u64).max(1).next_multiple_of(span.step_ms);
        Ok(Span { step_ms, ..span })
    }
}

fn range(word: &str) -> Result<Range, ApiError> {
    Range::of_word(word).ok_or_else(|| {
        let all = Range::ALL.map(Range::as_str).join(", ");
        let detail = format!("range is {word:?}: use one of {all}");
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
    })
}

/// Of the finest measurements that reach back so far.
fn between(from: Option<&str>, to: Option<&str>, now_ms: u64) -> Result<Span, ApiError> {
    let us = |name, text: Option<&str>| text.map(|text| time(name, text)).transpose();
    let to_ms = us("to", to)?.map_or(now_ms, |us| us / 1000).min(now_ms);
    let from_ms =
        us("from", from)?.map(|us| us / 1000).unwrap_or(to_ms.saturating_sub(Range::Hour.span_ms()));
    if from_ms >= to_ms {
        let detail = "from is not before to, or not before now: nothing lies between them";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_time", detail));
    }
    let back = Duration::from_millis(now_ms - from_ms);
    let reaches = |range: &Range| Duration::from_millis(range.span_ms()) >= back;
    let range = Range::ALL.into_iter().find(reaches).unwrap_or(Range::Month);
    // Nothing is older.
    let from_ms = from_ms.max(now_ms.saturating_sub(range.span_ms()));
    match from_ms < to_ms {
        true => Ok(Span { range, from_ms, to_ms, step_ms: range.step_ms() }),
        false => {
            let detail = "to is more than 30 days ago: nothing is kept for so long";
            Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_time", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::clock;
    use crate::sample::history::Spread;

    const SECOND: u64 = 1000;
    const HOUR: u64 = 3600 * SECOND;

    fn which(range: &str, from: &str, to: &str, step: &str) -> Which {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Which { range: some(range), from: some(from), to: some(to), step: some(step) }
    }

    #[test]
    fn the_finest_measurements_that_reach_back_are_taken_and_never_more_than_360_points() {
        let check = |wanted: Which, range: Range, back: u64, step: u64| {
            let now = clock::unix_ms();
            let span = wanted.span(now).unwrap();
            assert_eq!((span.range, span.step_ms), (range, step), "{wanted:?}");
            assert!((now - span.from_ms).abs_diff(back) < 10 * SECOND, "{wanted:?}: {span:?}");
            assert!((span.to_ms - span.from_ms) / span.step_ms <= 360, "{wanted:?}: {span:?}");
        };
        check(which("", "", "", ""), Range::Hour, HOUR, 15 * SECOND);
        check(which("7d", "", "", ""), Range::Week, 168 * HOUR, HOUR / 2);
        check(which("", "20m", "", ""), Range::Hour, HOUR / 3, 15 * SECOND);
        check(which("", "2h", "1h", ""), Range::Day, 2 * HOUR, 300 * SECOND);
        check(which("", "2h", "1h", "1s"), Range::Day, 2 * HOUR, 300 * SECOND);
        check(which("", "2h", "", "7m"), Range::Day, 2 * HOUR, 600 * SECOND);
        check(which("24h", "", "", "1h"), Range::Day, 24 * HOUR, HOUR);
        check(which("", "", "3h", ""), Range::Day, 4 * HOUR, 300 * SECOND);
        check(which("", "90d", "1d", ""), Range::Month, 720 * HOUR, 2 * HOUR);
        // What lies ahead is not measured yet.
        check(which("", "1m", "9000-01-01T00:00:00Z", ""), Range::Hour, HOUR / 60, 15 * SECOND);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        let check = |wanted: Which, words: &str| {
            let refused = wanted.span(clock::unix_ms()).unwrap_err();
            assert_eq!(refused.status, 400, "{wanted:?}");
            assert!(refused.detail.contains(words), "{wanted:?}: {}", refused.detail);
        };
        check(which("2h", "", "", ""), "1h, 24h, 7d, 30d");
        check(which("1h", "1h", "", ""), "leave it out");
        check(which("", "1h", "2h", ""), "nothing lies between them");
        check(which("", "9000-01-01T00:00:00Z", "", ""), "nothing lies between them");
        check(which("", "90d", "60d", ""), "30 days");
        check(which("", "yesterday", "", ""), "10m");
        check(which("", "", "", "often"), "step is \"often\"");
    }

    #[test]
    fn a_point_is_all_that_was_measured_in_its_step() {
        let bucket = |value: f64| {
            let spread = Spread { min: value, sum: value, max: value };
            Bucket { count: 1, cpu: spread, memory: spread }
        };
        let span = Span { step_ms: 30 * SECOND, ..Span::of(Range::Hour, HOUR) };
        let at = [0, 15, 45, 90].map(|second| second * SECOND);
        let points = span.points(at.iter().map(|at| (*at, bucket(*at as f64))).collect());
        let told: Vec<_> = points.iter().map(|(at, it)| (at / SECOND, it.count, it.cpu.max as u64)).collect();
        assert_eq!(told, [(0, 2, 15_000), (30, 1, 45_000), (90, 1, 90_000)]);
    }
}
