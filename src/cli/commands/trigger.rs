//! `trigger`: has programs do something that they offer.

use serde_json::Value;

use super::super::error::CliError;
use super::super::give_args::TriggerArgs;
use super::super::out;
use super::super::render::escape;
use super::super::session::Session;
use crate::wire::TriggerOrder;

/// Runs the command. One reply is printed as it is, several each with its process.
pub async fn run(args: TriggerArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let order = TriggerOrder { action: args.action.clone(), param: args.param.clone() };
    // Not twice: it may do more than tell.
    let items = session.ask_once(async |c| c.trigger(&args.reference, &order).await).await?.items;
    if args.json {
        out::json(&items);
    }
    let mut failed = false;
    for item in &items {
        let problem = match (&item.problem, item.answered) {
            (Some(problem), _) => Some(problem.clone()),
            (None, false) => Some(format!("{} has not replied within 10 s", item.name)),
            (None, true) => None,
        };
        if let Some(problem) = problem {
            out::error(&problem);
            failed = true;
        } else if !args.json {
            let reply = match &item.reply {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let reply = if session.screen.width.is_some() { escape::harmless(&reply) } else { reply };
            out::line(&if items.len() == 1 { reply } else { format!("{}: {reply}", item.name) });
        }
    }
    if failed { Err(CliError::Told) } else { Ok(()) }
}
