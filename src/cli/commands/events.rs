//! `events`: what happened to processes, in sentences.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::error::CliError;
use super::super::look_args::EventsArgs;
use super::super::out;
use super::super::render::units;
use super::super::session::Session;
use super::act;
use crate::wire::{Event, span};

/// How many are shown if nothing else is said.
const LINES: usize = 20;

/// The most events that an answer has.
const PAGE: u32 = 1000;

/// Runs the command.
pub async fn run(args: EventsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let wanted = Wanted::new(&args);
    let mut events = Vec::new();
    if args.refs.is_empty() {
        events = latest(&session, None, &wanted).await?;
    } else {
        let mut ids = BTreeSet::new();
        for reference in &args.refs {
            ids.extend(act::meant(&session, reference).await?.iter().map(|process| process.id));
        }
        for id in ids {
            events.extend(latest(&session, Some(id), &wanted).await?);
        }
    }
    events.sort_by_key(|event| event.seq);
    events.drain(..events.len().saturating_sub(wanted.lines));
    if args.json {
        out::json(&events);
    } else {
        let line = |event: &Event| format!("{}  {}\n", units::local_time(&event.ts), event.detail);
        out::print(&events.iter().map(line).collect::<String>());
        if events.is_empty() {
            out::notice(if wanted.is_choosy() { "no such events" } else { "no events yet" });
        }
    }
    Ok(())
}

/// Which are shown.
struct Wanted<'a> {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    args: &'a EventsArgs,
    lines: usize,
}

impl Wanted<'_> {
    fn new(args: &EventsArgs) -> Wanted<'_> {
        let (since, until) = (args.since.as_deref().and_then(point), args.until.as_deref().and_then(point));
        let usual = if since.is_some() || until.is_some() { usize::MAX } else { LINES };
        Wanted { since, until, args, lines: args.lines.map_or(usual, |lines| lines as usize) }
    }

    fn is_choosy(&self) -> bool {
        self.since.is_some() || self.until.is_some() || self.args.grep.is_some()
    }

    fn is(&self, event: &Event, at: Option<Timestamp>) -> bool {
        let in_time = self.until.is_none_or(|until| at.is_some_and(|at| at <= until));
        in_time && self.args.grep.as_ref().is_none_or(|regex| regex.is_match(&event.detail))
    }
}

/// The newest of a process, or of all, as far as they are wanted. What came last is first.
async fn latest(
    session: &Session,
    process: Option<i64>,
    wanted: &Wanted<'_>,
) -> Result<Vec<Event>, CliError> {
    let limit = match u32::try_from(wanted.lines) {
        Ok(lines) if !wanted.is_choosy() => lines.min(PAGE),
        Ok(_) | Err(_) => PAGE,
    };
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = session.ask(async |c| c.earlier_events(limit, process, cursor.as_deref()).await).await?;
        for event in page.items.into_iter().rev() {
            let at = event.ts.parse::<Timestamp>().ok();
            if wanted.since.is_some_and(|since| at.is_some_and(|at| at < since)) {
                return Ok(found);
            }
            if wanted.is(&event, at) {
                found.push(event);
            }
            if found.len() >= wanted.lines {
                return Ok(found);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// How long ago, or when.
fn point(text: &str) -> Option<Timestamp> {
    match span::parse(text, None) {
        Ok(ago) => Timestamp::now().checked_sub(SignedDuration::try_from(ago).ok()?).ok(),
        Err(_) => text.parse().ok(),
    }
}
