//! `ping`: is there a daemon? As PM2, it is started if there is none.

use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;

/// Runs the command.
pub async fn run() -> Result<(), CliError> {
    let session = Session::open().await?;
    session.ask(async |c| c.system().await).await?;
    out::line("{ msg: 'pong' }");
    Ok(())
}
