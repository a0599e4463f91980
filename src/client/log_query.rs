//! Which lines of logs are asked for.

use super::routes::percent_encoded;
use crate::wire::Stream;

/// Which lines of logs. The daemon checks it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogQuery {
    /// Of all logs, those of these references.
    pub refs: Vec<String>,
    /// This many of the last lines.
    pub tail: Option<u64>,
    /// What comes behind that place.
    pub after: Option<String>,
    /// Lines that came then or later: RFC 3339, or how long ago.
    pub since: Option<String>,
    /// Lines that came then or earlier.
    pub until: Option<String>,
    /// One stream only.
    pub stream: Option<Stream>,
    /// This level and above.
    pub level: Option<String>,
    /// Lines that match.
    pub grep: Option<String>,
    /// Only these instances.
    pub instances: Vec<u32>,
    /// Only the last run that is over.
    pub previous: bool,
    /// Go on with new lines as they come; cursors cover the log of their record only.
    pub follow: bool,
    /// Merge in what happened to the processes.
    pub events: bool,
}

impl LogQuery {
    /// The last lines.
    pub fn last(lines: u64) -> LogQuery {
        LogQuery { tail: Some(lines), ..LogQuery::default() }
    }

    /// The last lines, and new ones as they come.
    pub fn follow(lines: u64) -> LogQuery {
        LogQuery { follow: true, ..LogQuery::last(lines) }
    }

    /// The same from that place on, where one is known.
    pub fn from(&self, place: Option<String>) -> LogQuery {
        match place {
            None => self.clone(),
            Some(place) => LogQuery { after: Some(place), tail: None, since: None, ..self.clone() },
        }
    }

    /// What follows the path.
    pub(super) fn text(&self) -> String {
        let word = |stream: Stream| match stream {
            Stream::Out => "out",
            Stream::Err => "err",
            Stream::Sys => "sys",
        };
        let joined = |parts: Vec<String>| (!parts.is_empty()).then(|| parts.join(","));
        let flag = |on: bool| on.then(|| "true".to_owned());
        let pairs = [
            ("refs", joined(self.refs.clone())),
            ("tail", self.tail.map(|lines| lines.to_string())),
            ("after", self.after.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("stream", self.stream.map(|stream| word(stream).to_owned())),
            ("level", self.level.clone()),
            ("grep", self.grep.clone()),
            ("instances", joined(self.instances.iter().map(u32::to_string).collect())),
            ("previous", flag(self.previous)),
            ("follow", flag(self.follow)),
            ("cursors", self.follow.then(|| "own".to_owned())),
            ("events", flag(self.events)),
        ];
        let given =
            pairs.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", percent_encoded(&value?))));
        let text = given.collect::<Vec<_>>().join("&");
        if text.is_empty() { text } else { format!("?{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_is_said() {
        let check = |query: LogQuery, text: &str| assert_eq!(query.text(), text);
        check(LogQuery::default(), "");
        check(LogQuery::last(20), "?tail=20");
        let some = LogQuery { stream: Some(Stream::Err), grep: Some("a b&c".into()), ..LogQuery::follow(2) };
        check(some.clone(), "?tail=2&stream=err&grep=a%20b%26c&follow=true&cursors=own");
        check(
            some.from(Some("AQA,AQB".into())),
            "?after=AQA%2CAQB&stream=err&grep=a%20b%26c&follow=true&cursors=own",
        );
    }
}
