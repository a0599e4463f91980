//! `upgrade`: another program takes the place of keeper and daemon; services go on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::out;
use super::super::program_args::UpgradeArgs;
use crate::client::{Client, start};
use crate::home::Home;
use crate::wire::{Upgrade, UpgradeBegun};

/// The keeper gives up, and returns to the old program, well within this.
const BOUND: Duration = Duration::from_secs(120);
/// When the user is told that it takes longer.
const LONG: Duration = Duration::from_secs(3);
/// Neither keeper nor daemon for so long: nobody starts either any more.
const NOBODY: Duration = Duration::from_secs(2);

/// Runs the command. Starts nothing.
pub async fn run(args: UpgradeArgs) -> Result<(), CliError> {
    let home = Home::from_env().map_err(CliError::new)?;
    let binary = binary(args.binary.as_deref())?;
    if !start::keeper_lives(&home) && !start::daemon_lives(&home) {
        out::done("There is no daemon: nothing to upgrade. The next command starts one of its own version.");
        return Ok(());
    }
    let client = Client::local(&home)?;
    let before = client.system().await?.daemon;
    let begun = client.upgrade(&binary.display().to_string()).await?;
    let outcome = outcome(&home, &client, &begun).await?;
    match outcome.status.as_str() {
        "done" => {}
        _ => {
            let why = outcome.detail.unwrap_or_else(|| "the daemon does not say why".to_owned());
            return Err(CliError::new(format!(
                "the upgrade failed, and pmdaemon {} goes on: {why}",
                before.version
            )));
        }
    }
    let running = client.processes().await?.items.iter().filter(|process| process.pid.is_some()).count();
    let what = match running {
        0 => "Nothing was running".to_owned(),
        1 => "1 service went on".to_owned(),
        more => format!("{more} services went on"),
    };
    out::done(&format!("Upgraded from {} to {} ({}). {what}.", before.version, begun.version, begun.binary));
    Ok(())
}

/// The file that is asked for, or this program.
fn binary(asked: Option<&Path>) -> Result<PathBuf, CliError> {
    let Some(asked) = asked else {
        let own = std::env::current_exe()
            .map_err(|e| CliError::new(format!("cannot find this program: {e}: use --binary")))?;
        return match own.is_file() {
            true => Ok(own),
            false => Err(CliError::new("the file of this program is gone: use --binary")),
        };
    };
    std::fs::canonicalize(asked).map_err(|e| {
        CliError::new(format!("cannot use {}: {e}: give the path of a pmdaemon", asked.display()))
    })
}

/// Waits until it is known. The daemon is away for a moment.
async fn outcome(home: &Home, client: &Client, begun: &UpgradeBegun) -> Result<Upgrade, CliError> {
    let started = Instant::now();
    let mut told = false;
    let mut nobody_since = None;
    loop {
        match client.system().await {
            Ok(system) => match system.daemon.upgrade {
                Some(upgrade) if upgrade.id == begun.id && upgrade.status != "under_way" => {
                    return Ok(upgrade);
                }
                Some(_) | None => {}
            },
            Err(error) if started.elapsed() > BOUND => return Err(error.into()),
            // It is being replaced.
            Err(_) => {}
        }
        if start::keeper_lives(home) || start::daemon_lives(home) {
            nobody_since = None;
        } else if nobody_since.get_or_insert_with(Instant::now).elapsed() > NOBODY {
            return Err(CliError::new(format!(
                "keeper and daemon have both ended; services go on: see {} and start a good version",
                home.daemon_log().display()
            )));
        }
        if started.elapsed() > BOUND {
            return Err(CliError::new(format!(
                "the outcome of the upgrade is not known after {} s: see {}",
                BOUND.as_secs(),
                home.daemon_log().display()
            )));
        }
        if started.elapsed() > LONG && !told {
            told = true;
            out::notice("Waiting for the new daemon …");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
