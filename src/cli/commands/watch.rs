//! `--watch` of `stop` and `restart`: whether changes of files restart apps.

use super::super::error::CliError;
use super::super::session::Session;
use super::report::Report;

/// Says so of every app that a reference means; `on` absent: the other of the two than now. Answers
/// the references that can go on; why the others cannot is told.
pub async fn set(
    session: &Session,
    refs: &[String],
    on: Option<bool>,
    report: &mut Report,
) -> Result<Vec<String>, CliError> {
    let mut done = Vec::new();
    for reference in refs {
        match session.ask_once(async |c| c.watch(reference, on).await).await {
            Ok(()) => done.push(reference.clone()),
            Err(error) => report.refuse(&error),
        }
    }
    Ok(done)
}
