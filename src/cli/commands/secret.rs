//! `secret`: values that programs get and nobody sees.

use std::io::IsTerminal;

use super::super::error::CliError;
use super::super::out;
use super::super::password;
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::secret_args::SecretCommand;
use super::super::session::Session;
use crate::wire::Secret;

/// More than the longest value and the newline behind it.
const LIMIT: u64 = 65_538;

/// Runs the command.
pub async fn run(command: SecretCommand) -> Result<(), CliError> {
    match command {
        SecretCommand::Set { name, namespace } => {
            let value = value(&name)?;
            let session = Session::open().await?;
            session.ask(async |c| c.set_secret(&namespace, &name, &value).await).await?;
            out::done(&format!("Set {name}; apps get it when they start."));
        }
        SecretCommand::List { json } => list(json).await?,
        SecretCommand::Rm { name, namespace } => {
            let session = Session::open().await?;
            session.ask_once(async |c| c.remove_secret(&namespace, &name).await).await?;
            out::done(&format!("Removed {name}."));
        }
    }
    Ok(())
}

/// What is typed, or all of standard input without the newline at its end.
fn value(name: &str) -> Result<String, CliError> {
    if std::io::stdin().is_terminal() {
        return password::present(&format!("Value of {name}: "), false);
    }
    let text = password::all_of_stdin(LIMIT)?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    match value.is_empty() {
        true => Err(CliError::new("there is no value on standard input")),
        false => Ok(value.to_owned()),
    }
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let secrets = session.ask(async |c| c.secrets().await).await?.items;
    if json {
        out::json(&secrets);
        return Ok(());
    }
    if secrets.is_empty() {
        out::line("There are no secrets.");
        return Ok(());
    }
    let column = |title| Column { title, expendable: 0, right: false };
    let columns = ["name", "namespace", "set", "by", "used by"].map(column);
    let row = |secret: &Secret| {
        let used_by = if secret.used_by.is_empty() { "-".to_owned() } else { secret.used_by.join(", ") };
        let at = units::local_time(&secret.updated_at);
        let texts = [secret.name.clone(), secret.namespace.clone(), at, secret.updated_by.clone(), used_by];
        texts.into_iter().map(Cell::from).collect()
    };
    out::print(&table::render(&columns, &secrets.iter().map(row).collect::<Vec<_>>(), session.screen));
    Ok(())
}
