//! `/logs` and `/apps/{ref}/logs`: what was written, by one app or by all.

use askama::Template;

use super::app::Head;
use super::frame::{Frame, Here, Reader};
use super::log_line::Line;
use super::render;
use crate::wire::{App, LogRecord};

/// What the page shows.
pub struct LogsPage<'a> {
    /// The app, if the page is about one.
    pub app: Option<&'a App>,
    /// Whose lines: a process or the app. Empty for all.
    pub reference: &'a str,
    /// What can be chosen instead: references and names.
    pub choices: &'a [(String, String)],
    /// The lines, oldest first.
    pub lines: &'a [LogRecord],
    /// Where they end: what is written later comes behind that.
    pub end: &'a str,
    /// What was asked for.
    pub asked: &'a LogsAsked,
    /// At most so many lines were asked for.
    pub limit: usize,
    /// The reader.
    pub reader: &'a Reader,
}

/// The parameters of the page; empty is not given.
#[derive(Clone, Default, Debug)]
pub struct LogsAsked {
    /// A regular expression.
    pub q: String,
    /// The least level.
    pub level: String,
    /// `out` or `err`.
    pub stream: String,
    /// `true`: the run before the present one.
    pub previous: String,
    /// Lines before that place.
    pub before: String,
    /// Lines that came then or later.
    pub since: String,
    /// Lines that came then or earlier.
    pub until: String,
}

impl LogsAsked {
    /// The filters as a query, with the API's names, and these besides.
    fn query(&self, q: &str, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let own = [
            (q, &self.q),
            ("level", &self.level),
            ("stream", &self.stream),
            ("previous", &self.previous),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let own = own.into_iter().map(|(name, value)| (name, value.as_str()));
        query.extend_pairs(own.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()));
        query.finish()
    }

    fn is_filtered(&self) -> bool {
        [&self.q, &self.level, &self.stream].iter().any(|value| !value.is_empty())
    }

    /// What has an end: nothing follows.
    fn is_past(&self) -> bool {
        self.previous == "true" || !self.until.is_empty() || !self.before.is_empty()
    }
}

/// The page.
pub fn logs_page(page: &LogsPage<'_>) -> String {
    let asked = page.asked;
    let (own, api) = match page.reference {
        "" => ("/logs".to_owned(), "/api/v1/logs".to_owned()),
        reference => (format!("/apps/{reference}/logs"), format!("/api/v1/apps/{reference}/logs")),
    };
    let first = page.lines.first().and_then(|line| line.c.as_deref()).unwrap_or_default();
    let full = page.lines.len() >= page.limit;
    let with = |more: &[(&str, &str)]| asked.query("q", more);
    render(&View {
        frame: Frame::new(page.reader, if page.app.is_some() { Here::Processes } else { Here::Logs }),
        head: page.app.map(|app| Head::new(app, page.reader, "logs")),
        reference: page.reference,
        choices: page.choices,
        several: page.app.is_none_or(|app| app.processes.len() > 1),
        lines: page.lines.iter().map(Line::new).collect(),
        older: (full && !first.is_empty()).then(|| format!("{own}?{}", with(&[("before", first)]))),
        latest: own.clone(),
        download: format!("{api}?{}", asked.query("grep", &[("download", "true")])),
        source: format!("{api}?{}", asked.query("grep", &[("ansi", "runs")])),
        begin: if full { first } else { "" },
        end: if asked.is_past() { "" } else { page.end },
        own,
        asked,
    })
}

#[derive(Template)]
#[template(path = "logs.html")]
struct View<'a> {
    frame: Frame<'a>,
    head: Option<Head<'a>>,
    reference: &'a str,
    choices: &'a [(String, String)],
    /// Lines may be of more than one process: each says whose it is.
    several: bool,
    lines: Vec<Line<'a>>,
    own: String,
    older: Option<String>,
    latest: String,
    download: String,
    /// Where script reads more lines, which begin before and end after.
    source: String,
    begin: &'a str,
    end: &'a str,
    asked: &'a LogsAsked,
}

impl View<'_> {
    fn levels(&self) -> [(&'static str, &'static str); 5] {
        [
            ("", "All levels"),
            ("debug", "Debug and above"),
            ("info", "Info and above"),
            ("warn", "Warnings and above"),
            ("error", "Errors"),
        ]
    }

    fn streams(&self) -> [(&'static str, &'static str); 3] {
        [("", "Both streams"), ("out", "Output"), ("err", "Error output")]
    }

    fn is(&self, given: &str, word: &str) -> bool {
        given == word
    }
}

#[cfg(test)]
mod tests {
    use super::super::app::tests::app;
    use super::super::row::tests::{process, reader};
    use super::*;
    use crate::wire::{Role, Stream};

    fn record(id: i64, stream: Stream, text: &str) -> LogRecord {
        let ts = Some("2026-01-02T03:04:05.678Z".to_owned());
        LogRecord {
            ts,
            c: Some(format!("c{id}")),
            ..LogRecord::plain(id, &format!("web-{id}"), stream, text)
        }
    }

    fn page(lines: &[LogRecord], processes: usize, asked: &LogsAsked) -> String {
        let one = app((0..processes).map(|id| process(id as i64, &format!("web-{id}"), "online")).collect());
        logs_page(&LogsPage {
            app: Some(&one),
            reference: "default:web",
            choices: &[],
            lines,
            end: "the-end",
            asked,
            limit: 2,
            reader: &reader(Role::Viewer),
        })
    }

    #[test]
    fn lines_are_text_with_time_and_stream_whatever_they_contain() {
        let evil = r#"<script>x</script><b hx-get="/x">"#;
        let html = page(&[record(0, Stream::Err, evil)], 1, &LogsAsked::default());
        assert!(html.contains(">03:04:05.678</time>"), "{html}");
        assert!(html.contains(r#"class="l e""#) && html.contains("<i>err</i>"), "{html}");
        assert!(html.contains("&#60;script&#62;x&#60;/script&#62;") && !html.contains("<b hx-get"), "{html}");
    }

    #[test]
    fn lines_say_whose_they_are_only_when_that_is_a_question() {
        let lines = [record(0, Stream::Out, "a")];
        assert!(!page(&lines, 1, &LogsAsked::default()).contains("<b>web-0</b>"));
        assert!(page(&lines, 2, &LogsAsked::default()).contains("<b>web-0</b>"));
    }

    #[test]
    fn filters_go_along_to_older_lines_and_into_the_download() {
        let asked = LogsAsked { q: "a&b".to_owned(), level: "warn".to_owned(), ..LogsAsked::default() };
        let lines = [record(0, Stream::Out, "a"), record(1, Stream::Out, "b")];
        let html = page(&lines, 2, &asked);
        assert!(html.contains("/apps/default:web/logs?q=a%26b&#38;level=warn&#38;before=c0"), "{html}");
        assert!(
            html.contains("/api/v1/apps/default:web/logs?grep=a%26b&#38;level=warn&#38;download=true"),
            "{html}"
        );
        assert!(!page(&lines[..1], 2, &asked).contains("before=c0"), "there is nothing older");
    }

    #[test]
    fn what_is_past_is_not_followed() {
        let past = LogsAsked { previous: "true".to_owned(), ..LogsAsked::default() };
        assert!(page(&[], 1, &LogsAsked::default()).contains(r#"data-end="the-end""#));
        assert!(!page(&[], 1, &past).contains("the-end"));
    }

    #[test]
    fn no_lines_are_said_in_words() {
        let filtered = LogsAsked { q: "x".to_owned(), ..LogsAsked::default() };
        assert!(page(&[], 1, &LogsAsked::default()).contains("Nothing was written yet."));
        assert!(page(&[], 1, &filtered).contains("No line fits."));
    }
}
