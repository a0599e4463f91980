//! `why`: the last end of a process on one screen: when and how, who asked, what came of it, and
//! what it said before; or what keeps it from starting (acceptance row K9). Everything is taken from its history and its logs.

mod story;
mod text;

use serde::Serialize;

use self::story::{Older, begun, older, story};
use self::text::text;
use super::super::error::CliError;
use super::super::look_args::WhyArgs;
use super::super::out;
use super::super::session::Session;
use super::act;
use super::port_clash;
use super::report::Report;
use crate::client::{LogItem, LogQuery};
use crate::wire::{Event, LogRecord, Process, Revision};

/// How many events are looked through.
const EVENTS: u32 = 1000;

/// How many lines before the end are shown.
const LINES: usize = 20;

/// How many lines are looked through for those: first so many, then so many.
const LOOKED_THROUGH: [u64; 2] = [500, 100_000];

/// What is known of the last end of a process.
#[derive(Serialize, Debug)]
struct Why {
    process: Process,
    /// Its main process ended, or could not be executed. Absent when neither has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Event>,
    /// What was done to it in that run: who asked, who sent a signal.
    before: Vec<Event>,
    /// What was decided then.
    after: Vec<Event>,
    /// The last lines up to the end.
    lines: Vec<LogRecord>,
    /// The version of the definition that the run was launched with.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// The ends before that one, the newest first, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    older: Vec<Older>,
}

/// Runs the command.
pub async fn run(args: WhyArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(false);
    let mut all = Vec::new();
    for reference in &args.refs {
        match act::meant(&session, reference).await {
            Ok(processes) => {
                for process in processes {
                    all.push(look(&session, process, args.all).await?);
                }
            }
            Err(error) => report.refuse(&error),
        }
    }
    if args.json {
        out::json(&all);
    } else if all.is_empty() && !report.has_failed() {
        out::line("There are no processes.");
    } else {
        out::print(&all.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
    report.finish()
}

async fn look(session: &Session, process: Process, all: bool) -> Result<Why, CliError> {
    let id = process.id;
    let events = session.ask(async |c| c.events(EVENTS, Some(id)).await).await?.items;
    let older = if all { older(&events) } else { Vec::new() };
    let from = begun(&events);
    let (before, end, after) = story(events);
    let until = after.iter().find(|event| event.kind == "process.started").map(|event| event.ts.clone());
    let lines = last_lines(session, id, from.as_deref(), until.as_deref()).await?;
    let revision = revision(session, &process, end.as_ref()).await?;
    let advice = port_clash::advice(session, &process, &lines).await?;
    Ok(Why { process, end, before, after, lines, revision, advice, older })
}

/// The version that the run which ended was launched with; the present run's, if none has ended.
async fn revision(
    session: &Session,
    process: &Process,
    end: Option<&Event>,
) -> Result<Option<Revision>, CliError> {
    let Some(number) = end.map_or(process.revision, |end| end.revision) else { return Ok(None) };
    let app = format!("{}:{}", process.namespace, process.app);
    let kept = session.ask(async |c| c.revisions(&app).await).await?.items;
    Ok(kept.into_iter().find(|revision| revision.revision == number))
}

/// The last lines that the process wrote between those times, which are when its run began and when the
/// next one did.
async fn last_lines(
    session: &Session,
    id: i64,
    from: Option<&str>,
    until: Option<&str>,
) -> Result<Vec<LogRecord>, CliError> {
    let parse = |time: Option<&str>| time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let (from, until) = (parse(from), parse(until));
    let mut found = Vec::new();
    for tail in LOOKED_THROUGH {
        found = Vec::new();
        let (mut seen, mut reaches_back) = (0, false);
        let query = LogQuery::last(tail);
        let mut stream = session.ask(async |c| c.logs(Some(&format!("id:{id}")), &query).await).await?;
        while let Some(item) = stream.next().await? {
            if let LogItem::Record(record) = item {
                seen += 1;
                let at = record.ts.as_ref().and_then(|ts| ts.parse::<jiff::Timestamp>().ok());
                // A line without a time is older than all that have one.
                let is_old = from.is_some_and(|from| at.is_none_or(|at| at < from));
                reaches_back |= is_old;
                if !is_old && until.is_none_or(|until| at.is_none_or(|at| at < until)) {
                    found.push(record);
                }
            }
        }
        if found.len() >= LINES || seen < tail || reaches_back {
            break;
        }
    }
    Ok(found.split_off(found.len().saturating_sub(LINES)))
}
