//! `pid`, `id`: numbers of processes, for scripts.

use super::super::error::CliError;
use super::super::logs_args::TendArgs;
use super::super::look_args::IdArgs;
use super::super::out;
use super::super::session::Session;
use super::act;

/// Runs `pid`: one on each line; what does not run has 0.
pub async fn run(args: TendArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut processes = Vec::new();
    for reference in args.each() {
        match reference {
            Some(reference) => processes.extend(act::meant(&session, reference).await?),
            None => processes.extend(session.ask(async |c| c.processes().await).await?.items),
        }
    }
    processes.iter().for_each(|process| out::line(&process.pid.unwrap_or(0).to_string()));
    Ok(())
}

/// Runs `id`: as a list in Node's manner.
pub async fn ids(args: IdArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let processes = act::meant(&session, &args.reference).await?;
    let ids: Vec<String> = processes.iter().map(|process| process.id.to_string()).collect();
    out::line(&format!("[ {} ]", ids.join(", ")));
    Ok(())
}
