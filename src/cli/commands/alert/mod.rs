//! `alert`: what fires, the rules that say what is to be told, and the channels that say to whom.

mod add;
mod channel;
mod list;
mod receiver;
mod rules;

use super::super::alert_args::{AlertArgs, AlertCommand};
use super::super::error::CliError;
use super::super::out;
use super::super::render::units;
use super::super::session::Session;
use crate::wire::{NewAlertRule, System};

/// Runs the command.
pub async fn run(args: AlertArgs) -> Result<(), CliError> {
    match args.command {
        None => list::run(args.json).await,
        Some(AlertCommand::List(args)) => list::run(args.json).await,
        Some(AlertCommand::Add(args)) => add::run(*args).await,
        Some(AlertCommand::Rules(args)) => rules::run(args.json).await,
        Some(AlertCommand::Pause(args)) => pause(&args.name, true).await,
        Some(AlertCommand::Resume(args)) => pause(&args.name, false).await,
        Some(AlertCommand::Remove(args)) => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.remove_alert_rule(&args.name).await).await?;
            out::done(&format!("Removed {}.", args.name));
            Ok(())
        }
        Some(AlertCommand::Channel(args)) => channel::run(args).await,
    }
}

/// Whether a rule tells anything; all else of it stays.
async fn pause(name: &str, paused: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let rule = session.ask(async |c| c.alert_rule(name).await).await?;
    if rule.paused == paused {
        out::done(&format!("{name} {} already.", if paused { "is paused" } else { "tells" }));
        return Ok(());
    }
    let wanted = NewAlertRule { paused, ..NewAlertRule::from(rule) };
    session.ask(async |c| c.replace_alert_rule(&wanted).await).await?;
    out::done(&match paused {
        true => format!("{name} tells nothing until pmdaemon alert resume {name}."),
        false => format!("{name} tells again."),
    });
    Ok(())
}

/// That something fires, and where to see it; nothing if nothing does.
pub fn firing(system: &System) -> Option<String> {
    let number = usize::try_from(system.alerts_firing).ok().filter(|number| *number > 0)?;
    Some(format!("{}: pmdaemon alert", units::count(number, "alert fires", "alerts fire")))
}

/// `web, api`, or what no name stands for.
fn named(names: &[String], none: &str) -> String {
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}
