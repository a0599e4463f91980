//! `reload-logs`: opens log files again that a script has moved away.

use super::super::error::CliError;
use super::super::logs_args::TendArgs;
use super::super::out;
use super::super::session::Session;

/// Runs the command.
pub async fn run(args: TendArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    for reference in args.each() {
        let opened = session.ask(async |c| c.reload_logs(reference).await).await?;
        let whose = reference.unwrap_or("all apps");
        match opened.files.len() {
            0 => out::done(&format!("There is no log of {whose}.")),
            _ => out::done(&format!("Opened the logs of {whose} again.")),
        }
    }
    Ok(())
}
