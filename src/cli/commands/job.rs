//! `job`: what is run at times of day.

use super::super::error::CliError;
use super::super::out;
use super::super::render::table::{self, Cell, Column};
use super::super::render::{escape, units};
use super::super::schedule_args::{JobAddArgs, JobCommand};
use super::super::session::Session;
use super::report::Report;
use super::{act, update_env};
use crate::client::{LogItem, LogQuery};
use crate::wire::{Action, App, JobRun, LastExit, NewApp};

/// How long the daemon is waited for.
const WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Runs the command.
pub async fn run(command: JobCommand) -> Result<(), CliError> {
    match command {
        JobCommand::Add(args) => add(args).await,
        JobCommand::List { json } => list(json).await,
        JobCommand::Rm { refs } => on_each(Action::Delete, &refs, false).await,
        JobCommand::Run { refs, json } => on_each(Action::Start, &refs, json).await,
        JobCommand::History { reference, limit, json } => history(&reference, limit, json).await,
        JobCommand::Logs { reference, run } => logs(&reference, run).await,
    }
}

async fn add(args: JobAddArgs) -> Result<(), CliError> {
    if args.schedule.cron.as_deref().is_none_or(|cron| cron == "0") {
        return Err(CliError::Usage("a job needs times: give --cron \"0 3 * * *\"".to_owned()));
    }
    let session = Session::open().await?;
    let here = std::env::current_dir()
        .map_err(|e| CliError::new(format!("the current directory is not usable: {e}; give --cwd")))?;
    let cwd = args.cwd.as_ref().map_or_else(|| here.clone(), |cwd| here.join(cwd));
    let cwd = cwd.into_os_string().into_string();
    let cwd = cwd.map_err(|path| CliError::new(format!("the directory {} is not UTF-8", path.display())))?;
    let at_home = session.server().is_none();
    let mut words = args.command.into_iter();
    let job = args.schedule.define(NewApp {
        script: words.next().unwrap_or_default(),
        args: words.collect(),
        name: Some(args.name),
        namespace: args.namespace,
        // Those of this machine are none of the server's.
        cwd: (at_home || args.cwd.is_some()).then_some(cwd),
        inherited_env: at_home.then(update_env::of_this_shell),
        env: args.env.into_iter().collect(),
        autostart: Some(false),
        ..NewApp::default()
    });
    let app = session.ask_once(async |c| c.create_app(&job, WAIT).await).await?;
    match args.json {
        true => out::json(&app),
        false => out::done(&format!("Added {}, {}.", app.name, next(&app))),
    }
    Ok(())
}

fn next(app: &App) -> String {
    match &app.next_run_at {
        Some(at) => format!("to be run next at {}", units::local_time(at)),
        None => "which is never run by itself".to_owned(),
    }
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut jobs = session.ask(async |c| c.apps().await).await?.items;
    jobs.retain(|app| app.schedule.is_some() && !app.autostart);
    if json {
        out::json(&jobs);
        return Ok(());
    }
    if jobs.is_empty() {
        out::line("There are no jobs.");
        return Ok(());
    }
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("name", 0),
        column("schedule", 1),
        column("time zone", 3),
        column("status", 0),
        column("next run", 0),
        column("last exit", 2),
    ];
    let rows: Vec<Vec<Cell>> = jobs.iter().map(row).collect();
    out::print(&table::render(&columns, &rows, session.screen));
    Ok(())
}

fn row(app: &App) -> Vec<Cell> {
    let schedule = app.schedule.clone().unwrap_or_default();
    let status = app.processes.first().map(|process| process.status.clone()).unwrap_or_default();
    let last = app.processes.first().and_then(|process| process.last_exit.as_ref());
    let texts = [
        app.name.clone(),
        schedule.cron,
        schedule.timezone.unwrap_or_default(),
        status,
        app.next_run_at.as_deref().map_or("-".to_owned(), units::local_time),
        last.map_or("-".to_owned(), exit),
    ];
    texts.into_iter().map(Cell::from).collect()
}

fn exit(exit: &LastExit) -> String {
    match (exit.code, &exit.signal) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => signal.clone(),
        (None, None) => "unknown".to_owned(),
    }
}

async fn on_each(action: Action, refs: &[String], json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(json);
    let mut jobs = Vec::new();
    for reference in refs {
        match job(&session, reference).await {
            Ok(_) => jobs.push(reference.clone()),
            Err(error) => report.refuse(&error),
        }
    }
    act::act_on_each(&session, action, &jobs, &mut report).await?;
    report.finish()
}

/// The job of that name; an app that is none is not run by mistake.
async fn job(session: &Session, reference: &str) -> Result<App, CliError> {
    let app = session.ask(async |c| c.app(reference).await).await?;
    match app.schedule {
        Some(_) if !app.autostart => Ok(app),
        Some(_) | None => {
            Err(CliError::new(format!("{} is an app and no job: pmdaemon job list shows the jobs", app.name)))
        }
    }
}

async fn history(reference: &str, limit: u32, json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    job(&session, reference).await?;
    let runs = session.ask(async |c| c.runs(reference, limit).await).await?.items;
    if json {
        out::json(&runs);
        return Ok(());
    }
    if runs.is_empty() {
        out::line("It has not been run yet.");
        return Ok(());
    }
    let column = |title, right| Column { title, expendable: 0, right };
    let columns = [
        column("run", true),
        column("began", false),
        column("why", false),
        column("outcome", false),
        column("exit", false),
        column("took", true),
    ];
    let rows: Vec<Vec<Cell>> = runs.iter().map(told).collect();
    out::print(&table::render(&columns, &rows, session.screen));
    Ok(())
}

fn told(run: &JobRun) -> Vec<Cell> {
    let dash = || "-".to_owned();
    let texts = [
        run.run.map_or_else(dash, |run| run.to_string()),
        units::local_time(&run.at),
        run.trigger.replace('_', " "),
        run.outcome.clone(),
        run.exit.as_ref().map_or_else(dash, exit),
        took(run).map_or_else(dash, units::span),
    ];
    texts.into_iter().map(Cell::from).collect()
}

fn took(run: &JobRun) -> Option<i64> {
    let at = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    Some(at(run.ended_at.as_deref()?)? - at(&run.at)?)
}

/// The time in which the output of one run was written down: a run's last bytes come a moment after
/// its end, and between two runs nothing is written. So the middle of that time is where one ends.
fn span(runs: &[JobRun], place: usize) -> (Option<String>, Option<String>) {
    let middle = |a: &str, b: &str| {
        let at = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
        Some(jiff::Timestamp::from_millisecond((at(a)? + at(b)?) / 2).ok()?.to_string())
    };
    let run = &runs[place];
    let before = runs[..place].iter().rev().find_map(|run| run.ended_at.as_deref());
    let after = runs[place + 1..].iter().find(|run| run.run.is_some());
    let ended = run.ended_at.as_deref();
    (
        before.and_then(|end| middle(end, &run.at)),
        after.zip(ended).and_then(|(after, end)| middle(end, &after.at)),
    )
}

async fn logs(reference: &str, run: Option<i64>) -> Result<(), CliError> {
    let session = Session::open().await?;
    job(&session, reference).await?;
    let runs = session.ask(async |c| c.runs(reference, 500).await).await?.items;
    let place = match run {
        Some(number) => runs.iter().position(|its| its.run == Some(number)),
        None => runs.iter().rposition(|its| its.run.is_some()),
    };
    let Some(place) = place else {
        return Err(CliError::new(match run {
            Some(number) => {
                format!("{reference} has no run {number}: pmdaemon job history {reference} shows its runs")
            }
            None => format!("{reference} has not been run yet"),
        }));
    };
    let (since, until) = span(&runs, place);
    let query = LogQuery { since, until, ..LogQuery::default() };
    let mut stream = session.ask(async |c| c.logs(Some(reference), &query).await).await?;
    while let Some(item) = stream.next().await? {
        match item {
            LogItem::Record(record) => out::line(&escape::harmless(&record.text)),
            LogItem::Removed { .. } => out::notice("Some of it was removed since."),
            LogItem::Deleted | LogItem::Cursor(_) => {}
        }
    }
    Ok(())
}
