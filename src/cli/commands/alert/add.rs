//! `alert add`: a rule.

use super::super::super::alert_args::{AddRuleArgs, millis};
use super::super::super::error::CliError;
use super::super::super::out;
use super::super::super::session::Session;
use super::named;
use crate::wire::NewAlertRule;

/// Runs the command.
pub async fn run(args: AddRuleArgs) -> Result<(), CliError> {
    let new = NewAlertRule {
        when: args.condition.when()?,
        name: args.name,
        apps: args.app,
        channels: args.channel,
        severity: args.severity,
        cool_down_ms: args.cool_down.map(millis),
        repeat_ms: args.repeat.map(millis),
        paused: false,
    };
    let session = Session::open().await?;
    let rule = session.ask_once(async |c| c.add_alert_rule(&new).await).await?;
    if args.json {
        out::json(&rule);
        return Ok(());
    }
    let whose = named(&rule.apps, "all apps");
    out::done(&format!("{} fires from now on for {whose}: {}.", rule.name, rule.condition));
    match rule.channels.is_empty() {
        true => {
            out::done("No channel is told: pmdaemon alert shows what fires, and add --channel to a rule.")
        }
        false => out::done(&format!("Told to {}.", rule.channels.join(", "))),
    }
    Ok(())
}
