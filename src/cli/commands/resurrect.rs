//! `resurrect`: brings a restore point back. Without a name: what was saved last by `save`, and
//! what ran when everything was ended by `kill`.

use super::super::error::CliError;
use super::super::out;
use super::super::point_args::PointArgs;
use super::super::render::units::count;
use super::super::session::Session;
use crate::wire::ResurrectedApp;

/// The point that `save` makes when it is given no name.
pub const DEFAULT: &str = "default";
/// The point that `kill` leaves.
const LAST_KILL: &str = "last-kill";

/// Runs the command.
pub async fn run(args: PointArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let names = match args.point {
        Some(name) => vec![name],
        None => {
            let points = session.ask(async |c| c.points().await).await?.items;
            let is_meant = |name: &str| name == DEFAULT || name == LAST_KILL;
            let names: Vec<String> =
                points.into_iter().map(|point| point.name).filter(|name| is_meant(name)).collect();
            if names.is_empty() {
                return Err(CliError::new(
                    "there is no restore point: pmdaemon save makes one, and so does pmdaemon kill of what runs",
                ));
            }
            names
        }
    };
    let mut apps: Vec<ResurrectedApp> = Vec::new();
    for name in &names {
        // May be asked twice: what is there is not brought back again.
        apps.extend(session.ask(async |c| c.resurrect(name).await).await?.apps);
    }
    let failed = apps.iter().filter(|app| app.error.is_some()).count();
    if args.json {
        out::json(&apps);
    } else {
        tell(&apps, &names);
    }
    if failed > 0 { Err(CliError::Told) } else { Ok(()) }
}

fn tell(apps: &[ResurrectedApp], names: &[String]) {
    let mut nothing = true;
    for app in apps {
        nothing &= !app.changed && app.error.is_none();
        let up = app.processes.iter().filter(|process| process.pid.is_some()).count();
        let processes = count(app.processes.len(), "process", "processes");
        if let Some(error) = &app.error {
            out::error(&format!("{} is not brought back: {error}", app.name));
        } else if app.changed {
            out::done(&format!("Brought back {}: {processes}, {up} running.", app.name));
        }
        for process in app.processes.iter().filter(|process| app.changed && process.status == "errored") {
            let reason = process.reason.as_deref().unwrap_or("see its logs");
            out::notice(&format!("{} is errored: {reason}", process.name));
        }
    }
    if nothing {
        out::done(&format!("Everything of {} is there already.", names.join(" and ")));
    }
}
