//! `scale`: more or fewer processes of an app.

use super::super::act_args::ScaleArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::render::units::count;
use super::super::session::Session;
use super::super::values::Scale;
use super::act::{self, WAIT};
use super::report::{Line, Report, is_down, title};
use crate::client::Reached;
use crate::wire::{Outcome, Process, ScaleOrder};

/// Runs the command.
pub async fn run(args: ScaleArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let cpus = session.cpus().await?;
    let order = match args.number {
        Scale::To(instances) => ScaleOrder { instances: Some(instances.on(cpus)), delta: None },
        Scale::By(delta) => ScaleOrder { instances: None, delta: Some(delta) },
    };
    // By its name: a reference to one process means its app here.
    let meant = act::meant(&session, &args.reference).await?;
    let Some(one) = meant.first() else {
        return Err(CliError::new("there are no processes: nothing to scale"));
    };
    let app = one.app.clone();
    let whole = format!("{}:{app}", one.namespace);
    let reference = match meant.iter().all(|p| p.app == app && p.namespace == one.namespace) {
        true => whole.as_str(),
        false => args.reference.as_str(),
    };
    let mut report = Report::new(args.json);
    let outcome = bring(&session, reference, &app, &order, &mut report).await?;
    if !report.has_failed() && !args.json {
        let number = count(outcome.processes.len(), "process", "processes");
        let already = if outcome.changed { "" } else { " already" };
        out::done(&format!("{app} has {number}{already}."));
    }
    report.finish()
}

/// So many of that app, of that name. Tells who came and who went.
pub async fn bring(
    session: &Session,
    reference: &str,
    app: &str,
    order: &ScaleOrder,
    report: &mut Report,
) -> Result<Outcome, CliError> {
    let before = act::meant(session, reference).await?;
    // Not twice: a difference would count double.
    let reached = session.ask_once(async |c| c.scale(reference, order, WAIT).await).await?;
    let (on_time, outcome) = match reached {
        Reached::Yes(outcome) => (true, outcome),
        Reached::NotYet(outcome) => (false, outcome),
    };
    let is = |list: &[Process], id: i64| list.iter().any(|process| process.id == id);
    for process in outcome.processes.iter().filter(|process| !is(&before, process.id)) {
        report.tell(added(process), process);
    }
    for process in outcome.processes.iter().filter(|process| is(&before, process.id)) {
        report.keep(process);
    }
    for process in before.iter().filter(|process| !is(&outcome.processes, process.id)) {
        report.note(Line::Done(format!("Deleted {}.", title(process))));
    }
    if !on_time {
        report.note(Line::Failed(format!(
            "{app} is not there yet after {} s and the daemon goes on with it: see pmdaemon info {app}",
            WAIT.as_secs()
        )));
    }
    Ok(outcome)
}

fn added(process: &Process) -> Line {
    let title = title(process);
    let because = process.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match (process.status.as_str(), process.pid) {
        ("errored", _) => {
            Line::Failed(format!("{title} is errored{because}; see pmdaemon logs {}", process.id))
        }
        (_, Some(pid)) => {
            let title = title.strip_suffix(')').unwrap_or(&title);
            Line::Done(format!("Started {title}, pid {pid})."))
        }
        (_, None) if is_down(process) => Line::Done(format!("Added {title}; it is {}.", process.status)),
        (status, None) => Line::Done(format!("Added {title}; it is {status}{because}.")),
    }
}
