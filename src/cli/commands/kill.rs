//! `kill`: ends everything, services first.

use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::out;
use crate::client::{Client, ClientError, start};
use crate::home::Home;

/// How long a daemon that is being replaced may take to hear of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// When the user is told that it takes longer.
const LONG: Duration = Duration::from_secs(3);

/// How long the keeper may take after the daemon has gone.
const KEEPER: Duration = Duration::from_secs(30);

/// Runs the command. Starts nothing.
pub async fn run() -> Result<(), CliError> {
    let home = Home::from_env().map_err(CliError::new)?;
    if !shut_down(&home).await? {
        out::line("There is no daemon: nothing to kill.");
        return Ok(());
    }
    let begun = Instant::now();
    let mut told = false;
    let mut daemon_gone = None;
    loop {
        let daemon = start::listens(&home) || start::daemon_lives(&home);
        if !daemon && !start::keeper_lives(&home) {
            out::line("All services are stopped; keeper and daemon have ended.");
            return Ok(());
        }
        if daemon {
            daemon_gone = None;
        } else if daemon_gone.get_or_insert_with(Instant::now).elapsed() > KEEPER {
            return Err(CliError::new(format!(
                "the daemon has ended and the keeper has not: see {}",
                home.daemon_log().display()
            )));
        }
        if begun.elapsed() > LONG && !told {
            told = true;
            out::notice("Waiting for services to stop …");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Asks for the end of everything. False when nobody is there to ask.
async fn shut_down(home: &Home) -> Result<bool, CliError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listens = start::listens(home);
        if !listens && !start::keeper_lives(home) {
            return Ok(false);
        }
        let error = match Client::local(home) {
            Ok(client) => match client.shutdown().await {
                Ok(()) => return Ok(true),
                Err(error) => error,
            },
            Err(error) => error,
        };
        // The token file is written before the daemon is ready.
        let early = matches!(error, ClientError::Token(_)) && !home.token().exists();
        if !(error.is_absence() || early) || Instant::now() > deadline {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
