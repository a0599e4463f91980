//! `/alerts`: what fires, what was over today, and for admins the rules and channels.

mod channel_form;
mod field;
mod rule_form;
mod setup;

use askama::Template;
use askama::filters::HtmlSafe;

use super::event::moment;
use super::frame::{Frame, Here, Reader};
use super::{render, text};
use crate::wire::Alert;

pub use channel_form::channel as alert_channel;
pub use field::Typed;
pub use rule_form::rule as alert_rule;
pub use setup::AlertSetup;
use setup::SetupView;

/// What the page shows.
pub struct AlertsPage<'a> {
    /// Those that fire first.
    pub alerts: &'a [Alert],
    /// Rules and channels, for who may change them.
    pub setup: Option<AlertSetup<'a>>,
    /// What came of a form, if one was sent: whether it was done, and a sentence.
    pub outcome: Option<(bool, &'a str)>,
    /// Now: milliseconds of Unix time.
    pub now_ms: i64,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn alerts_page(page: &AlertsPage<'_>) -> String {
    render(&View {
        frame: Frame::new(page.reader, Here::Alerts),
        list: List::new(page.alerts, page.now_ms),
        outcome: page.outcome,
        setup: page.setup.as_ref().map(SetupView::new),
    })
}

/// What of the page changes by itself: what fires and what is over; with it how many fire, for the
/// navigation, and how rules and channels do.
pub fn alerts_fragment(page: &AlertsPage<'_>) -> String {
    render(&Fragment {
        frame: Frame::new(page.reader, Here::Alerts),
        list: List::new(page.alerts, page.now_ms),
        setup: page.setup.as_ref().map(SetupView::new),
    })
}

/// The question before a rule or channel is removed; `what` says which of both.
pub fn alert_removal_page(what: &str, name: &str, reader: &Reader) -> String {
    render(&Removal { frame: Frame::new(reader, Here::Alerts), what, name })
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct View<'a> {
    frame: Frame<'a>,
    list: List<'a>,
    outcome: Option<(bool, &'a str)>,
    setup: Option<SetupView<'a>>,
}

#[derive(Template)]
#[template(path = "alerts/fragment.html")]
struct Fragment<'a> {
    frame: Frame<'a>,
    list: List<'a>,
    setup: Option<SetupView<'a>>,
}

#[derive(Template)]
#[template(path = "alerts/removal.html")]
struct Removal<'a> {
    frame: Frame<'a>,
    what: &'a str,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "alerts/list.html")]
struct List<'a> {
    firing: Vec<AlertView<'a>>,
    over: Vec<AlertView<'a>>,
}

impl HtmlSafe for List<'_> {}

impl<'a> List<'a> {
    fn new(alerts: &'a [Alert], now_ms: i64) -> List<'a> {
        let (firing, over): (Vec<&Alert>, Vec<&Alert>) =
            alerts.iter().partition(|alert| alert.state == "firing");
        let views =
            |alerts: Vec<&'a Alert>| alerts.into_iter().map(|one| AlertView::new(one, now_ms)).collect();
        List { firing: views(firing), over: views(over) }
    }
}

/// An alert in words.
struct AlertView<'a> {
    one: &'a Alert,
    /// The colour, and the icon of that look.
    tone: &'static str,
    icon: &'static str,
    summary: String,
    /// What the process wrote before, in lines.
    lines: String,
    /// The page of what it is about.
    page: Option<String>,
    /// `2026-01-02 03:04:05`
    since: String,
    /// When it was over.
    over: Option<String>,
    /// For how long it has been firing.
    for_ms: Option<i64>,
    lasted: String,
    /// `came again 2 times`
    again: Option<String>,
}

impl<'a> AlertView<'a> {
    fn new(one: &'a Alert, now_ms: i64) -> AlertView<'a> {
        let (tone, icon) = look(one);
        let end = one.resolved_at.as_deref().and_then(millis).unwrap_or(now_ms);
        let lasted = millis(&one.since).map(|since| (end - since).max(0));
        let in_words = if one.resolved_at.is_some() { text::span } else { text::duration };
        let lines: Vec<String> = one.lines.iter().map(|line| text::plain(line)).collect();
        let namespace = one.namespace.as_deref().unwrap_or("default");
        AlertView {
            one,
            tone,
            icon,
            summary: text::plain(&one.summary),
            lines: lines.join("\n"),
            page: one.app.as_ref().map(|app| format!("/apps/{namespace}:{app}")),
            since: moment(&one.since),
            over: one.resolved_at.as_deref().map(moment),
            for_ms: lasted.filter(|_| one.resolved_at.is_none()),
            lasted: lasted.map_or_else(|| text::NOTHING.to_owned(), in_words),
            again: (one.again > 0).then(|| match one.again {
                1 => "came again once".to_owned(),
                times => format!("came again {times} times"),
            }),
        }
    }
}

fn millis(ts: &str) -> Option<i64> {
    ts.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Words may be added to the API: those look as what matters.
fn look(alert: &Alert) -> (&'static str, &'static str) {
    match (alert.state.as_str(), alert.severity.as_str()) {
        ("resolved", _) => ("good", "online"),
        (_, "info") => ("calm", "info"),
        (_, "warning") => ("warn", "info"),
        (_, _) => ("bad", "errored"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::reader;
    use super::*;
    use crate::wire::{AlertChannel, AlertErrored, AlertRule, AlertWhen, FieldError, Role};

    const EVIL: &str = r#"<img src=x onerror=alert(1)><b hx-post="/x">"#;

    fn alert(state: &str) -> Alert {
        Alert {
            id: 7,
            rule: "crashes".to_owned(),
            severity: "critical".to_owned(),
            state: state.to_owned(),
            app: Some("web".to_owned()),
            namespace: Some("shop".to_owned()),
            process_id: Some(3),
            summary: format!("web was given up {EVIL}"),
            lines: vec![format!("\u{1b}[31m{EVIL}\u{1b}[0m"), "second".to_owned()],
            since: "2026-01-02T03:04:05.000Z".to_owned(),
            resolved_at: (state == "resolved").then(|| "2026-01-02T03:05:05.000Z".to_owned()),
            again: 2,
        }
    }

    fn rule() -> AlertRule {
        AlertRule {
            name: "crashes".to_owned(),
            when: AlertWhen { errored: Some(AlertErrored {}), ..AlertWhen::default() },
            condition: format!("given up {EVIL}"),
            apps: vec!["web".to_owned()],
            channels: vec!["ops".to_owned()],
            severity: "critical".to_owned(),
            cool_down_ms: 300_000,
            repeat_ms: None,
            paused: true,
            created_at: "2026-01-02T03:04:05.000Z".to_owned(),
            firing: 0,
        }
    }

    fn channel() -> AlertChannel {
        AlertChannel {
            name: "ops".to_owned(),
            kind: "webhook".to_owned(),
            to: "https://hooks.example/…".to_owned(),
            format: Some("pmdaemon".to_owned()),
            signed: true,
            created_at: "2026-01-02T03:04:05.000Z".to_owned(),
            status: "failing".to_owned(),
            error: Some(format!("it answered {EVIL}")),
            last_sent_at: None,
            sent: 3,
            waiting: 2,
            lost: 1,
        }
    }

    /// The page and its fragment.
    fn shown(alerts: &[Alert], setup: Option<AlertSetup<'_>>, role: Role, firing: usize) -> [String; 2] {
        let reader = Reader { firing, ..reader(role) };
        let page = AlertsPage { alerts, setup, outcome: None, now_ms: 1_767_323_047_000, reader: &reader };
        [alerts_page(&page), alerts_fragment(&page)]
    }

    #[test]
    fn what_fires_tells_since_when_and_what_it_said_and_foreign_text_stays_text() {
        for html in shown(&[alert("firing"), alert("resolved")], None, Role::Viewer, 1) {
            for part in [
                "crashes",
                "critical",
                r#"href="/apps/shop:web""#,
                r#"data-up="2000""#,
                "came again 2 times",
                "2026-01-02 03:05:05",
                "1m 0s",
                "second",
            ] {
                assert!(html.contains(part), "{part} is missing in {html}");
            }
            assert!(!html.contains("<img") && !html.contains("<b hx-post"), "{html}");
            assert!(!html.contains('\u{1b}'), "{html}");
            assert!(!html.contains("/alerts/rules"), "a viewer changes nothing: {html}");
        }
    }

    #[test]
    fn the_navigation_says_how_many_fire_and_the_fragment_says_it_anew() {
        let told = r#"1<span class="sr"> firing</span>"#;
        let [page, fragment] = shown(&[alert("firing")], None, Role::Viewer, 1);
        assert!(page.contains(&format!(r#"<span id="firing">{told}</span>"#)), "{page}");
        let partial =
            |told| format!(r##"<hx-partial hx-target="#firing" hx-swap="innerHTML">{told}</hx-partial>"##);
        assert!(fragment.contains(&partial(told)), "{fragment}");
        let [page, fragment] = shown(&[], None, Role::Viewer, 0);
        assert!(page.contains(r#"<span id="firing"></span>"#) && page.contains("Nothing fires."), "{page}");
        assert!(fragment.contains(&partial("")), "{fragment}");
    }

    #[test]
    fn an_admin_sees_rules_and_channels_and_what_is_wrong_with_a_form_at_its_fields() {
        let values = [
            ("when".to_owned(), "memory".to_owned()),
            ("name".to_owned(), "7up".to_owned()),
            ("webhook.secret".to_owned(), "canary-secret".to_owned()),
            ("slack".to_owned(), "canary-url".to_owned()),
        ];
        let errors = [
            FieldError::new("/name".to_owned(), "not that name".to_owned()),
            FieldError::new("/webhook/secret".to_owned(), "too short".to_owned()),
        ];
        let typed = Typed { values: &values, errors: &errors };
        let (rules, channels) = ([rule()], [channel()]);
        let setup = AlertSetup { rules: &rules, channels: &channels, rule: typed, channel: typed };
        let [html, fragment] = shown(&[], Some(setup), Role::Admin, 0);
        for part in [
            r#"id="e-rule-name">not that name<"#,
            r#"id="e-channel-webhook-secret">too short<"#,
            r#"<option value="memory" selected>"#,
            r#"action="/alerts/rules/resume""#,
            r#"action="/alerts/channels/test""#,
            r#"href="/alerts/rules/remove?name=crashes""#,
            "1 notification could not be sent",
            "paused",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("canary"), "a secret is shown: {html}");
        assert!(!html.contains("<img") && !html.contains("<b hx-post"), "{html}");
        // What is typed meanwhile stays.
        assert!(
            fragment.contains(r##"hx-target="#rule-list""##) && !fragment.contains("<input type=\"text\"")
        );
        assert!(!fragment.contains("<select"), "{fragment}");
    }
}
