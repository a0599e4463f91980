//! `token`: what programs need to use the HTTP API.

use super::super::args::TokenArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;

/// Runs the command. Prints the token and nothing else, after the daemon has accepted it.
pub async fn run(args: TokenArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    session.ask(async |c| c.whoami().await).await?;
    let token = session.client.token();
    match args.form {
        Some(_) => out::line(&format!("Authorization: Bearer {token}")),
        None => out::line(&token),
    }
    Ok(())
}
