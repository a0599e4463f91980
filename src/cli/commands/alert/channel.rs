//! `alert channel`: who is told.

use super::super::super::channel_args::{AddChannelArgs, ChannelArgs, ChannelCommand};
use super::super::super::error::CliError;
use super::super::super::out::{self, Screen};
use super::super::super::render::table::{self, Cell, Column};
use super::super::super::render::units;
use super::super::super::session::Session;
use super::receiver;
use crate::wire::AlertChannel;

/// Runs the command.
pub async fn run(args: ChannelArgs) -> Result<(), CliError> {
    match args.command {
        ChannelCommand::Add(args) => add(*args).await,
        ChannelCommand::List(args) => list(args.json).await,
        ChannelCommand::Remove(args) => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.remove_alert_channel(&args.name).await).await?;
            out::done(&format!("Removed {}.", args.name));
            Ok(())
        }
        ChannelCommand::Test(args) => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.test_alert_channel(&args.name).await).await?;
            out::done(&format!("{} has taken a test alert.", args.name));
            Ok(())
        }
    }
}

async fn add(args: AddChannelArgs) -> Result<(), CliError> {
    let json = args.json;
    let new = receiver::channel(args)?;
    let session = Session::open().await?;
    let channel = session.ask_once(async |c| c.add_alert_channel(&new).await).await?;
    if json {
        out::json(&channel);
        return Ok(());
    }
    let name = &channel.name;
    let signed = if channel.signed { ", signed" } else { "" };
    out::done(&format!("What rules send to {name} goes to {}{signed}.", channel.to));
    out::done(&format!("Try it: pmdaemon alert channel test {name}"));
    Ok(())
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let channels = session.ask(async |c| c.alert_channels().await).await?.items;
    match json {
        true => out::json(&channels),
        false if channels.is_empty() => {
            out::line("Alerts are told to nobody. pmdaemon alert channel add begins that.");
        }
        false => out::print(&shown(&channels, session.screen)),
    }
    Ok(())
}

fn shown(channels: &[AlertChannel], screen: Screen) -> String {
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("name", 0),
        column("kind", 0),
        column("to", 5),
        column("signed", 4),
        column("status", 0),
        column("sent", 1),
        column("waiting", 2),
        column("last sent", 3),
    ];
    let row = |channel: &AlertChannel| -> Vec<Cell> {
        let kind = match channel.format.as_deref().filter(|format| *format != "pmdaemon") {
            Some(format) => format!("{} ({format})", channel.kind),
            None => channel.kind.clone(),
        };
        let last = channel.last_sent_at.as_ref().map_or("never".to_owned(), |at| units::local_time(at));
        let texts = [
            channel.name.clone(),
            kind,
            channel.to.clone(),
            if channel.signed { "yes" } else { "no" }.to_owned(),
            channel.status.clone(),
            channel.sent.to_string(),
            channel.waiting.to_string(),
            last,
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    let mut text = table::render(&columns, &channels.iter().map(row).collect::<Vec<_>>(), screen);
    for channel in channels {
        if let Some(error) = &channel.error {
            text.push_str(&format!("{} is failing: {error}\n", channel.name));
        }
        if channel.lost > 0 {
            let number = units::count(channel.lost as usize, "notification", "notifications");
            text.push_str(&format!(
                "{}: {number} could not be sent and will not be any more\n",
                channel.name
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_fails_says_why_and_what_was_lost() {
        let channel = AlertChannel {
            name: "ops".into(),
            kind: "webhook".into(),
            to: "https://hooks.example/…".into(),
            format: Some("alertmanager".into()),
            signed: true,
            created_at: "t".into(),
            status: "failing".into(),
            error: Some("it answered 500".into()),
            last_sent_at: None,
            sent: 3,
            waiting: 2,
            lost: 1,
        };
        let told = shown(&[channel], Screen { width: None, color: false });
        let row =
            "ops   webhook (alertmanager)  https://hooks.example/…  yes     failing  3     2        never\n";
        assert!(told.contains(row), "{told}");
        assert!(told.contains("ops is failing: it answered 500\n"), "{told}");
        assert!(told.contains("ops: 1 notification could not be sent"), "{told}");
    }
}
