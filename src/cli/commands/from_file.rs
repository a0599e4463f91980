//! What `start`, `restart`, `reload` and `apply` do with the apps of a file: the daemon says what
//! differs, and each app gets what its verb makes of that. Nothing happens before all apps are
//! checked.

use std::time::Duration;

use super::super::error::CliError;
use super::super::session::{Session, on_this_machine};
use super::report::{Line, Report};
use super::{act, reload, scale};
use crate::client::ANY;
use crate::ecosystem::Declared;
use crate::wire::{Action, NewApp, Plan, PlanAction, PlanOrder, PlanStep, ScaleOrder, Then};

/// How long the daemon is waited for that starts something new.
const WAIT: Duration = Duration::from_secs(30);

/// What was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// What is absent or down starts, what differs changes.
    Start,
    /// Everything restarts.
    Restart,
    /// Everything is replaced, a few processes at a time.
    Reload {
        /// How long each new run has to stay well, if not for as long as the app says.
        soak: Option<Duration>,
    },
    /// What differs changes; the rest is left alone.
    Apply,
}

/// What would be done.
pub async fn plan(
    session: &Session,
    declared: &Declared,
    prune: bool,
    update_env: bool,
) -> Result<Plan, CliError> {
    if update_env {
        on_this_machine("--update-env")?;
    }
    let order = PlanOrder { apps: declared.apps.clone(), prune, update_env };
    session.ask(async |c| c.plan(&order).await).await
}

/// What the verb makes of them, without a question. All are checked before anything happens.
pub async fn all(
    session: &Session,
    verb: Verb,
    declared: &Declared,
    update_env: bool,
    report: &mut Report,
) -> Result<(), CliError> {
    if !declared.apps.is_empty() {
        let plan = plan(session, declared, false, update_env).await?;
        bring(session, verb, declared, &plan, report).await;
    }
    Ok(())
}

/// Does it. What fails for one app is told, and the others go on; so it is with one that somebody has
/// changed since the plan was made. What lacks a port comes after the others, of which one may leave it.
pub async fn bring(session: &Session, verb: Verb, declared: &Declared, plan: &Plan, report: &mut Report) {
    let mut open: Vec<&PlanStep> = plan.steps.iter().collect();
    while !open.is_empty() {
        let count = open.len();
        let mut left = Vec::new();
        for step in open {
            let is = |app: &&NewApp| {
                app.name.as_deref() == Some(&step.app)
                    && app.namespace.as_deref().unwrap_or("default") == step.namespace
            };
            let done = match declared.apps.iter().find(is) {
                Some(new) => one(session, verb, new, step, report).await,
                None => remove(session, step, report).await,
            };
            match done {
                Ok(()) => {}
                Err(error) if lacks_a_port(verb, step, &error) => left.push((step, error)),
                Err(error) => report.refuse(&told(error, step)),
            }
        }
        // Nobody has left one.
        if left.len() == count {
            left.iter().for_each(|(step, error)| report.refuse(&without_port(step, error, count)));
            return;
        }
        open = left.into_iter().map(|(step, _)| step).collect();
    }
}

/// It was refused because of a port, and nothing of it was done: a reload changes the definition before.
fn lacks_a_port(verb: Verb, step: &PlanStep, error: &CliError) -> bool {
    let code = match error {
        CliError::Client(client) => client.code(),
        CliError::Sentence(_) | CliError::Usage(_) | CliError::Told | CliError::Code(_) => None,
    };
    let reloads = matches!(verb, Verb::Reload { .. }) || step.action == PlanAction::Reload;
    matches!(code, Some("port_taken" | "ports_exhausted")) && !reloads
}

/// Several that are left may be in each other's way.
fn without_port(step: &PlanStep, error: &CliError, count: usize) -> CliError {
    let cure = match count {
        1 => "",
        _ => "; if the file moves that one, too, stop it first: they are in each other's way",
    };
    CliError::new(format!("{}: {}{cure}", step.app, error.sentence().unwrap_or_default()))
}

async fn one(
    session: &Session,
    verb: Verb,
    new: &NewApp,
    step: &PlanStep,
    report: &mut Report,
) -> Result<(), CliError> {
    match (step.action, verb) {
        (PlanAction::Create, _) => {
            let app = session.ask_once(async |c| c.create_app(new, WAIT).await).await?;
            report.add_new(app.processes, app.autostart);
            Ok(())
        }
        (PlanAction::None, Verb::Start) => act(session, Action::Start, step, report).await,
        (PlanAction::None, Verb::Restart) => act(session, Action::Restart, step, report).await,
        (PlanAction::None, Verb::Reload { soak }) => {
            let how = reload::How { soak, port: None };
            reload::one(session, &whose(step), &how, report).await.map(drop)
        }
        (PlanAction::None, Verb::Apply) => Ok(()),
        (PlanAction::Start, _) if step.changes.is_empty() => act(session, Action::Start, step, report).await,
        (PlanAction::Start, _) => change(session, new, step, Then::Start, report).await,
        (PlanAction::Live, Verb::Start | Verb::Apply) => {
            let whose = whose(step);
            let app = session
                .ask_once(async |c| c.update_app(&whose, tag(step), new, Then::Keep, WAIT).await)
                .await?;
            report.note(Line::Done(format!("Changed {}; what runs goes on.", step.app)));
            app.processes.iter().for_each(|process| report.keep(process));
            Ok(())
        }
        (PlanAction::Live | PlanAction::Restart | PlanAction::Reload, Verb::Restart)
        | (PlanAction::Restart, Verb::Start | Verb::Apply) => {
            change(session, new, step, Then::Restart, report).await
        }
        (PlanAction::Live | PlanAction::Restart | PlanAction::Reload, Verb::Reload { .. })
        | (PlanAction::Reload, Verb::Start | Verb::Apply) => {
            let soak = match verb {
                Verb::Reload { soak } => soak,
                Verb::Start | Verb::Restart | Verb::Apply => None,
            };
            reloaded(session, new, step, soak, report).await
        }
        (PlanAction::Remove, _) => remove(session, step, report).await,
    }
}

/// The definition first, and a reload to it, which takes it back when it fails; then the number of
/// processes. Where the ports of the new definition are too few for those of before, the number goes
/// first, and comes back when the reload fails.
async fn reloaded(
    session: &Session,
    new: &NewApp,
    step: &PlanStep,
    soak: Option<Duration>,
    report: &mut Report,
) -> Result<(), CliError> {
    let whose = whose(step);
    let how = reload::How { soak, port: None };
    let before = act::meant(session, &whose).await?;
    let put = async |app: &NewApp| {
        session.ask_once(async |c| c.update_app(&whose, tag(step), app, Then::Keep, WAIT).await).await
    };
    let number = new.instances.filter(|number| *number != before.len() as i64);
    let (Some(number), true) = (number, before.iter().any(|process| process.status != "stopped")) else {
        put(new).await?;
        return reload::one(session, &whose, &how, report).await.map(drop);
    };
    match put(&NewApp { instances: None, ..new.clone() }).await {
        Ok(_) => reload::renumbered(session, &whose, &how, &[(whose.clone(), number)], report).await,
        Err(error) if number < before.len() as i64 && is_refused(&error) => {
            put(new).await?;
            let done = reload::one(session, &whose, &how, report).await.map(drop);
            if done.is_err() {
                let order = ScaleOrder { instances: Some(before.len() as i64), delta: None };
                scale::bring(session, &whose, &step.app, &order, report).await?;
            }
            done
        }
        Err(error) => Err(error),
    }
}

/// The definition cannot be that one.
fn is_refused(error: &CliError) -> bool {
    matches!(error, CliError::Client(client) if matches!(client.status(), Some(409 | 422)))
}

async fn change(
    session: &Session,
    new: &NewApp,
    step: &PlanStep,
    then: Then,
    report: &mut Report,
) -> Result<(), CliError> {
    let whose = whose(step);
    let app = session.ask_once(async |c| c.update_app(&whose, tag(step), new, then, WAIT).await).await?;
    report.add_updated(app.processes, then);
    Ok(())
}

async fn act(
    session: &Session,
    action: Action,
    step: &PlanStep,
    report: &mut Report,
) -> Result<(), CliError> {
    act::act_on_each(session, action, &[whose(step)], report).await
}

async fn remove(session: &Session, step: &PlanStep, report: &mut Report) -> Result<(), CliError> {
    let whose = whose(step);
    let before = act::meant(session, &whose).await?;
    let reached = session.ask_once(async |c| c.delete_app(&whose, tag(step), act::WAIT).await).await?;
    report.add(Action::Delete, act::as_deleted(session, reached).await?, &before);
    Ok(())
}

/// A refusal of somebody else's version says whose it is.
fn told(error: CliError, step: &PlanStep) -> CliError {
    match &error {
        CliError::Client(client) if client.code() == Some("other_revision") => CliError::new(format!(
            "{} is left as it is: somebody has changed it since it was compared; look at pmdaemon plan again",
            step.app
        )),
        CliError::Client(_)
        | CliError::Sentence(_)
        | CliError::Usage(_)
        | CliError::Told
        | CliError::Code(_) => error,
    }
}

/// The version that was compared: nothing replaces one that nobody has looked at.
fn tag(step: &PlanStep) -> &str {
    step.etag.as_deref().unwrap_or(ANY)
}

fn whose(step: &PlanStep) -> String {
    format!("{}:{}", step.namespace, step.app)
}
