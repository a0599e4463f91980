//! `kill`: ends everything, services first.
//!
//! Should the daemon die meanwhile, the keeper starts another, which stops what is to stop but does
//! not know that it is to end afterwards. So it is asked, too.

use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::out;
use crate::client::{Client, ClientError, start};
use crate::home::Home;

/// How long a daemon that is being replaced may take to hear of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// When the user is told that it takes longer.
const LONG: Duration = Duration::from_secs(3);

/// How often it is looked whether the daemon is still the one that was asked.
const LOOK: Duration = Duration::from_millis(500);

/// How long the keeper may take after the daemon has gone.
const KEEPER: Duration = Duration::from_secs(30);

/// Runs the command. Starts nothing.
pub async fn run() -> Result<(), CliError> {
    let home = Home::from_env().map_err(CliError::new)?;
    out::done(match end(&home).await? {
        true => "All services are stopped; keeper and daemon have ended.",
        false => "There is no daemon: nothing to kill.",
    });
    Ok(())
}

/// Ends everything in that home. Returns whether there was anything.
///
/// # Errors
/// When the daemon refuses, or keeper or daemon do not end.
pub async fn end(home: &Home) -> Result<bool, CliError> {
    let Some(mut asked) = shut_down(home).await? else { return Ok(false) };
    let begun = Instant::now();
    let mut told = false;
    let mut daemon_gone = None;
    let mut looked = Instant::now();
    loop {
        let daemon = start::daemon_lives(home);
        if !daemon && !start::keeper_lives(home) {
            return Ok(true);
        }
        if daemon {
            daemon_gone = None;
        } else if daemon_gone.get_or_insert_with(Instant::now).elapsed() > KEEPER {
            return Err(CliError::new(format!(
                "the daemon has ended and the keeper has not: see {}",
                home.daemon_log().display()
            )));
        }
        if looked.elapsed() > LOOK {
            if daemon && daemon_pid(home).await.is_some_and(|pid| pid != asked) {
                asked = shut_down(home).await?.unwrap_or(asked);
            }
            looked = Instant::now();
        }
        if begun.elapsed() > LONG && !told {
            told = true;
            out::notice("Waiting for services to stop …");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The daemon of now, if it answers in a moment. One that has closed its doors is ending.
async fn daemon_pid(home: &Home) -> Option<i64> {
    let client = Client::local(home).ok()?;
    let system = tokio::time::timeout(LOOK, client.system());
    system.await.ok()?.ok().map(|system| system.daemon.pid)
}

/// Asks for the end of everything. Returns which daemon was asked; none when nobody is there.
async fn shut_down(home: &Home) -> Result<Option<i64>, CliError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if !start::daemon_lives(home) && !start::keeper_lives(home) {
            return Ok(None);
        }
        let error = match ask(home).await {
            Ok(pid) => return Ok(Some(pid)),
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

/// Asks the daemon that is there.
async fn ask(home: &Home) -> Result<i64, ClientError> {
    let client = Client::local(home)?;
    // Before it is asked: afterwards it may be gone.
    let pid = client.system().await?.daemon.pid;
    client.shutdown().await?;
    Ok(pid)
}
