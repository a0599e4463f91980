//! `/events`: what has happened, to everybody.

use askama::Template;
use askama::filters::HtmlSafe;

use super::event::{EventView, lines};
use super::frame::{Frame, Here, Reader};
use super::render;
use crate::wire::Event;

/// What the page shows.
pub struct EventsPage<'a> {
    /// Oldest first.
    pub events: &'a [Event],
    /// What was searched for.
    pub q: &'a str,
    /// The newest so many were asked for.
    pub limit: usize,
    /// The most that can be.
    pub most: usize,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn events_page(page: &EventsPage<'_>) -> String {
    let with = |limit: usize| {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("q", page.q)
            .append_pair("limit", &limit.to_string())
            .finish()
    };
    let more = page.limit < page.most && (page.events.len() >= page.limit || !page.q.is_empty());
    render(&View {
        frame: Frame::new(page.reader, Here::Events),
        q: page.q,
        fragment: format!("/fragments/events?{}", with(page.limit)),
        more: more.then(|| format!("/events?{}", with((page.limit * 4).min(page.most)))),
        list: EventList { events: lines(page.events), named: true, filtered: !page.q.is_empty() },
    })
}

/// The list alone.
pub fn events_fragment(events: &[Event], filtered: bool) -> String {
    render(&EventList { events: lines(events), named: true, filtered })
}

#[derive(Template)]
#[template(path = "events.html")]
struct View<'a> {
    frame: Frame<'a>,
    q: &'a str,
    fragment: String,
    more: Option<String>,
    list: EventList<'a>,
}

/// Lines of events.
#[derive(Template)]
#[template(path = "events_list.html")]
pub(super) struct EventList<'a> {
    pub events: Vec<EventView<'a>>,
    /// Each says whose it is.
    pub named: bool,
    /// Only what fits a filter.
    pub filtered: bool,
}

impl HtmlSafe for EventList<'_> {}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::super::row::tests::reader;
    use super::*;
    use crate::wire::Role;

    #[test]
    fn foreign_text_is_escaped_and_a_search_is_kept() {
        let evil = r#"<img src=x onerror=alert(1)><b hx-post="/x" hx-trigger="load">"#;
        let mut events = [event(1, "2026-01-02T03:04:05.678Z", "process.started", evil)];
        events[0].name = evil.to_owned();
        let page = EventsPage {
            events: &events,
            q: r#"a"&<b>"#,
            limit: 100,
            most: 1000,
            reader: &reader(Role::Viewer),
        };
        let html = events_page(&page);
        assert!(!html.contains("<img") && !html.contains("<b hx-post"), "{html}");
        assert!(html.contains(r#"value="a&#34;&#38;&#60;b&#62;""#), "{html}");
        assert!(html.contains("/fragments/events?q=a%22%26%3Cb%3E&#38;limit=100"), "{html}");
    }

    #[test]
    fn nothing_is_said_in_words() {
        assert!(events_fragment(&[], false).contains("Nothing has happened."));
        assert!(events_fragment(&[], true).contains("Nothing has happened that fits."));
    }
}
