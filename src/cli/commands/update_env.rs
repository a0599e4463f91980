//! `--update-env`: the next run inherits the variables of this shell instead of those that were
//! there when the app was defined. Variables that are gone from the shell are gone from the app.

use super::super::error::CliError;
use super::super::out;
use super::super::session::{Session, on_this_machine};
use crate::client::environment;

/// The variables of this shell that are handed on; says which cannot be.
pub fn of_this_shell() -> std::collections::BTreeMap<String, String> {
    let (inherited, dropped) = environment::inherited(std::env::vars_os());
    if !dropped.is_empty() {
        out::notice(&format!(
            "Not handed on to the app, because they are not UTF-8: {}.",
            dropped.join(", ")
        ));
    }
    inherited
}

/// Gives them to every app that a reference means. Answers the references that can go on; why the
/// others cannot is told.
pub async fn give(
    session: &Session,
    refs: &[String],
    report: &mut super::report::Report,
) -> Result<Vec<String>, CliError> {
    on_this_machine("--update-env")?;
    let variables = of_this_shell();
    let mut given = Vec::new();
    for reference in refs {
        match session.ask(async |c| c.inherit(reference, &variables).await).await {
            Ok(()) => given.push(reference.clone()),
            Err(error) => report.refuse(&error),
        }
    }
    Ok(given)
}
