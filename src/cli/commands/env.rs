//! `env`, `get`, `set`, `unset`: variables of an app.

use std::collections::BTreeMap;

use super::super::error::CliError;
use super::super::look_args::{EnvListArgs, GetArgs, SetArgs, Variable};
use super::super::out;
use super::super::render::escape;
use super::super::session::Session;
use super::act::WAIT;
use super::reload;
use super::report::title;
use crate::wire::EnvOrder;

/// Runs `env`: a variable in a line. Without `--show` those that are declared, masked.
pub async fn list(args: EnvListArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let (variables, notices) = match args.show {
        true => (session.ask(async |c| c.reveal_env(&args.reference).await).await?.variables, Vec::new()),
        false => {
            let declared = session.ask(async |c| c.variables(&args.reference).await).await?;
            (declared.variables, declared.notices)
        }
    };
    notices.iter().for_each(|notice| out::notice(notice));
    if args.json {
        out::json(&variables);
        return Ok(());
    }
    let shown = |text: &str| match session.screen.width {
        Some(_) => escape::harmless(text),
        None => text.to_owned(),
    };
    out::print(
        &variables.iter().map(|(name, value)| format!("{}: {}\n", name, shown(value))).collect::<String>(),
    );
    if !args.show {
        out::notice("An admin sees the values, and what is inherited, with --show.");
    }
    Ok(())
}

/// Runs `get`: the value of one variable.
pub async fn get(args: GetArgs) -> Result<(), CliError> {
    let Variable { app, name } = args.variable;
    let session = Session::open().await?;
    let variables = session.ask(async |c| c.reveal_env(&app).await).await?.variables;
    match variables.get(&name) {
        Some(value) => {
            out::line(value);
            Ok(())
        }
        None => Err(CliError::new(format!(
            "{app} has no variable {name}: pmdaemon env {app} lists what it declares"
        ))),
    }
}

/// Runs `set`.
pub async fn set(args: SetArgs) -> Result<(), CliError> {
    let Variable { app, name } = args.variable;
    let told = format!("{name} is set");
    change(&app, EnvOrder { set: BTreeMap::from([(name, args.value)]), unset: Vec::new() }, &told).await
}

/// Runs `unset`.
pub async fn unset(args: GetArgs) -> Result<(), CliError> {
    let Variable { app, name } = args.variable;
    let told = format!("{name} is declared no more");
    change(&app, EnvOrder { set: BTreeMap::new(), unset: vec![name] }, &told).await
}

/// What is up is reloaded where that interrupts nobody, and restarts otherwise, so that it has it.
async fn change(app: &str, order: EnvOrder, told: &str) -> Result<(), CliError> {
    let session = Session::open().await?;
    let asked = session.ask_once(async |c| c.change_env(app, &order, WAIT).await).await;
    let changed = reload::or_show_log(&session, asked).await?;
    changed.notices.iter().for_each(|notice| out::notice(notice));
    for process in &changed.processes {
        let then = match process.pid {
            Some(pid) if process.revision == Some(changed.revision) => {
                format!("it was restarted and is {}, pid {pid}", process.status)
            }
            Some(pid) => format!("it goes on as {}, pid {pid}", process.status),
            None => format!("it is {}", process.status),
        };
        out::done(&format!("{told} for {}; {then}.", title(process)));
    }
    Ok(())
}
