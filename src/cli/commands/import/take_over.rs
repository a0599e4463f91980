//! One app moves: stopped in PM2, started here, and back to PM2 if it does not come to stay.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::super::super::error::CliError;
use super::super::super::out;
use super::super::super::session::Session;
use super::super::report::{Line, Report};
use super::pm2::Pm2;
use super::{Import, WAIT};
use crate::wire::{Action, App, NewApp, Process};

/// How often it is looked how it goes.
const LOOK: Duration = Duration::from_millis(50);
/// Beyond the time that a run has to last, so much more is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Moves it.
///
/// # Errors
/// Why it still runs in PM2, or runs there again.
pub async fn take_over(
    session: &Session,
    import: &Import,
    pm2: &Pm2,
    report: &mut Report,
) -> Result<(), CliError> {
    let freed = pm2.stop(&import.there)?;
    let new = with_port(&import.new, &freed);
    let failed = match session.ask_once(async |c| c.create_app(&new, WAIT).await).await {
        Ok(app) => match stays(session, &app).await {
            Ok(processes) => {
                report.add_new(processes, app.autostart);
                return Ok(());
            }
            Err(why) => {
                let whose = format!("{}:{}", app.namespace, app.name);
                let deleted = session.ask_once(async |c| c.act(Action::Delete, &whose, WAIT).await).await;
                if let Err(error) = deleted {
                    // It must run somewhere all the same.
                    let why = error.sentence().unwrap_or_default();
                    let text =
                        format!("{whose} could not be deleted here: {why}; do it by pmdaemon delete {whose}");
                    report.note(Line::Failed(text));
                }
                why
            }
        },
        Err(error) => error.sentence().unwrap_or_default(),
    };
    pm2.restart(&import.there)?;
    Err(CliError::new(format!("{} runs in PM2 again, because here {failed}", import.there)))
}

/// Workers of a cluster share the port that PM2's daemon listened on for them.
fn with_port(new: &NewApp, freed: &BTreeSet<u16>) -> NewApp {
    let mut new = new.clone();
    let several = new.instances.is_some_and(|instances| instances > 1);
    if let (None, true, [port]) = (&new.port, several, Vec::from_iter(freed).as_slice()) {
        let name = new.name.as_deref().unwrap_or_default();
        out::notice(&format!("{name} listened on {port}: its processes share that port here, too."));
        new.port = Some(port.to_string());
    }
    new
}

/// Its processes, once each has lasted so long that its end would count as a later one's; or why not.
async fn stays(session: &Session, app: &App) -> Result<Vec<Process>, String> {
    let whose = format!("{}:{}", app.namespace, app.name);
    let least = app.min_uptime_ms;
    let deadline = Instant::now() + Duration::from_millis(least.unsigned_abs()) + PATIENCE;
    loop {
        let seen = session.ask(async |c| c.app(&whose).await).await;
        let processes = seen.map_err(|error| error.sentence().unwrap_or_default())?.processes;
        let failing = processes.iter().find(|process| process.restarts > 0 || process.status == "errored");
        if let Some(process) = failing {
            return Err(told(process));
        }
        let has_come_to_stay = |process: &Process| match process.status.as_str() {
            "online" => process.uptime_ms >= Some(least),
            // A job that is done.
            "stopped" => process.last_exit.is_some(),
            _ => false,
        };
        match processes.iter().find(|process| !has_come_to_stay(process)) {
            None => return Ok(processes),
            Some(process) if Instant::now() > deadline => return Err(told(process)),
            Some(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

fn told(process: &Process) -> String {
    let reason = process.reason.clone().or_else(|| {
        let exit = process.last_exit.as_ref()?;
        Some(match (exit.code, &exit.signal) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by {signal}"),
            (None, None) => return None,
        })
    });
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} was {}{reason}", process.name, process.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_port_that_was_freed_is_the_clusters() {
        let check = |port: Option<&str>, instances: i64, freed: &[u16], expected: Option<&str>| {
            let new = NewApp {
                port: port.map(str::to_owned),
                instances: Some(instances),
                ..serde_json::from_value(serde_json::json!({"script": "app.js"})).unwrap()
            };
            let freed = freed.iter().copied().collect();
            assert_eq!(with_port(&new, &freed).port.as_deref(), expected);
        };
        check(None, 2, &[3000], Some("3000"));
        check(None, 1, &[3000], None);
        check(None, 2, &[], None);
        check(None, 2, &[3000, 3001], None);
        check(Some("4000"), 2, &[3000], Some("4000"));
    }
}
