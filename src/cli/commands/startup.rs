//! `startup`: pmdaemon starts with the host.

use std::path::PathBuf;

use nix::unistd::{User, geteuid};

use super::super::error::CliError;
use super::super::out;
use super::super::startup::{Init, Plan, Service, openrc, systemd};
use super::super::startup_args::StartupArgs;
use crate::home::Home;

const NO_INIT: &str = "no init system that pmdaemon knows runs this host (systemd, OpenRC), so nothing was written: in a \
                       container let `pmdaemon run` be the main process, elsewhere run that at boot";

/// Runs the command.
pub async fn run(args: StartupArgs) -> Result<(), CliError> {
    let init = args.init.or_else(Init::found).ok_or_else(|| CliError::new(NO_INIT))?;
    let plan = plan(init, &args)?;
    if args.print {
        out::print(&format!("# {}\n{}", plan.file.display(), plan.text));
        return Ok(());
    }
    // Written for an init system that does not run here, it would do nothing.
    if Init::found() != Some(init) {
        return Err(CliError::new(NO_INIT));
    }
    if !geteuid().is_root() && !args.user {
        out::line(&as_root("startup", &args)?);
        return Err(CliError::new(
            "only root can do that for the whole host: run the line above, or use --user",
        ));
    }
    plan.carry_out(&mut |step| out::done(&step))?;
    plan.notes.iter().for_each(|note| out::notice(note));
    Ok(())
}

/// The plan that these arguments ask for.
///
/// # Errors
/// When they do not fit.
pub fn plan(init: Init, args: &StartupArgs) -> Result<Plan, CliError> {
    let account = account(args.username.as_deref())?;
    let is_root = account.uid.is_root();
    let home = match &args.home {
        Some(home) => std::path::absolute(home).map_err(|e| CliError::new(format!("--home: {e}")))?,
        None if args.username.is_some() => account.dir.join(".pmdaemon"),
        None => Home::from_env().map_err(CliError::new)?.path().to_owned(),
    };
    let program = program()?;
    let usual =
        if is_root || args.user { "pmdaemon".to_owned() } else { format!("pmdaemon-{}", account.name) };
    let name = args.service_name.clone().unwrap_or(usual);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Err(CliError::new(format!(
            "{name:?} is no name for a service: use letters, digits, '-', '_' and '.'"
        )));
    }
    let texts = [home.to_str(), program.to_str()];
    if texts.iter().any(|text| text.is_none_or(|text| text.contains(char::is_control))) {
        return Err(CliError::new(format!(
            "the path {} or {} cannot be written into a service: move it",
            home.display(),
            program.display()
        )));
    }
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let user = (!is_root).then(|| account.name.clone());
    let service = Service { name, program, home, user, path };
    match (init, args.user) {
        (Init::Systemd, true) => Ok(systemd::plan(&service, Some(&account.dir))),
        (Init::Systemd, false) => Ok(systemd::plan(&service, None)),
        (Init::Openrc, false) => Ok(openrc::plan(&service)),
        (Init::Openrc, true) => Err(CliError::new("OpenRC has no services of users: leave out --user")),
    }
}

/// The line that does it as root.
///
/// # Errors
/// When the program or the user is not known.
pub fn as_root(verb: &str, args: &StartupArgs) -> Result<String, CliError> {
    let account = account(args.username.as_deref())?;
    let home = match &args.home {
        Some(home) => home.clone(),
        None => Home::from_env().map_err(CliError::new)?.path().to_owned(),
    };
    let program = program()?;
    let program = program.to_string_lossy();
    let home = home.to_string_lossy();
    let line = ["sudo", &program, verb, "--username", &account.name, "--home", &home];
    shlex::try_join(line).map_err(|e| CliError::new(e.to_string()))
}

fn account(name: Option<&str>) -> Result<User, CliError> {
    let found = match name {
        Some(name) => User::from_name(name),
        None => User::from_uid(geteuid()),
    };
    match (found, name) {
        (Ok(Some(user)), _) => Ok(user),
        (Ok(None), Some(name)) => Err(CliError::new(format!("there is no user {name:?} on this host"))),
        (Ok(None), None) => Err(CliError::new("the user of this process has no name: use --username")),
        (Err(e), _) => Err(CliError::new(format!("cannot look up the user: {e}"))),
    }
}

fn program() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(|e| CliError::new(format!("the program pmdaemon is not found: {e}")))
}
