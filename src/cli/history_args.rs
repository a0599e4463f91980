//! Arguments of `history` and `rollback`.

use clap::Args;

use super::values;

/// `history`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  pmdaemon history web\n\nThe newest 50 revisions of an app are kept.")]
pub struct HistoryArgs {
    /// Which app
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// Print the revisions as JSON
    #[arg(long)]
    pub json: bool,
}

/// `rollback`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  pmdaemon rollback web\n  pmdaemon rollback web 3\n\nWhat is up restarts by that \
                        definition. When it cannot be executed, the present one is put back."
)]
pub struct RollbackArgs {
    /// Which app
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// To which revision [default: the one before the present one]
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(i64).range(1..))]
    pub revision: Option<i64>,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}
