//! `context`: where commands go.

use std::path::PathBuf;

use serde_json::json;

use super::super::error::CliError;
use super::super::identity_args::ContextCommand;
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::session;
use crate::client::Client;
use crate::client::contexts::{Contexts, LOCAL};

/// Runs the command.
pub async fn run(command: ContextCommand) -> Result<(), CliError> {
    let path = Contexts::path()
        .ok_or_else(|| CliError::new("neither XDG_CONFIG_HOME nor HOME is set: there are no contexts"))?;
    let contexts = Contexts::load(&path)?;
    match command {
        ContextCommand::List(args) => list(&contexts, args.json),
        ContextCommand::Use(args) => choose(contexts, path, &args.name),
        ContextCommand::Remove(args) => remove(contexts, path, &args.name).await,
    }
}

/// The one that a command goes to now is marked; no token is shown.
fn list(contexts: &Contexts, as_json: bool) -> Result<(), CliError> {
    let used = session::context()?.map_or_else(|| LOCAL.to_owned(), |context| context.name);
    let local = (LOCAL, "this machine");
    let all = contexts.contexts.iter().map(|context| (context.name.as_str(), context.url.as_str()));
    let all: Vec<(&str, &str)> = std::iter::once(local).chain(all).collect();
    if as_json {
        let items: Vec<_> =
            all.iter().map(|(name, url)| json!({"name": name, "url": url, "used": *name == used})).collect();
        out::json(&items);
        return Ok(());
    }
    let columns = ["", "name", "server"].map(|title| Column { title, expendable: 0, right: false });
    let row = |(name, url): &(&str, &str)| -> Vec<Cell> {
        let mark = if *name == used { "*" } else { "" };
        [mark, name, url].map(|text| Cell::from(text.to_owned())).into()
    };
    let rows: Vec<Vec<Cell>> = all.iter().map(row).collect();
    out::print(&table::render(&columns, &rows, Screen::of_stdout()));
    Ok(())
}

fn choose(mut contexts: Contexts, path: PathBuf, name: &str) -> Result<(), CliError> {
    contexts.current = match name {
        LOCAL => None,
        name => Some(contexts.get(name)?.name.clone()),
    };
    contexts.save(&path)?;
    out::done(&match name {
        LOCAL => "Commands go to this machine.".to_owned(),
        name => format!("Commands go to {name}."),
    });
    Ok(())
}

async fn remove(mut contexts: Contexts, path: PathBuf, name: &str) -> Result<(), CliError> {
    let context = contexts.get(name)?.clone();
    contexts.remove(name);
    contexts.save(&path)?;
    if context.by_password
        && let Err(e) = Client::remote(&context)?.log_out().await
    {
        out::notice(&format!("The token on the server may still count: {e}."));
    }
    out::done(&format!("{name} is forgotten."));
    Ok(())
}
