//! `schema`: the JSON Schema of ecosystem files.

use super::super::error::CliError;
use super::super::out;
use crate::ecosystem;

/// Runs the command. It needs no daemon.
pub fn run() -> Result<(), CliError> {
    out::json(&ecosystem::schema());
    Ok(())
}
