//! `stop`: ends the whole process tree; it stays down until somebody starts it.

use super::super::act_args::StopArgs;
use super::super::error::CliError;
use super::super::session::Session;
use super::report::Report;
use super::{act, watch};
use crate::wire::Action;

/// Runs the command.
pub async fn run(args: StopArgs) -> Result<(), CliError> {
    let mut refs = args.act.of_file.references(&args.act.refs).await?;
    let session = Session::open().await?;
    let mut report = Report::new(args.act.json);
    if args.watch {
        refs = watch::set(&session, &refs, Some(false), &mut report).await?;
    }
    act::act_on_each(&session, Action::Stop, &refs, &mut report).await?;
    report.finish()
}
