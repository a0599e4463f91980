//! `restart`: ends the old run, all of it, and then begins a new one; with `--port` on other ports,
//! with `--wait-ready` until that is ready. Options of `start` change what is restarted.

use futures_util::future::join_all;

use super::super::act_args::RestartArgs;
use super::super::error::CliError;
use super::super::file_args;
use super::super::health;
use super::super::out;
use super::super::session::Session;
use super::act::{self, WAIT};
use super::change::Change;
use super::from_file::{self, Verb};
use super::report::Report;
use super::start::waiting;
use super::{update_env, watch};
use crate::wire::{Action, Then};

/// Runs the command.
pub async fn run(mut args: RestartArgs) -> Result<(), CliError> {
    let (files, refs) = file_args::split(args.refs);
    args.refs = refs;
    let for_each = [("--port", args.port.is_some()), ("--wait-ready", wait(&args).is_some())];
    let for_each = for_each.into_iter().find(|(_, given)| *given);
    if let Some((option, _)) =
        for_each.filter(|_| args.refs.iter().any(|reference| reference == "all") || !files.is_empty())
    {
        return Err(CliError::new(format!(
            "{option} is for one app at a time: name it instead of all or a file"
        )));
    }
    let change = Change::new(args.name.as_deref(), &args.define, args.wait_ready, args.wait_timeout, &files)?;
    let declared = args.of_file.read_all(&files).await?;
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    if args.update_env {
        args.refs = update_env::give(&session, &args.refs, &mut report).await?;
    }
    if args.watch {
        args.refs = watch::set(&session, &args.refs, None, &mut report).await?;
    }
    let then = if wait(&args).is_some() || args.port.is_some() { Then::Keep } else { Then::Restart };
    args.refs = change.make(&session, args.refs, then, &mut report).await?;
    from_file::all(&session, Verb::Restart, &declared, args.update_env, &mut report).await?;
    if wait(&args).is_some() {
        // All at the same time, or one that does not become ready would keep the others waiting.
        let restarted = args.refs.iter().map(|reference| reported(&session, &args, reference));
        join_all(restarted).await.into_iter().for_each(|own| report.append(own));
    } else if args.port.is_some() {
        for reference in &args.refs {
            report.append(reported(&session, &args, reference).await);
        }
    } else {
        act::act_on_each(&session, Action::Restart, &args.refs, &mut report).await?;
    }
    report.finish()
}

fn wait(args: &RestartArgs) -> Option<std::time::Duration> {
    health::wait(args.wait_ready, args.wait_timeout)
}

async fn reported(session: &Session, args: &RestartArgs, reference: &str) -> Report {
    let mut report = Report::new(args.json);
    if let Err(error) = restart(session, args, reference, &mut report).await {
        report.refuse(&error);
    }
    report
}

async fn restart(
    session: &Session,
    args: &RestartArgs,
    reference: &str,
    report: &mut Report,
) -> Result<(), CliError> {
    let before = session.ask(async |c| c.app(reference).await).await?.processes;
    let port = args.port.as_deref();
    let reached = match (wait(args), port) {
        (Some(limit), port) => {
            out::notice(&waiting(reference, limit));
            session.ask_once(async |c| c.restart_until_ready(reference, port, limit).await).await?
        }
        (None, Some(port)) => session.ask_once(async |c| c.restart_on(reference, port, WAIT).await).await?,
        (None, None) => session.ask_once(async |c| c.act(Action::Restart, reference, WAIT).await).await?,
    };
    report.add(Action::Restart, reached, &before);
    Ok(())
}
