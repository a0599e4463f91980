//! `operations`: what takes time, how far it is, and an end to it.

use super::super::error::CliError;
use super::super::operation_args::{CancelArgs, OperationsArgs, OperationsCommand};
use super::super::out;
use super::super::render::escape::harmless;
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use crate::wire::{Operation, OperationItem};

/// How many are shown.
const SHOWN: u32 = 20;

/// Runs the command.
pub async fn run(args: OperationsArgs) -> Result<(), CliError> {
    match args.command {
        Some(OperationsCommand::Cancel(cancel)) => end(cancel).await,
        None => list(args.json).await,
    }
}

async fn end(args: CancelArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let operation = session.ask_once(async |c| c.cancel_operation(args.id).await).await?;
    if args.json {
        out::json(&operation);
    } else {
        out::done(&format!(
            "Cancelled operation {} ({}){}.",
            operation.id,
            operation.action,
            far(&operation)
        ));
    }
    Ok(())
}

/// `; done: web-0; left: web-1, web-2`
pub fn far(operation: &Operation) -> String {
    let named = |what: &str, is: fn(&OperationItem) -> bool| {
        let names: Vec<_> =
            operation.items.iter().filter(|item| is(item)).map(|item| harmless(&item.name)).collect();
        if names.is_empty() { String::new() } else { format!("; {what}: {}", names.join(", ")) }
    };
    let done = named("done", |item| item.state == "done");
    done + &named("left", |item| item.state != "done")
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let operations = session.ask(async |c| c.operations(SHOWN).await).await?.items;
    if json {
        out::json(&operations);
        return Ok(());
    }
    if operations.is_empty() {
        out::notice("There are no operations.");
        return Ok(());
    }
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("id", 0),
        column("what", 0),
        column("state", 0),
        column("done", 0),
        column("who", 2),
        column("begun", 1),
    ];
    let row = |operation: &Operation| -> Vec<Cell> {
        let progress = operation.progress;
        let texts = [
            operation.id.to_string(),
            operation.action.clone(),
            operation.state.clone(),
            format!("{} of {}", progress.done, progress.total),
            harmless(&operation.author).to_string(),
            units::local_time(&operation.begun_at),
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    out::print(&table::render(&columns, &operations.iter().map(row).collect::<Vec<_>>(), session.screen));
    Ok(())
}
