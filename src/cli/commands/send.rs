//! `send`, `message`: something for programs to read.

use super::super::error::CliError;
use super::super::give_args::{MessageArgs, SendArgs};
use super::super::out;
use super::super::session::Session;
use super::report::title;
use crate::wire::{MessageOrder, Outcome};

/// Runs `send`: a line for standard input.
pub async fn run(args: SendArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    // Not twice: a program may count them.
    tell(session.ask_once(async |c| c.send_line(&args.reference, &args.line).await).await?)
}

/// Runs `message`: JSON for the IPC channel.
pub async fn message(args: MessageArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let order = MessageOrder { message: args.message };
    tell(session.ask_once(async |c| c.send_message(&args.reference, &order).await).await?)
}

fn tell(outcome: Outcome) -> Result<(), CliError> {
    outcome.processes.iter().for_each(|process| out::done(&format!("Sent to {}.", title(process))));
    outcome.notices.iter().for_each(|notice| out::error(notice));
    if outcome.notices.is_empty() { Ok(()) } else { Err(CliError::Told) }
}
