//! `reload`: replaces processes, a few at a time; the others go on meanwhile. Options of `start` change
//! what is reloaded.

use std::time::Duration;

use super::super::act_args::ReloadArgs;
use super::super::error::CliError;
use super::super::file_args;
use super::super::out;
use super::super::session::Session;
use super::change::{Change, Meant};
use super::from_file::{self, Verb};
use super::report::{Line, Report, is_down, title};
use super::{act, cut_off, progress, scale, update_env};
use crate::client::{ClientError, LogItem, LogQuery};
use crate::wire::{Process, ScaleOrder};

/// Each process may use up its kill timeout, and there may be many.
const WAIT: Duration = Duration::from_secs(1800);

/// How many events are looked through for the begin of such a run.
const EVENTS: u32 = 100;

/// How much of the log of a run that did not come up is shown.
const LINES: u64 = 10;

/// Runs the command.
pub async fn run(mut args: ReloadArgs) -> Result<(), CliError> {
    let (files, refs) = file_args::split(args.refs);
    args.refs = refs;
    if args.port.is_some() && (!files.is_empty() || args.refs.iter().any(|reference| reference == "all")) {
        return Err(CliError::new("--port is for one app at a time: name it instead of all or a file"));
    }
    let change = Change::new(args.name.as_deref(), &args.define, false, None, &files)?;
    let declared = args.of_file.read_all(&files).await?;
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    if args.update_env {
        args.refs = update_env::give(&session, &args.refs, &mut report).await?;
    }
    let meant = change.before_reload(&session, args.refs, &mut report).await?;
    let how = How { soak: args.soak, port: args.port };
    let verb = Verb::Reload { soak: how.soak };
    from_file::all(&session, verb, &declared, args.update_env, &mut report).await?;
    for Meant { reference, numbers } in &meant {
        if let Err(error) = renumbered(&session, reference, &how, numbers, &mut report).await {
            report.refuse_reload(&error);
            if let CliError::Client(error) = &error {
                show_log(&session, error).await?;
            }
        }
    }
    report.finish()
}

/// How it is done, if not as the app says.
#[derive(Default)]
pub struct How {
    /// How long each new run has to stay well.
    pub soak: Option<Duration>,
    /// Where new runs are to be.
    pub port: Option<String>,
}

/// Reloads what a reference means; when that is done, these apps come to have so many processes. A
/// reload that fails leaves the numbers as they were.
pub async fn renumbered(
    session: &Session,
    reference: &str,
    how: &How,
    numbers: &[(String, i64)],
    report: &mut Report,
) -> Result<(), CliError> {
    let is_over = one(session, reference, how, report).await?;
    for (app, instances) in numbers {
        if is_over {
            let order = ScaleOrder { instances: Some(*instances), delta: None };
            scale::bring(session, app, app, &order, report).await?;
        } else {
            report.note(Line::Failed(format!(
                "{app} has as many processes as before: pmdaemon scale {app} {instances} changes that when the \
                 reload is done"
            )));
        }
    }
    Ok(())
}

/// Reloads what a reference means. Answers whether that is over.
pub async fn one(
    session: &Session,
    reference: &str,
    how: &How,
    report: &mut Report,
) -> Result<bool, CliError> {
    let before = act::meant(session, reference).await?;
    if before.is_empty() {
        if !report.json {
            out::done("There are no processes.");
        }
        return Ok(true);
    }
    let asked = session.ask_once(async |c| c.reload(reference, how.soak, how.port.as_deref(), WAIT).await);
    let (on_time, reloaded) = match progress::beside(session, "reload", &before, asked).await {
        Ok(answer) => answer,
        Err(error) => return Err(cut_off::told(session, &before, error).await),
    };
    for process in &reloaded.processes {
        let was = before.iter().find(|was| was.id == process.id);
        let (title, status) = (title(process), &process.status);
        let bare = title.strip_suffix(')').unwrap_or(&title);
        let line = match process.pid {
            _ if !on_time => Line::Failed(format!(
                "{title} is {status} and the reload goes on: see pmdaemon events {}",
                process.id
            )),
            _ if is_down(process)
                && was.is_some_and(|was| is_down(was) && was.restarts == process.restarts) =>
            {
                Line::Done(format!("{title} is {status}: left as it is."))
            }
            Some(pid) => Line::Done(format!("Reloaded {bare}, pid {pid}).")),
            None if status == "stopped" && has_ended_well(process) => {
                Line::Done(format!("Reloaded {bare}): it ran and ended with exit code 0."))
            }
            None => Line::Failed(format!(
                "{title} was reloaded and is {status} by now: see pmdaemon why {}",
                process.id
            )),
        };
        report.tell(line, process);
    }
    if !reloaded.notice.is_empty() {
        out::notice(&reloaded.notice);
    }
    Ok(on_time)
}

fn has_ended_well(process: &Process) -> bool {
    process.last_exit.as_ref().is_some_and(|exit| exit.code == Some(0))
}

/// What was asked for; if a reload has failed there, with the last lines of its process.
///
/// # Errors
/// That.
pub async fn or_show_log<T>(session: &Session, asked: Result<T, CliError>) -> Result<T, CliError> {
    if let Err(CliError::Client(error)) = &asked {
        show_log(session, error).await?;
    }
    asked
}

/// The last lines of the process that a reload failed at, since its turn came: what it wrote in an
/// earlier run is not why.
async fn show_log(session: &Session, error: &ClientError) -> Result<(), CliError> {
    let Some(id) = error.process().filter(|_| error.code() == Some("reload_failed")) else { return Ok(()) };
    let events = session.ask(async |c| c.events(EVENTS, Some(id)).await).await?.items;
    let turn = events.into_iter().rfind(|event| event.kind == "process.reloading");
    let query = LogQuery { since: turn.map(|event| event.ts), ..LogQuery::last(LINES) };
    let mut stream = session.ask(async |c| c.logs(Some(&format!("id:{id}")), &query).await).await?;
    while let Some(item) = stream.next().await? {
        if let LogItem::Record(record) = item {
            out::notice(&format!("  {}", super::super::render::escape::harmless(&record.text)));
        }
    }
    Ok(())
}
