//! `forward`: logs that are sent elsewhere.

use super::super::error::CliError;
use super::super::forward_args::{AddForwardArgs, ForwardArgs, ForwardCommand};
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use crate::wire::{Forward, NewForward, Stream};

/// Runs the command.
pub async fn run(args: ForwardArgs) -> Result<(), CliError> {
    match args.command {
        ForwardCommand::Add(args) => add(args).await,
        ForwardCommand::List(args) => list(args.json).await,
        ForwardCommand::Remove(args) => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.remove_forward(&args.name).await).await?;
            out::done(&format!("Logs are not sent by {} any more.", args.name));
            Ok(())
        }
        ForwardCommand::Test(args) => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.test_forward(&args.name).await).await?;
            out::done(&format!("{} has taken a test line.", args.name));
            Ok(())
        }
    }
}

async fn add(args: AddForwardArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let stream = args.stream.as_deref().map(|word| match word {
        "err" => Stream::Err,
        _ => Stream::Out,
    });
    let new = NewForward {
        name: args.name,
        syslog: args.syslog,
        http: args.http,
        facility: args.facility,
        headers: args.header.into_iter().collect(),
        gzip: args.gzip,
        apps: args.app,
        stream,
        level: args.level,
    };
    let forward = session.ask_once(async |c| c.add_forward(&new).await).await?;
    match args.json {
        true => out::json(&forward),
        false => {
            let whose = if forward.apps.is_empty() { "all apps".to_owned() } else { forward.apps.join(", ") };
            out::done(&format!(
                "What {whose} write from now on is sent to {} as {}.",
                forward.to, forward.name
            ));
            out::done(&format!("Try it: pmdaemon forward test {}", forward.name));
        }
    }
    Ok(())
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let forwards = session.ask(async |c| c.forwards().await).await?.items;
    match json {
        true => out::json(&forwards),
        false if forwards.is_empty() => out::line("Logs are sent nowhere. pmdaemon forward add begins that."),
        false => out::print(&shown(&forwards, session.screen)),
    }
    Ok(())
}

fn shown(forwards: &[Forward], screen: Screen) -> String {
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("name", 0),
        column("to", 3),
        column("apps", 4),
        column("status", 0),
        column("sent", 2),
        column("behind", 1),
        column("last sent", 5),
    ];
    let row = |forward: &Forward| -> Vec<Cell> {
        let apps = if forward.apps.is_empty() { "all".to_owned() } else { forward.apps.join(",") };
        let lines = |count: i64| units::count(count as usize, "line", "lines");
        let behind = match forward.lag_lines {
            Some(count) => format!("{}, {}", lines(count), units::bytes(forward.lag_bytes)),
            None => units::bytes(forward.lag_bytes),
        };
        let last = forward.last_sent_at.as_ref().map_or("never".to_owned(), |at| units::local_time(at));
        let texts = [
            forward.name.clone(),
            forward.to.clone(),
            apps,
            forward.status.clone(),
            lines(forward.sent_lines),
            behind,
            last,
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    let rows: Vec<Vec<Cell>> = forwards.iter().map(row).collect();
    let mut text = table::render(&columns, &rows, screen);
    for forward in forwards {
        if let (Some(error), Some(since)) = (&forward.error, &forward.failing_since) {
            text.push_str(&format!(
                "{} is failing since {}: {error}\n",
                forward.name,
                units::local_time(since)
            ));
        }
        if forward.lost_bytes > 0 {
            let amount = forward.lost_bytes;
            text.push_str(&format!(
                "{}: {amount} bytes were rotated away before they were sent\n",
                forward.name
            ));
        }
    }
    text
}
