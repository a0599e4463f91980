//! Charts of what was used over time: a drawing, a sentence that says the same, and a table.

use askama::Template;
use askama::filters::HtmlSafe;

use super::text;
use crate::wire::{MetricPoint, Metrics, Spread};

/// The drawing's own size; it is stretched to the room that it has.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;
/// The table has at most so many rows: neighbours are put together.
const ROWS: usize = 60;

/// CPU and memory of a process or of the host.
#[derive(Template)]
#[template(path = "charts.html")]
pub(super) struct Charts<'a> {
    /// Whose they are; empty where that is clear.
    name: &'a str,
    /// For ids in the page.
    key: String,
    drawings: Vec<Drawing>,
    /// What happened, with its place on the drawings.
    marks: Vec<Mark<'a>>,
    rows: Vec<Row>,
    /// Begin, middle and end, in UTC.
    times: [String; 3],
}

impl HtmlSafe for Charts<'_> {}

struct Drawing {
    title: &'static str,
    sentence: String,
    /// What the top of the drawing stands for.
    top: String,
    /// The area between lowest and highest values, and the line of means.
    band: String,
    line: String,
}

struct Mark<'a> {
    x: String,
    failure: bool,
    time: String,
    detail: &'a str,
}

/// A row of the table.
struct Row {
    time: String,
    cells: [String; 6],
}

impl<'a> Charts<'a> {
    /// `most_cpu`: as much as there is of it, if that is known.
    pub fn new(name: &'a str, key: String, metrics: &'a Metrics, most_cpu: Option<f64>) -> Charts<'a> {
        let span = span_ms(&metrics.range);
        let to: i64 = metrics.to.parse::<jiff::Timestamp>().map_or(0, |to| to.as_millisecond());
        let from = to - span;
        let x = |at: i64| ((at - from) as f64 / span as f64 * WIDTH).clamp(0.0, WIDTH);
        let own = || metrics.marks.iter().filter(|mark| mark.kind.starts_with("process."));
        let failures = own().filter(|mark| mark.failure).count();
        let starts = own().filter(|mark| mark.kind == "process.started").count();
        let happened = match name.is_empty() && own().next().is_none() {
            true => String::new(),
            false => format!(
                " It was started {} and failed {}.",
                text::count(starts as i64, "time", "times"),
                text::count(failures as i64, "time", "times")
            ),
        };
        let cpu = drawing(
            "CPU",
            &metrics.points,
            metrics.step_ms,
            &x,
            |p| p.cpu_percent.unwrap_or_default(),
            most_cpu.unwrap_or(1.0),
            text::cpu,
            &happened,
        );
        let bytes = |value: f64| text::bytes(value as i64);
        let memory = drawing(
            "Memory",
            &metrics.points,
            metrics.step_ms,
            &x,
            |p| p.memory_bytes.unwrap_or_default(),
            1.0,
            bytes,
            "",
        );
        let marks = metrics.marks.iter().filter(|mark| mark.failure || mark.kind.ends_with(".started"));
        Charts {
            name,
            key,
            drawings: vec![cpu, memory],
            marks: marks
                .map(|mark| Mark {
                    x: format!("{:.1}", x(mark.at_ms)),
                    failure: mark.failure,
                    time: time(mark.at_ms, true),
                    detail: &mark.detail,
                })
                .collect(),
            rows: rows(&metrics.points),
            times: [from, from + span / 2, to].map(|at| time(at, span > 86_400_000)),
        }
    }
}

/// How long a range is; the words are the API's.
fn span_ms(range: &str) -> i64 {
    const HOUR: i64 = 3_600_000;
    match range {
        "24h" => 24 * HOUR,
        "7d" => 7 * 24 * HOUR,
        "30d" => 30 * 24 * HOUR,
        _ => HOUR,
    }
}

/// `14:05`, or `01-02 14:05`.
fn time(at_ms: i64, with_day: bool) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string();
    let (from, to) = if with_day { (5, 16) } else { (11, 16) };
    stamp.get(from..to).unwrap_or_default().replace('T', " ")
}

#[expect(clippy::too_many_arguments, reason = "it is called twice, with what differs")]
fn drawing(
    title: &'static str,
    points: &[MetricPoint],
    step_ms: i64,
    x: &dyn Fn(i64) -> f64,
    of: fn(&MetricPoint) -> Spread,
    least_top: f64,
    say: impl Fn(f64) -> String,
    happened: &str,
) -> Drawing {
    let highest = points.iter().map(|point| of(point).max).fold(0.0, f64::max);
    let top = if highest <= least_top { least_top } else { highest * 1.05 };
    let y = |value: f64| HEIGHT - (value / top * HEIGHT).clamp(0.0, HEIGHT);
    let (mut band, mut line) = (String::new(), String::new());
    for stretch in stretches(points, step_ms) {
        let middle = |point: &MetricPoint| x(point.at_ms + step_ms / 2);
        let place = |point: &MetricPoint, value: f64| format!("{:.1} {:.1}", middle(point), y(value));
        let upper: Vec<String> = stretch.iter().map(|point| place(point, of(point).max)).collect();
        let lower: Vec<String> = stretch.iter().rev().map(|point| place(point, of(point).min)).collect();
        let means: Vec<String> = stretch.iter().map(|point| place(point, of(point).avg)).collect();
        band.push_str(&format!("M{}L{}Z", upper.join("L"), lower.join("L")));
        // One point alone is a dot, which only a line with an end draws.
        line.push_str(&format!("M{}{}", means.join("L"), if stretch.len() == 1 { "h.1" } else { "" }));
    }
    let all: i64 = points.iter().map(|point| point.count).sum();
    let sentence = match points {
        [] => "Nothing was measured in this time.".to_owned(),
        _ => {
            let sum: f64 = points.iter().map(|point| of(point).avg * point.count as f64).sum();
            let lowest = points.iter().map(|point| of(point).min).fold(f64::INFINITY, f64::min);
            let mean = say(sum / all.max(1) as f64);
            format!("{mean} on average, between {} and {}.{happened}", say(lowest), say(highest))
        }
    };
    Drawing { title, sentence, top: say(top), band, line }
}

/// Points that follow each other without a gap.
fn stretches(points: &[MetricPoint], step_ms: i64) -> impl Iterator<Item = &[MetricPoint]> {
    points.chunk_by(move |a, b| b.at_ms - a.at_ms <= step_ms * 2)
}

/// The table, the newest first.
fn rows(points: &[MetricPoint]) -> Vec<Row> {
    let together = points.len().div_ceil(ROWS).max(1);
    let row = |some: &[MetricPoint]| {
        let all: i64 = some.iter().map(|point| point.count).sum();
        let of = |of: fn(&MetricPoint) -> Spread, say: &dyn Fn(f64) -> String| {
            let sum: f64 = some.iter().map(|point| of(point).avg * point.count as f64).sum();
            let least = some.iter().map(|point| of(point).min).fold(f64::INFINITY, f64::min);
            let most = some.iter().map(|point| of(point).max).fold(0.0, f64::max);
            [least, sum / all.max(1) as f64, most].map(say)
        };
        let [a, b, c] = of(|point| point.cpu_percent.unwrap_or_default(), &text::cpu);
        let [d, e, f] =
            of(|point| point.memory_bytes.unwrap_or_default(), &|value| text::bytes(value as i64));
        Row { time: time(some[0].at_ms, true), cells: [a, b, c, d, e, f] }
    };
    points.chunks(together).rev().map(row).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::MetricMark;

    /// What was measured at these minutes of an hour.
    pub fn metrics(minutes: &[i64]) -> Metrics {
        let to = "2026-01-02T04:00:00.000Z";
        let end = to.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let spread = |avg: f64| Spread { min: avg / 2.0, avg, max: avg * 2.0 };
        let point = |minute: &i64| MetricPoint {
            at_ms: end - 3_600_000 + minute * 60_000,
            count: 4,
            cpu_percent: Some(spread(10.0)),
            memory_bytes: Some(spread(f64::from(20 << 20))),
        };
        Metrics {
            range: "1h".to_owned(),
            from: "2026-01-02T03:00:00.000Z".to_owned(),
            to: to.to_owned(),
            step_ms: 60_000,
            points: minutes.iter().map(point).collect(),
            marks: vec![MetricMark {
                at_ms: end - 1_800_000,
                kind: "process.exited".to_owned(),
                detail: "web <exited> with code 7".to_owned(),
                failure: true,
            }],
        }
    }

    fn html(metrics: &Metrics) -> String {
        Charts::new("web", "p3".to_owned(), metrics, None).render().unwrap()
    }

    #[test]
    fn a_time_without_pmdaemon_is_marked_and_is_no_failure_of_the_process() {
        let mut metrics = metrics(&[0, 1, 2]);
        metrics.marks[0].kind = "daemon.recovered".to_owned();
        metrics.marks[0].detail = "pmdaemon is there again".to_owned();
        let told = html(&metrics);
        assert!(told.contains("pmdaemon is there again"), "{told}");
        assert!(told.contains("started 0 times and failed 0 times"), "{told}");
        let of_host = Charts::new("", "h".to_owned(), &metrics, None).render().unwrap();
        assert!(!of_host.contains("It was started"), "{of_host}");
    }

    #[test]
    fn the_chart_is_told_in_a_sentence_and_in_a_table() {
        let html = html(&metrics(&[0, 1, 2]));
        for part in [
            "10.0% on average, between 5.0% and 20.0%. It was started 0 times and failed 1 time.",
            "20.0 MiB on average, between 10.0 MiB and 40.0 MiB.",
            ">01-02 03:02<",
            ">03:00<",
            ">04:00<",
            "web &#60;exited&#62; with code 7",
            "x1=\"300.0\"",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }

    #[test]
    fn a_gap_in_time_is_a_gap_in_the_line() {
        let first = |minutes: &[i64]| {
            let html = html(&metrics(minutes));
            let path = html.split("class=\"line\" d=\"").nth(1).unwrap();
            path.split('"').next().unwrap().matches('M').count()
        };
        assert_eq!((first(&[0, 1, 2]), first(&[0, 1, 10, 11])), (1, 2));
    }

    #[test]
    fn nothing_measured_is_said_in_words() {
        assert!(html(&metrics(&[])).contains("Nothing was measured in this time."));
    }

    #[test]
    fn the_table_stays_short() {
        let many: Vec<i64> = (0..360).collect();
        assert!(rows(&metrics(&many).points).len() <= ROWS);
    }
}
