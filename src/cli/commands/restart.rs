//! `restart`: ends the old run, all of it, and then begins a new one; with `--port` on other ports.

use super::super::args::RestartArgs;
use super::super::error::CliError;
use super::super::session::Session;
use super::act::{self, WAIT};
use super::report::Report;
use super::update_env;
use crate::wire::Action;

/// Runs the command.
pub async fn run(mut args: RestartArgs) -> Result<(), CliError> {
    if args.port.is_some() && args.refs.iter().any(|reference| reference == "all") {
        return Err(CliError::new("--port is for one app at a time: name it instead of all"));
    }
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    if args.update_env {
        args.refs = update_env::give(&session, &args.refs, &mut report).await?;
    }
    match &args.port {
        Some(port) => {
            for reference in &args.refs {
                if let Err(error) = restart_on(&session, reference, port, &mut report).await {
                    report.refuse(&error);
                }
            }
        }
        None => act::act_on_each(&session, Action::Restart, &args.refs, &mut report).await?,
    }
    report.finish()
}

async fn restart_on(
    session: &Session,
    reference: &str,
    port: &str,
    report: &mut Report,
) -> Result<(), CliError> {
    let before = session.ask(async |c| c.app(reference).await).await?.processes;
    let reached = session.ask_once(async |c| c.restart_on(reference, port, WAIT).await).await?;
    report.add(Action::Restart, reached, &before);
    Ok(())
}
