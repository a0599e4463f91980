//! `logs`: the last lines of apps, and new ones as they come.
//!
//! A follower outlives the daemon that it reads from: when the stream breaks it asks again, from
//! exactly where it was, until the app is deleted or no daemon comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::logs_args::LogsArgs;
use super::super::out;
use super::super::session::Session;
use super::act;
use super::log_printer::Printer;
use crate::client::{ClientError, LogItem, LogPlace, LogQuery, LogStream};
use crate::wire::{App, Process, Stream};

/// The last so many lines, where nobody says which.
const LINES: u64 = 20;

/// How long a follower waits for a daemon to come back.
const PATIENCE: Duration = Duration::from_secs(15);

/// So much is written at once.
const BATCH: usize = 1 << 16;

/// Runs the command.
pub async fn run(args: LogsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    if args.daemon {
        return until_interrupted(args.follow, own_log(&session, &args)).await;
    }
    let mut printer = Printer::of(&args, session.screen);
    let Some((whose, failed)) = whose(&session, &args.refs).await? else { return Err(CliError::Told) };
    if !(args.json || args.raw || args.format) {
        printer.write_times(forms(&session).await?);
    }
    if !args.instances.is_empty() || (args.pm2 && !args.follow) {
        let processes = processes(&session, &whose).await?;
        there_are(&args.instances, &processes, &whose)?;
        if args.pm2 && !args.follow {
            let is_meant = |process: &&Process| {
                args.instances.is_empty()
                    || args.instances.iter().any(|one| i64::from(*one) == process.instance)
            };
            // A common file once.
            let mut files = BTreeSet::new();
            let each = processes.iter().filter(is_meant).filter(|process| files.insert(&process.out_log));
            for process in each {
                let reference = Some(format!("id:{}", process.id));
                show(&session, &Whose { reference, refs: Vec::new() }, &query(&args), &mut printer).await?;
            }
            return if failed { Err(CliError::Told) } else { Ok(()) };
        }
    }
    let query = LogQuery { refs: whose.refs.clone(), ..query(&args) };
    let shown = async {
        match args.follow {
            true => follow(&session, &whose, &query, &mut printer).await,
            false => show(&session, &whose, &query, &mut printer).await,
        }
    };
    until_interrupted(args.follow, shown).await?;
    if failed { Err(CliError::Told) } else { Ok(()) }
}

/// Shows what these processes print from now on, and a little of what they have, until Ctrl+C.
pub async fn follow_all(ids: Vec<i64>) -> Result<(), CliError> {
    let refs = ids.iter().map(|id| format!("id:{id}")).collect();
    run(LogsArgs { refs, follow: true, ..LogsArgs::default() }).await
}

/// How apps have times written, by process.
async fn forms(session: &Session) -> Result<BTreeMap<i64, String>, CliError> {
    let apps = session.ask(async |c| c.apps().await).await?.items;
    let of = |app: App| {
        let form = app.logs.date_format?;
        Some(app.processes.into_iter().map(move |process| (process.id, form.clone())))
    };
    Ok(apps.into_iter().filter_map(of).flatten().collect())
}

/// Ctrl+C is how following ends.
async fn until_interrupted(
    follow: bool,
    work: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    if !follow {
        return work.await;
    }
    tokio::select! {
        result = work => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn query(args: &LogsArgs) -> LogQuery {
    let all = args.since.is_some() || args.until.is_some() || args.previous;
    LogQuery {
        refs: Vec::new(),
        tail: args.lines.or((!all).then_some(LINES)),
        after: None,
        since: args.since.clone(),
        until: args.until.clone(),
        stream: match (args.out, args.err) {
            (true, _) => Some(Stream::Out),
            (false, true) => Some(Stream::Err),
            (false, false) => None,
        },
        level: args.level.clone(),
        grep: args.grep.clone(),
        instances: args.instances.clone(),
        previous: args.previous,
        follow: args.follow,
        events: args.events,
    }
}

/// Whose logs are asked for.
struct Whose {
    /// One reference; none stands for several, or for all.
    reference: Option<String>,
    /// Several.
    refs: Vec<String>,
}

impl Whose {
    fn name(&self) -> String {
        match (&self.reference, self.refs.is_empty()) {
            (Some(reference), _) => reference.clone(),
            (None, true) => "all apps".to_owned(),
            (None, false) => self.refs.join(", "),
        }
    }
}

/// Finds out what is known of several references, and tells what is not. `None`: nothing is.
async fn whose(session: &Session, refs: &[String]) -> Result<Option<(Whose, bool)>, CliError> {
    match refs {
        [one] if one != "all" => {
            return Ok(Some((Whose { reference: Some(one.clone()), refs: Vec::new() }, false)));
        }
        [..] if refs.is_empty() || refs.iter().any(|one| one == "all") => {
            return Ok(Some((Whose { reference: None, refs: Vec::new() }, false)));
        }
        [..] => {}
    }
    let mut known = Vec::new();
    let mut failed = false;
    for reference in refs {
        match session.ask(async |c| c.apps_of(reference).await).await {
            Ok(_) => known.push(reference.clone()),
            Err(error) => {
                failed = true;
                if let Some(sentence) = error.sentence() {
                    out::error(&sentence);
                }
            }
        }
    }
    Ok((!known.is_empty()).then_some((Whose { reference: None, refs: known }, failed)))
}

/// The processes that are meant.
async fn processes(session: &Session, whose: &Whose) -> Result<Vec<Process>, CliError> {
    let refs = whose.reference.iter().chain(&whose.refs);
    let mut all: Vec<Process> = Vec::new();
    for reference in refs {
        all.extend(act::meant(session, reference).await?);
    }
    if whose.reference.is_none() && whose.refs.is_empty() {
        all = session.ask(async |c| c.processes().await).await?.items;
    }
    let mut seen = BTreeSet::new();
    all.retain(|process| seen.insert(process.id));
    Ok(all)
}

/// Each of these instances is there.
fn there_are(instances: &[u32], processes: &[Process], whose: &Whose) -> Result<(), CliError> {
    let is_there = |instance: u32| processes.iter().any(|process| process.instance == i64::from(instance));
    match instances.iter().find(|instance| !is_there(**instance)) {
        None => Ok(()),
        Some(missing) => {
            let known: BTreeSet<i64> = processes.iter().map(|process| process.instance).collect();
            let known: Vec<String> = known.iter().map(i64::to_string).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(CliError::new(format!("{} has no instance {missing}: there is {known}", whose.name())))
        }
    }
}

/// Prints the lines that are there.
async fn show(
    session: &Session,
    whose: &Whose,
    query: &LogQuery,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let mut stream = session.ask(async |c| c.logs(whose.reference.as_deref(), query).await).await?;
    let mut place = LogPlace::default();
    let mut empty = true;
    while let Some(item) = stream.next().await? {
        empty &= !matches!(item, LogItem::Record(_));
        print_batch(item, &mut stream, printer, &mut place)?;
    }
    if empty && query.tail != Some(0) {
        let filtered = query.grep.is_some()
            || query.level.is_some()
            || query.since.is_some()
            || query.until.is_some()
            || query.previous;
        let what = if filtered { "no such lines" } else { "no log yet" };
        out::notice(&format!("{}: {what}", whose.name()));
    }
    Ok(())
}

/// Prints lines as they come, over breaks, until there is nothing more to come.
async fn follow(
    session: &Session,
    whose: &Whose,
    query: &LogQuery,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let mut place = LogPlace::default();
    let mut stream = session.ask(async |c| c.logs(whose.reference.as_deref(), query).await).await?;
    loop {
        if let Ended::Deleted = read_to_end(&mut stream, printer, &mut place).await? {
            return Ok(());
        }
        stream = match reopen(session, whose, &query.from(place.after())).await? {
            Some(stream) => stream,
            None => return Ok(()),
        };
    }
}

/// Why a stream is over.
enum Ended {
    /// The app is deleted.
    Deleted,
    /// The daemon went away, or closed it.
    Broken,
}

async fn read_to_end(
    stream: &mut LogStream,
    printer: &mut Printer,
    place: &mut LogPlace,
) -> Result<Ended, CliError> {
    loop {
        match stream.next().await {
            Ok(Some(LogItem::Deleted)) => return Ok(Ended::Deleted),
            Ok(Some(item)) => {
                if let Ended::Deleted = print_batch(item, stream, printer, place)? {
                    return Ok(Ended::Deleted);
                }
            }
            Ok(None) => return Ok(Ended::Broken),
            Err(error) if error.is_absence() => return Ok(Ended::Broken),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks again until a daemon answers. `None` when the app is deleted. Starts no daemon: one that
/// was ended by `pmdaemon kill` stays ended.
async fn reopen(session: &Session, whose: &Whose, query: &LogQuery) -> Result<Option<LogStream>, CliError> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(20);
    loop {
        tokio::time::sleep(pause).await;
        match session.client.logs(whose.reference.as_deref(), query).await {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(ClientError::NoDaemon(_)) if Instant::now() > deadline => {
                return Err(CliError::new("the daemon has ended, so there is nothing to follow"));
            }
            Err(error) if error.is_absence() && Instant::now() <= deadline => {}
            Err(error) => return Err(error.into()),
        }
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Prints an item and everything behind it that is here already, in one write.
fn print_batch(
    first: LogItem,
    stream: &mut LogStream,
    printer: &mut Printer,
    place: &mut LogPlace,
) -> Result<Ended, CliError> {
    let mut text = Vec::new();
    let mut next = Some(first);
    let mut ended = Ended::Broken;
    while let Some(item) = next {
        place.pass(&item);
        match item {
            LogItem::Record(record) => printer.add(&record, &mut text),
            LogItem::Removed { bytes } => {
                let amount = bytes.map_or("some".to_owned(), |bytes| format!("{bytes} bytes"));
                out::notice(&format!("({amount} of the log were removed before they could be shown)"));
            }
            LogItem::Deleted => ended = Ended::Deleted,
            LogItem::Cursor(_) => {}
        }
        next = if text.len() < BATCH { stream.buffered()? } else { None };
    }
    out::print_bytes(&text);
    Ok(ended)
}

/// Prints what pmdaemon itself says.
async fn own_log(session: &Session, args: &LogsArgs) -> Result<(), CliError> {
    let query = query(args);
    let mut stream = session.ask(async |c| c.own_log(&query).await).await?;
    while let Some(bytes) = stream.next().await? {
        out::print_bytes(&bytes);
    }
    Ok(())
}
