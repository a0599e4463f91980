//! Events as lines: when, to whom, what.

use super::text;
use crate::wire::Event;

/// An event, with the day before it where another one begins.
pub(super) struct EventView<'a> {
    /// `2026-01-02`, above the first event of a day.
    pub day: Option<&'a str>,
    /// RFC 3339.
    pub ts: &'a str,
    /// `03:04:05`, in UTC.
    pub time: &'a str,
    /// `good`, `bad`, `warn` or `calm`, and the icon of that look.
    pub tone: &'static str,
    pub icon: &'static str,
    /// What happened, as the API's word without what it is about.
    pub word: &'a str,
    /// The process; absent for pmdaemon itself.
    pub id: Option<i64>,
    pub name: &'a str,
    pub detail: String,
}

/// The events as lines, the newest first.
pub(super) fn lines(events: &[Event]) -> Vec<EventView<'_>> {
    let mut before = "";
    let line = |event| {
        let mut line = EventView::new(event);
        let day = event.ts.get(..10).unwrap_or_default();
        line.day = (day != before).then_some(day);
        before = day;
        line
    };
    events.iter().rev().map(line).collect()
}

impl<'a> EventView<'a> {
    pub fn new(event: &'a Event) -> EventView<'a> {
        let (tone, icon) = look(event);
        EventView {
            day: None,
            ts: &event.ts,
            time: event.ts.get(11..19).unwrap_or(&event.ts),
            tone,
            icon,
            word: event.kind.split_once('.').map_or(event.kind.as_str(), |(_, word)| word),
            id: event.id,
            name: &event.name,
            detail: text::plain(&event.detail),
        }
    }
}

/// `2026-01-02 03:04:05` of an RFC 3339 time.
pub(super) fn moment(ts: &str) -> String {
    ts.get(..19).unwrap_or(ts).replace('T', " ")
}

/// Words may be added to the API: those look calm.
fn look(event: &Event) -> (&'static str, &'static str) {
    let failed = event.exit.as_ref().is_some_and(|exit| exit.code != Some(0));
    match event.kind.as_str() {
        "process.started" | "process.ready" | "process.healthy" | "store.healed" | "daemon.started" => {
            ("good", "online")
        }
        "process.exited" if failed && !event.asked => ("bad", "errored"),
        "process.spawn_failed" | "process.errored" | "process.not_ready" | "store.failed" | "store.lost" => {
            ("bad", "errored")
        }
        "process.unhealthy"
        | "process.over_memory"
        | "process.killed"
        | "process.host_budget"
        | "process.reload_failed"
        | "daemon.recovered"
        | "keeper.renewed" => ("warn", "info"),
        "process.backing_off" => ("warn", "restarting"),
        "process.stopped" => ("calm", "stopped"),
        _ => ("calm", "info"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::LastExit;

    pub fn event(seq: i64, ts: &str, kind: &str, detail: &str) -> Event {
        Event {
            seq,
            ts: ts.to_owned(),
            kind: kind.to_owned(),
            id: Some(3),
            name: "web".to_owned(),
            namespace: "default".to_owned(),
            detail: detail.to_owned(),
            exit: None,
            asked: false,
            revision: None,
        }
    }

    #[test]
    fn the_newest_is_first_and_each_day_has_a_heading() {
        let events = [
            event(1, "2026-01-01T23:00:00.000Z", "process.created", "a"),
            event(2, "2026-01-02T03:04:05.678Z", "process.started", "b"),
            event(3, "2026-01-02T03:04:06.678Z", "process.ready", "c"),
        ];
        let lines = lines(&events);
        let told: Vec<_> = lines.iter().map(|line| (line.day, line.time, line.word)).collect();
        assert_eq!(
            told,
            [
                (Some("2026-01-02"), "03:04:06", "ready"),
                (None, "03:04:05", "started"),
                (Some("2026-01-01"), "23:00:00", "created")
            ]
        );
    }

    #[test]
    fn a_crash_looks_bad_and_an_end_that_was_asked_for_does_not() {
        let check = |code, asked, tone: &str| {
            let exit = Some(LastExit { code: Some(code), ..LastExit::default() });
            let event = Event { exit, asked, ..event(1, "", "process.exited", "web exited") };
            assert_eq!(EventView::new(&event).tone, tone, "{code} {asked}");
        };
        check(1, false, "bad");
        check(0, false, "calm");
        check(143, true, "calm");
    }
}
