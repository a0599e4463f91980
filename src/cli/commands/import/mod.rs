//! `import pm2`: the apps that PM2 runs, or those of its dump, become apps here. PM2's own files are
//! only read.

mod pm2;
mod take_over;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::CliError;
use super::super::import_args::ImportArgs;
use super::super::session::{Session, on_this_machine};
use super::super::{file_args, out, prompt};
use super::from_file;
use super::report::Report;
use super::update_env;
use crate::client::ANY;
use crate::ecosystem::{self, Dump};
use crate::wire::{NewApp, PlanAction, Then};
use pm2::Pm2;
use take_over::take_over;

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
    let pm2 = Pm2::at(file.parent().unwrap_or(Path::new("/")));
    if args.takeover && pm2.lives() {
        pm2.command()?;
    }
    // What it runs now is nearer to the truth than what it has saved.
    let (shown, text) = match args.file.is_none() && pm2.answers() {
        true => ("pm2 jlist".to_owned(), pm2.list()?),
        false => (file.display().to_string(), read(&file)?),
    };
    let dump = ecosystem::read_dump(&shown, &text, &update_env::of_this_shell())
        .map_err(|e| CliError::new(e.to_string()))?;
    let declared = file_args::declared(&dump.document, &[], None).await?;
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
    let lives = pm2.lives();
    for step in plan.steps.iter().filter(|step| step.action != PlanAction::Create) {
        out::notice(&format!("{} is here already, and is left as it is.", step.app));
    }
    if imports.is_empty() {
        out::line("Nothing to import.");
        return Ok(());
    }
    imports.iter().for_each(|import| out::line(&said(import, lives, args.takeover)));
    out::notice("What PM2 has logged stays where it is; from now on logs are where pmdaemon info says.");
    let unasked = prompt::Unasked { done: "imported", option: "--yes" };
    if !args.yes && !prompt::confirm("", "Import these?", unasked)? {
        out::notice("Nothing imported.");
        return Err(CliError::Told);
    }
    let mut report = Report::new(args.json);
    for import in &imports {
        let done = match import.ran && lives && args.takeover {
            true => take_over(&session, import, &pm2, &mut report).await,
            false => define(&session, import, import.ran && !lives, &mut report).await,
        };
        if let Err(error) = done {
            report.refuse(&error);
        }
    }
    if lives && args.takeover {
        out::notice(
            "PM2 still lists what it does not run any more, and starts it again at boot if it is in its dump: pm2 delete \
             all && pm2 save --force forgets it.",
        );
    }
    report.finish()
}

fn read(file: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(file).map_err(|e| {
        let shown = file.display();
        CliError::new(format!("{shown} cannot be read: {e}; pm2 save writes it, or name another file"))
    })
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
