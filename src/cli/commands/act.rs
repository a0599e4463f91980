//! What `start`, `stop`, `restart`, `reset` and `delete` have in common: each reference by itself, or all.

use std::time::Duration;

use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;
use super::progress;
use super::report::{self, Report};
use crate::client::{Reached, Selection};
use crate::wire::{Action, Process};

/// How long a command waits for what it asked for.
pub const WAIT: Duration = Duration::from_secs(60);

/// Does it to each reference in order; the others are still done when one fails. `all` is every
/// process.
pub async fn act_on_each(
    session: &Session,
    action: Action,
    refs: &[String],
    report: &mut Report,
) -> Result<(), CliError> {
    if refs.iter().any(|reference| reference == "all") {
        return act_on_all(session, action, report).await;
    }
    for reference in refs {
        match act(session, action, reference).await {
            Ok((reached, before)) => report.add(action, reached, &before),
            Err(error) => report.refuse(&error),
        }
    }
    Ok(())
}

/// Does it to one reference. Answers with what became of it and how it was before.
async fn act(
    session: &Session,
    action: Action,
    reference: &str,
) -> Result<(Reached, Vec<Process>), CliError> {
    let before = meant(session, reference).await?;
    let asked = async {
        match action {
            // Twice is the same as once.
            Action::Start | Action::Stop | Action::Reset => {
                session.ask(async |c| c.act(action, reference, WAIT).await).await
            }
            Action::Restart | Action::Delete => {
                session.ask_once(async |c| c.act(action, reference, WAIT).await).await
            }
        }
    };
    let reached = progress::beside(session, action.as_str(), &before, asked).await?;
    let reached = if action == Action::Delete { as_deleted(session, reached).await? } else { reached };
    Ok((reached, before))
}

/// The processes that a reference means, as they are.
pub async fn meant(session: &Session, reference: &str) -> Result<Vec<Process>, CliError> {
    let apps = session.ask(async |c| c.apps_of(reference).await).await?;
    Ok(apps.into_iter().flat_map(|app| app.processes).collect())
}

async fn act_on_all(session: &Session, action: Action, report: &mut Report) -> Result<(), CliError> {
    let before = session.ask(async |c| c.processes().await).await?.items;
    if before.is_empty() {
        if !report.json {
            out::done("There are no processes.");
        }
        return Ok(());
    }
    let asked = session.ask_once(async |c| c.act_on(action, &Selection::All, WAIT).await);
    let reached = progress::beside(session, action.as_str(), &before, asked).await?;
    if action == Action::Stop && !report.json {
        let stopped = report::stopped(&before, &reached);
        report.add(action, reached, &before);
        out::done(&format!("Stopped {stopped}."));
    } else {
        report.add(action, reached, &before);
    }
    Ok(())
}

/// An answer to a deletion lists what is deleted as it was before. When some is still there, says
/// which.
pub async fn as_deleted(session: &Session, reached: Reached) -> Result<Reached, CliError> {
    match reached {
        Reached::Yes(_) => Ok(reached),
        Reached::NotYet(mut outcome) => {
            let there = session.ask(async |c| c.processes().await).await?.items;
            report::tell_deleted(&mut outcome, &there);
            Ok(Reached::NotYet(outcome))
        }
    }
}
