//! Arguments of `operations`.

use clap::{Args, Subcommand};

/// `operations`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pmdaemon operations\n  pmdaemon operations cancel 12\n\nThe newest 1,000 are kept, for a \
                  day after their end; 20 are shown."
)]
pub struct OperationsArgs {
    /// What to do instead of showing them
    #[command(subcommand)]
    pub command: Option<OperationsCommand>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done to one.
#[derive(Subcommand, Debug)]
pub enum OperationsCommand {
    /// Leave undone what has not begun; of a reload, a new run goes again and the old one stays
    Cancel(CancelArgs),
}

/// `operations cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Its number, as operations shows it
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub id: i64,
    /// Print the operation as JSON
    #[arg(long)]
    pub json: bool,
}
