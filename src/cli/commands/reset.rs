//! `reset`: the counters of restarts are zero again; what runs goes on.

use super::super::act_args::ActArgs;
use super::super::error::CliError;
use super::super::session::Session;
use super::act;
use super::report::Report;
use crate::wire::Action;

/// Runs the command.
pub async fn run(mut args: ActArgs) -> Result<(), CliError> {
    args.refs = args.of_file.references(&args.refs).await?;
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    act::act_on_each(&session, Action::Reset, &args.refs, &mut report).await?;
    report.finish()
}
