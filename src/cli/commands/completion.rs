//! `completion`: what a shell needs to complete commands and options.

use clap::CommandFactory;

use super::super::args::{Cli, CompletionArgs};
use super::super::error::CliError;
use super::super::out;

/// Runs the command. It needs no daemon.
pub fn run(args: &CompletionArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pmdaemon", &mut script);
    out::print_bytes(&script);
    Ok(())
}
