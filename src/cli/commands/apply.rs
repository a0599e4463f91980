//! `apply`: what the plan says, after a question, and nothing else.

use super::super::error::CliError;
use super::super::plan_args::ApplyArgs;
use super::super::session::Session;
use super::super::{file_args, out, prompt};
use super::from_file::{self, Verb};
use super::plan::{is_empty, show};
use super::report::Report;

/// Runs the command.
pub async fn run(args: ApplyArgs) -> Result<(), CliError> {
    let file = match &args.wanted.file {
        Some(file) => file.clone(),
        None => file_args::default_file()?,
    };
    let declared = args.wanted.of_file.read(&file).await?;
    let session = Session::open().await?;
    let plan = from_file::plan(&session, &declared, args.wanted.prunes(), args.wanted.update_env).await?;
    if !args.json {
        show(&plan);
    }
    if !is_empty(&plan) && !args.yes {
        let unasked = prompt::Unasked { done: "applied", option: "--yes" };
        if !prompt::confirm("", "Do this?", unasked)? {
            out::notice("Nothing applied.");
            return Err(CliError::Told);
        }
    }
    let mut report = Report::new(args.json);
    from_file::bring(&session, Verb::Apply, &declared, &plan, &mut report).await;
    report.finish()
}
