//! `unstartup`: pmdaemon starts with the host no longer. What runs goes on.

use nix::unistd::geteuid;

use super::super::error::CliError;
use super::super::out;
use super::super::startup::Init;
use super::super::startup_args::StartupArgs;
use super::startup;

/// Runs the command.
pub async fn run(args: StartupArgs) -> Result<(), CliError> {
    let Some(init) = args.init.or_else(Init::found) else {
        return Err(CliError::new(
            "no init system that pmdaemon knows runs this host (systemd, OpenRC): there is nothing to undo",
        ));
    };
    let plan = startup::plan(init, &args)?;
    if args.print {
        let lines = plan.disable[0].iter().map(|command| command.join(" "));
        let remove = std::iter::once(format!("rm {}", plan.file.display()));
        let after = plan.disable[1].iter().map(|command| command.join(" "));
        lines.chain(remove).chain(after).for_each(|line| out::line(&line));
        return Ok(());
    }
    if plan.file.exists() && !geteuid().is_root() && !args.user {
        out::line(&startup::as_root("unstartup", &args)?);
        return Err(CliError::new("only root can do that for the whole host: run the line above"));
    }
    match plan.undo(&mut |step| out::done(&step))? {
        true => out::notice("Services and daemon go on; they start with the host no longer."),
        false => out::done(&format!("There is no {}: nothing to undo.", plan.file.display())),
    }
    Ok(())
}
