//! `import pm2`: the apps of PM2's dump become apps here. PM2's own files are only read.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::error::CliError;
use super::super::import_args::ImportArgs;
use super::super::session::{Session, on_this_machine};
use super::super::{file_args, out, prompt};
use super::from_file;
use super::report::{Line, Report};
use super::update_env;
use crate::client::ANY;
use crate::ecosystem::{self, Dump};
use crate::wire::{NewApp, PlanAction, Then};

/// How long the daemon is waited for that starts something new.
const WAIT: Duration = Duration::from_secs(30);

/// One app on its way.
struct Import {
    new: NewApp,
    /// How PM2 calls it.
    there: String,
    /// It ran when the dump was written.
    ran: bool,
}

/// Runs the command.
pub async fn run(args: ImportArgs) -> Result<(), CliError> {
    on_this_machine("pmdaemon import")?;
    let file = dump_file(&args)?;
    let home = file.parent().unwrap_or(Path::new("/")).to_owned();
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(&file).map_err(|e| {
        CliError::new(format!("{shown} cannot be read: {e}; pm2 save writes it, or name another file"))
    })?;
    let dump = ecosystem::read_dump(&shown, &text, &update_env::of_this_shell())
        .map_err(|e| CliError::new(e.to_string()))?;
    let declared = file_args::declared(&dump.document, &[], None)?;
    let session = Session::open().await?;
    let plan = from_file::plan(&session, &declared, false, false).await?;
    let Dump { apps, .. } = dump;
    let imports: Vec<Import> = declared
        .apps
        .into_iter()
        .zip(apps)
        .zip(&plan.steps)
        .filter(|(_, step)| step.action == PlanAction::Create)
        .map(|((new, (there, ran)), _)| Import { new, there, ran })
        .collect();
    let lives = pm2_lives(&home);
    for step in plan.steps.iter().filter(|step| step.action != PlanAction::Create) {
        out::notice(&format!("{} is here already, and is left as it is.", step.app));
    }
    if imports.is_empty() {
        out::line("Nothing to import.");
        return Ok(());
    }
    imports.iter().for_each(|import| out::line(&said(import, lives, args.takeover)));
    let unasked = prompt::Unasked { done: "imported", option: "--yes" };
    if !args.yes && !prompt::confirm("", "Import these?", unasked)? {
        out::notice("Nothing imported.");
        return Err(CliError::Told);
    }
    let mut report = Report::new(args.json);
    for import in &imports {
        let done = match import.ran && lives && args.takeover {
            true => take_over(&session, import, &home, &mut report).await,
            false => define(&session, import, import.ran && !lives, &mut report).await,
        };
        if let Err(error) = done {
            report.refuse(&error);
        }
    }
    report.finish()
}

/// The named file, or that of PM2's home.
fn dump_file(args: &ImportArgs) -> Result<PathBuf, CliError> {
    if let Some(file) = &args.file {
        return Ok(if file.is_dir() { file.join("dump.pm2") } else { file.clone() });
    }
    let home = std::env::var_os("PM2_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pm2")));
    home.map(|home| home.join("dump.pm2"))
        .ok_or_else(|| CliError::new("neither PM2_HOME nor HOME is set: name the dump"))
}

/// Whether the daemon of that home of PM2 runs.
fn pm2_lives(home: &Path) -> bool {
    let pid = std::fs::read_to_string(home.join("pm2.pid")).unwrap_or_default();
    let Ok(pid) = pid.trim().parse::<u32>() else { return false };
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("PM2"))
}

fn said(import: &Import, lives: bool, takeover: bool) -> String {
    let name = import.new.name.as_deref().unwrap_or_default();
    let how = match (import.ran, lives) {
        (false, _) => "stays stopped",
        (true, false) => "starts",
        (true, true) if takeover => "is stopped in PM2 and starts here",
        (true, true) => {
            "still runs in PM2, so it is not started here: pm2 stop it and start it, or use --takeover"
        }
    };
    format!("+ {name}: {how}")
}

/// Defines it. What is not to run now is still started at boot if the dump says so.
async fn define(
    session: &Session,
    import: &Import,
    starts: bool,
    report: &mut Report,
) -> Result<(), CliError> {
    if starts {
        let app = session.ask_once(async |c| c.create_app(&import.new, WAIT).await).await?;
        report.add_new(app.processes, app.autostart);
        return Ok(());
    }
    let resting = NewApp { autostart: Some(false), ..import.new.clone() };
    let app = session.ask_once(async |c| c.create_app(&resting, WAIT).await).await?;
    if import.ran {
        let whose = format!("{}:{}", app.namespace, app.name);
        session.ask_once(async |c| c.update_app(&whose, ANY, &import.new, Then::Keep, WAIT).await).await?;
    }
    report.add_new(app.processes, false);
    Ok(())
}

/// Stopped there, started here; started there again when that fails.
async fn take_over(
    session: &Session,
    import: &Import,
    home: &Path,
    report: &mut Report,
) -> Result<(), CliError> {
    pm2(home, "stop", &import.there)?;
    let created = session.ask_once(async |c| c.create_app(&import.new, WAIT).await).await;
    match created {
        Ok(app) if app.processes.iter().all(|process| process.pid.is_some()) => {
            report.add_new(app.processes, app.autostart);
            Ok(())
        }
        failed => {
            if let Ok(app) = &failed {
                let whose = format!("{}:{}", app.namespace, app.name);
                let delete = crate::wire::Action::Delete;
                session.ask_once(async |c| c.act(delete, &whose, WAIT).await).await?;
            }
            pm2(home, "restart", &import.there)?;
            report.note(Line::Failed(format!("{} runs in PM2 again: it did not start here", import.there)));
            failed.map(drop)
        }
    }
}

/// A command of the user's own PM2.
fn pm2(home: &Path, verb: &str, app: &str) -> Result<(), CliError> {
    let run = Command::new("pm2")
        .args([verb, app, "--silent"])
        .env("PM2_HOME", home)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| CliError::new(format!("{app} was not taken over: pm2 does not start: {e}")))?;
    match run.status.success() {
        true => Ok(()),
        false => {
            Err(CliError::new(format!("{app} was not taken over: pm2 {verb} failed with {}", run.status)))
        }
    }
}
