//! `/operations` and `/operations/{id}`: what takes time, and how far it is.

use askama::Template;
use askama::filters::HtmlSafe;

use super::event::moment;
use super::frame::{Frame, Here, Reader};
use super::{render, text};
use crate::wire::{Operation, OperationItem, Whoami};

/// What the page of all shows.
pub struct OperationsPage<'a> {
    /// The newest first, with their items.
    pub operations: &'a [Operation],
    /// Only those of this state were asked for; empty: all.
    pub state: &'a str,
    /// Where the older ones begin, if there are any.
    pub older: Option<&'a str>,
    /// These follow newer ones.
    pub cursor: &'a str,
    /// Now: milliseconds of Unix time.
    pub now_ms: i64,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page of all.
pub fn operations_page(page: &OperationsPage<'_>) -> String {
    let address = |path: &str, cursor: &str| {
        let pairs = [("state", page.state), ("cursor", cursor)];
        let said = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    };
    render(&View {
        frame: Frame::new(page.reader, Here::Operations),
        states: STATES.map(|(word, label)| link(word, label, page.state)).into(),
        fragment: address("/fragments/operations", page.cursor),
        older: page.older.map(|older| address("/operations", older)),
        list: OperationList::new(page.operations, page.state, page.now_ms),
    })
}

/// The list alone.
pub fn operations_fragment(operations: &[Operation], state: &str, now_ms: i64) -> String {
    render(&OperationList::new(operations, state, now_ms))
}

#[derive(Template)]
#[template(path = "operations.html")]
struct View<'a> {
    frame: Frame<'a>,
    states: Vec<StateLink>,
    fragment: String,
    older: Option<String>,
    list: OperationList<'a>,
}

/// A state that can be looked for.
struct StateLink {
    href: String,
    label: &'static str,
    here: bool,
}

fn link(word: &str, label: &'static str, state: &str) -> StateLink {
    let href = if word.is_empty() { "/operations".to_owned() } else { format!("/operations?state={word}") };
    StateLink { href, label, here: word == state }
}

/// What can be looked for: the word of the state, and how the page says it.
const STATES: [(&str, &str); 6] = [
    ("", "All"),
    ("running", "Running"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("interrupted", "Interrupted"),
];

#[derive(Template)]
#[template(path = "operations_list.html")]
struct OperationList<'a> {
    operations: Vec<OperationView<'a>>,
    /// Only some were asked for.
    filtered: bool,
}

impl HtmlSafe for OperationList<'_> {}

impl<'a> OperationList<'a> {
    fn new(operations: &'a [Operation], state: &str, now_ms: i64) -> OperationList<'a> {
        let operations = operations.iter().map(|one| OperationView::new(one, now_ms)).collect();
        OperationList { operations, filtered: !state.is_empty() }
    }
}

/// The page of one.
pub fn operation_page(operation: &Operation, now_ms: i64, reader: &Reader) -> String {
    let frame = Frame::new(reader, Here::Operations);
    render(&OnePage { now: OneNow::new(operation, now_ms, frame.may_operate()), frame })
}

/// What changes on the page of one.
pub fn operation_fragment(operation: &Operation, now_ms: i64, who: &Whoami) -> String {
    render(&OneNow::new(operation, now_ms, Frame::of(Some(who)).may_operate()))
}

#[derive(Template)]
#[template(path = "operation.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    now: OneNow<'a>,
}

#[derive(Template)]
#[template(path = "operation_now.html")]
struct OneNow<'a> {
    told: OperationView<'a>,
    items: Vec<ItemView<'a>>,
    /// Something has not begun, and the reader may have it left undone.
    may_cancel: bool,
}

impl HtmlSafe for OneNow<'_> {}

impl<'a> OneNow<'a> {
    fn new(operation: &'a Operation, now_ms: i64, may_operate: bool) -> OneNow<'a> {
        let waits = operation.items.iter().any(|item| item.state == "waiting" || item.action == "reload");
        OneNow {
            told: OperationView::new(operation, now_ms),
            items: operation.items.iter().map(ItemView::new).collect(),
            may_cancel: may_operate && operation.ended_at.is_none() && waits,
        }
    }
}

/// An operation in words.
struct OperationView<'a> {
    one: &'a Operation,
    /// `Restart of 5 processes`
    title: String,
    look: &'static str,
    /// So many are over, however that went.
    over: i64,
    /// `3 of 5 done, 1 failed`
    progress: String,
    /// The first few of them.
    names: String,
    /// `2026-01-02 03:04:05`
    when: String,
    took_ms: Option<i64>,
    /// How long it took, or has taken so far.
    took: String,
}

/// So many names are told in a list.
const NAMES: usize = 3;

impl<'a> OperationView<'a> {
    fn new(one: &'a Operation, now_ms: i64) -> OperationView<'a> {
        let progress = &one.progress;
        let end = one.ended_at.as_deref().and_then(millis).unwrap_or(now_ms);
        let in_words = if one.ended_at.is_some() { text::span } else { text::duration };
        let took_ms = millis(&one.begun_at).map(|begun| (end - begun).max(0));
        let mut names: Vec<&str> = one.items.iter().take(NAMES).map(|item| item.name.as_str()).collect();
        let rest = format!("{} more", one.items.len().saturating_sub(NAMES));
        if one.items.len() > NAMES {
            names.push(&rest);
        }
        let mut told = vec![format!("{} of {} done", progress.done, progress.total)];
        let others = [(progress.failed, "failed"), (progress.left, "not begun")];
        told.extend(
            others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")),
        );
        OperationView {
            one,
            title: title(one),
            look: look(&one.state),
            over: progress.done + progress.failed + progress.left,
            progress: told.join(", "),
            names: names.join(", "),
            when: moment(&one.begun_at),
            took_ms: took_ms.filter(|_| one.ended_at.is_none()),
            took: took_ms.map_or_else(|| text::NOTHING.to_owned(), in_words),
        }
    }
}

/// What is done to what.
fn title(one: &Operation) -> String {
    let mut letters = one.action.chars();
    let verb: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    match one.items.as_slice() {
        [item] => format!("{verb} of {}", item.name),
        _ => format!("{verb} of {}", text::count(one.progress.total, "process", "processes")),
    }
}

fn millis(ts: &str) -> Option<i64> {
    ts.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Words may be added to the API: those look neutral.
fn look(state: &str) -> &'static str {
    match state {
        "running" => "restarting",
        "done" => "online",
        "failed" => "errored",
        _ => "other",
    }
}

/// A process of an operation in words.
struct ItemView<'a> {
    item: &'a OperationItem,
    look: &'static str,
    /// What is going on, in a sentence's words.
    says: &'a str,
    since: String,
}

impl<'a> ItemView<'a> {
    fn new(item: &'a OperationItem) -> ItemView<'a> {
        let (look, says) = match item.state.as_str() {
            "waiting" => ("other", "has not begun"),
            "draining" => ("stopping", "what ran is ending"),
            "starting" => ("starting", "is not ready yet"),
            "ready" => ("starting", "is ready, and has to stay so for a while"),
            "done" => ("online", "as was asked"),
            "failed" => ("errored", "not as was asked"),
            "left" => ("other", "was never begun"),
            _ => ("other", ""),
        };
        let says = item.reason.as_deref().unwrap_or(says);
        ItemView { item, look, says, since: moment(&item.since) }
    }

    /// What was deleted has no page any more.
    fn has_page(&self) -> bool {
        !(self.item.action == "delete" && self.item.state == "done")
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{reader, who};
    use super::*;
    use crate::wire::{OperationProgress, Role};

    const EVIL: &str = r#"<img src=x onerror=alert(1)><b hx-post="/x">"#;

    fn item(id: i64, state: &str) -> OperationItem {
        OperationItem {
            id,
            name: format!("web-{id}"),
            namespace: "default".to_owned(),
            action: "restart".to_owned(),
            state: state.to_owned(),
            reason: None,
            since: "2026-01-02T03:04:06.000Z".to_owned(),
        }
    }

    fn operation(state: &str, items: Vec<OperationItem>) -> Operation {
        let count = |word: &str| items.iter().filter(|item| item.state == word).count() as i64;
        Operation {
            id: 7,
            action: "restart".to_owned(),
            state: state.to_owned(),
            author: "ann".to_owned(),
            begun_at: "2026-01-02T03:04:05.000Z".to_owned(),
            ended_at: (state != "running").then(|| "2026-01-02T03:04:07.500Z".to_owned()),
            progress: OperationProgress {
                total: items.len() as i64,
                done: count("done"),
                failed: count("failed"),
                left: count("left"),
            },
            items,
        }
    }

    #[test]
    fn one_tells_how_far_each_process_is() {
        let one = operation("running", vec![item(0, "done"), item(1, "starting"), item(2, "waiting")]);
        let html = operation_page(&one, 1_767_323_047_000, &reader(Role::Operator));
        for part in [
            "Restart of 3 processes",
            "1 of 3 done",
            r#"max="3" value="1""#,
            r#"href="/apps/1""#,
            "is not ready yet",
            "has not begun",
            r#"action="/operations/7/cancel""#,
            r#"data-up="2000""#,
            r#"data-live="/fragments/operations/7""#,
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }

    #[test]
    fn only_what_can_be_cancelled_by_the_reader_has_that_button() {
        let waits = || vec![item(0, "done"), item(1, "waiting")];
        let check = |one: &Operation, role, expected: bool| {
            let html = operation_fragment(one, 0, &who(role));
            assert_eq!(html.contains("/cancel"), expected, "{html}");
        };
        check(&operation("running", waits()), Role::Operator, true);
        check(&operation("running", waits()), Role::Viewer, false);
        check(&operation("running", vec![item(0, "done"), item(1, "starting")]), Role::Operator, false);
        check(&operation("cancelled", vec![item(0, "done"), item(1, "left")]), Role::Operator, false);
    }

    #[test]
    fn an_end_is_told_with_its_reasons_and_foreign_text_stays_text() {
        let mut failed = item(1, "failed");
        failed.reason = Some(EVIL.to_owned());
        failed.name = EVIL.to_owned();
        let one = operation("failed", vec![item(0, "done"), failed]);
        for html in [
            operation_page(&one, 0, &reader(Role::Admin)),
            operations_page(&OperationsPage {
                operations: std::slice::from_ref(&one),
                state: "failed",
                older: Some("<c>"),
                cursor: "",
                now_ms: 0,
                reader: &reader(Role::Admin),
            }),
        ] {
            assert!(html.contains("1 of 2 done, 1 failed") && html.contains("2.5 s"), "{html}");
            assert!(!html.contains("<img") && !html.contains("<b hx-post"), "{html}");
        }
    }

    #[test]
    fn a_list_of_nothing_says_so() {
        assert!(operations_fragment(&[], "", 0).contains("Nothing has been asked for"));
        assert!(operations_fragment(&[], "running", 0).contains("Nothing of that state"));
    }
}
