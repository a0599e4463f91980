//! `deploy`: a project goes to its hosts, by the `deploy` section of its ecosystem file, as in PM2.
//!
//! Everything is done by the user's own ssh and git; the daemon has no part in it.

mod script;

use std::process::Stdio;

use tokio::process::Command;

use super::super::deploy_args::DeployArgs;
use super::super::error::CliError;
use super::super::{file_args, out};
use crate::ecosystem::{self, Document, Target};

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Task {
    Setup,
    /// That version; the file's when none is named.
    Update(Option<String>),
    Revert(u32),
    /// The version that was deployed so many times ago.
    Show(u32),
    List,
    Exec(String),
}

/// Runs the command, on one host after the other; the first that fails is the last.
pub async fn run(args: DeployArgs) -> Result<(), CliError> {
    let (document, words) = document(args.words).await?;
    let Some((name, words)) = words.split_first() else {
        return Err(CliError::Usage(
            "name an environment of the deploy section: pmdaemon deploy production".into(),
        ));
    };
    let target = ecosystem::target(&document, name).map_err(|e| CliError::new(e.to_string()))?;
    let task = task(words)?;
    if let Task::Update(_) = task {
        if !args.force {
            nothing_left_out().await?;
        }
        if let Some(hook) = target.hooks.get("pre-deploy-local") {
            let mut shell = Command::new("sh");
            shell.args(["-c", hook]).envs(&target.env);
            ended(shell, "pre-deploy-local").await?;
        }
    }
    for host in &target.hosts {
        on(&target, host, &task).await?;
        let told = match &task {
            Task::Setup => "is set up: deploy it with update",
            Task::Update(_) | Task::Revert(_) => "is deployed",
            Task::Show(_) | Task::List | Task::Exec(_) => continue,
        };
        out::done(&format!("{name} on {host} {told}."));
    }
    Ok(())
}

/// The file, and what is said about it. Without a file it is that of this directory.
async fn document(words: Vec<String>) -> Result<(Document, Vec<String>), CliError> {
    let (file, rest) = match words.split_first() {
        Some((first, rest)) if ecosystem::is_file(first) => (first.clone(), rest.to_vec()),
        Some(_) | None => (file_args::default_file()?, words),
    };
    let document = ecosystem::read(&file).await.map_err(|e| CliError::new(e.to_string()))?;
    Ok((document, rest))
}

fn task(words: &[String]) -> Result<Task, CliError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        ["setup"] => Task::Setup,
        [] | ["update" | "deploy"] => Task::Update(None),
        ["ref", reference] => Task::Update(Some((*reference).to_owned())),
        ["revert"] => Task::Revert(1),
        ["revert", number] => Task::Revert(number.parse().map_err(|_| {
            CliError::Usage(format!("revert {number:?}: use how many deployments to go back, like 1"))
        })?),
        ["current" | "curr"] => Task::Show(0),
        ["previous" | "prev"] => Task::Show(1),
        ["list"] => Task::List,
        ["exec" | "run", command @ ..] if !command.is_empty() => Task::Exec(command.join(" ")),
        [one] if !one.starts_with('-') && !matches!(*one, "exec" | "run") => {
            Task::Update(Some((*one).to_owned()))
        }
        _ => {
            return Err(CliError::Usage(format!(
                "{:?} is not understood: use setup, update, revert [N], current, previous, list, exec COMMAND, or ref REF",
                words.join(" ")
            )));
        }
    })
}

/// What is not committed does not go along: that is said before, not found out afterwards.
async fn nothing_left_out() -> Result<(), CliError> {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--untracked-files=no"]).stdin(Stdio::null()).stderr(Stdio::null());
    // Without git, or outside of a repository, there is nothing to compare.
    let Ok(output) = git.output().await else { return Ok(()) };
    match output.status.success() && !output.stdout.is_empty() {
        false => Ok(()),
        true => Err(CliError::new(
            "there are changes here that are not committed and would not be deployed: commit and push them, or use --force",
        )),
    }
}

async fn on(target: &Target, host: &str, task: &Task) -> Result<(), CliError> {
    let run = async |script: &str, what: &str| {
        ended(ssh(target, host, script)?, &format!("{what} on {host}")).await
    };
    match task {
        Task::Setup => run(&script::setup(target), "setup").await,
        Task::Update(None) => run(&script::update(target, &target.reference), "deploy").await,
        Task::Update(Some(reference)) => run(&script::update(target, reference), "deploy").await,
        Task::Revert(ago) => {
            let version = answer(ssh(target, host, &script::version(target, *ago))?, host).await?;
            run(&script::update(target, &version), "revert").await
        }
        Task::Show(ago) => run(&script::version(target, *ago), "showing a version").await,
        Task::List => run(&script::list(target), "list").await,
        Task::Exec(command) => run(&script::exec(target, command), "exec").await,
    }
}

/// The user's own ssh, which runs the lines in the shell of the user there.
fn ssh(target: &Target, host: &str, script: &str) -> Result<Command, CliError> {
    let mut ssh = Command::new("ssh");
    for option in &target.ssh_options {
        ssh.arg("-o").arg(option.trim_start_matches("-o").trim_start());
    }
    if let Some(port) = &target.port {
        ssh.arg("-p").arg(port);
    }
    if let Some(key) = &target.key {
        ssh.arg("-i").arg(key);
    }
    if target.forward_agent {
        ssh.arg("-A");
    }
    let whose = match &target.user {
        Some(user) => format!("{user}@{host}"),
        None => host.to_owned(),
    };
    // So that no name is taken for an option.
    ssh.arg("--").arg(whose).arg(script);
    Ok(ssh)
}

/// Runs it to its end, with our own streams.
async fn ended(mut command: Command, what: &str) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("{what} could not be run: {e}"));
    let status = command.status().await.map_err(failed)?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => {
            Err(CliError::new(format!("{what} failed with exit code {code}: what it said is above")))
        }
        None => Err(CliError::new(format!("{what} was ended by a signal"))),
    }
}

/// Runs it to its end; answers with the line that it printed.
async fn answer(mut command: Command, host: &str) -> Result<String, CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("ssh to {host} could not be run: {e}"));
    let output = command.output().await.map_err(failed)?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match output.status.success() && !line.is_empty() {
        true => Ok(line),
        false => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(CliError::new(format!("the earlier deployment on {host} is not known: {why}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_mean_in_pm2() {
        let of = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            task(&words).map_err(|error| error.sentence().unwrap_or_default())
        };
        let update = |reference: &str| Task::Update(Some(reference.to_owned()));
        for (line, expected) in [
            ("", Task::Update(None)),
            ("update", Task::Update(None)),
            ("setup", Task::Setup),
            ("ref v1.2", update("v1.2")),
            ("v1.2", update("v1.2")),
            ("revert", Task::Revert(1)),
            ("revert 3", Task::Revert(3)),
            ("current", Task::Show(0)),
            ("prev", Task::Show(1)),
            ("list", Task::List),
            ("exec pm2 reload all", Task::Exec("pm2 reload all".to_owned())),
        ] {
            assert_eq!(of(line), Ok(expected), "{line}");
        }
        for line in ["revert x", "exec", "setup now", "--what"] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
