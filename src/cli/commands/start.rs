//! `start`: runs something new, or an app that is there and does not run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;

use super::super::define_args::directory;
use super::super::error::CliError;
use super::super::file_args::{self, FileArgs};
use super::super::out;
use super::super::render::units;
use super::super::rolling_args::RollingArgs;
use super::super::runtime_args::RuntimeArgs;
use super::super::session::Session;
use super::super::start_args::StartArgs;
use super::super::values::EnvWord;
use super::super::watch_args::WatchArgs;
use super::from_file::{self, Verb};
use super::report::Report;
use super::{act, logs, runtime, update_env};
use crate::client::{self, ANY};
use crate::wire::Action;
use crate::wire::{NewApp, Then};

/// How long the daemon is waited for that starts something new.
const WAIT: Duration = Duration::from_secs(30);

/// Runs the command.
pub async fn run(args: StartArgs) -> Result<(), CliError> {
    if args.no_daemon {
        return runtime::run(RuntimeArgs::of(args)).await;
    }
    let attach = args.attach;
    let report = begin(args).await?;
    let ids = report.ids();
    report.finish()?;
    // No ids would mean the logs of everybody.
    if attach && !ids.is_empty() { logs::follow_all(ids).await } else { Ok(()) }
}

/// Starts what is given. What was told is in the answer.
///
/// # Errors
/// When nothing can be started at all.
pub async fn begin(mut args: StartArgs) -> Result<Report, CliError> {
    if args.targets.is_empty() {
        args.targets.extend(args.watch.take_target());
    }
    if args.targets.is_empty() {
        args.targets.push(file_args::default_file()?);
    }
    let (files, targets) = file_args::split(args.targets);
    args.targets = targets;
    if !files.is_empty() {
        return from_files(&args, &files).await;
    }
    if args.targets.len() > 1 && args.name.is_some() {
        return Err(CliError::new(
            "--name is for one script and several were given: start them one by one, or put arguments of the \
             script after --",
        ));
    }
    if let Some(notice) = args.define.pm2.notice()? {
        out::notice(&notice);
    }
    let here = std::env::current_dir()
        .map_err(|e| CliError::new(format!("the current directory is not usable: {e}; give --cwd")))?;
    // First what can be wrong on this side: it starts no daemon.
    let mut definition = definition(&args, &here)?;
    let session = Session::open().await?;
    if session.server().is_some() {
        // The variables and directories of this machine are none of the server's.
        definition.inherited_env = None;
        if let Some(instances) = args.define.instances {
            definition.instances = Some(instances.on(session.cpus().await?));
        }
        definition.cwd = args.define.cwd.as_ref().map(|cwd| cwd.to_string_lossy().into_owned());
    }
    let mut report = Report::new(args.json);
    let started = args.targets.iter().map(|target| async {
        let mut own = Report::new(args.json);
        if let Err(error) = one(&session, &args, &definition, target, &mut own).await {
            own.refuse(&error);
        }
        own
    });
    if args.wait().is_some() {
        // All at the same time, or one that does not become ready would keep the others from starting.
        join_all(started).await.into_iter().for_each(|own| report.append(own));
    } else {
        for one in started {
            report.append(one.await);
        }
    }
    Ok(report)
}

/// Starts the apps of files. Options that define an app belong into the file.
async fn from_files(args: &StartArgs, files: &[String]) -> Result<Report, CliError> {
    let mut environment = None;
    for word in &args.env {
        match word {
            EnvWord::Environment(name) => environment = Some(name.clone()),
            EnvWord::Variable(name, _) => {
                return Err(CliError::new(format!(
                    "{name} is for one script: write it into env of the file"
                )));
            }
        }
    }
    if let Some(target) = args.targets.first() {
        return Err(CliError::new(format!("start {target} by itself: {} is an ecosystem file", files[0])));
    }
    if args.name.is_some() || defines_something(&StartArgs { env: Vec::new(), ..args.clone() }) {
        return Err(CliError::new(format!(
            "{} says how its apps are: write into it what you would give as an option; --only, --env NAME and \
             --update-env go with a file",
            files[0]
        )));
    }
    let declared = FileArgs { only: args.only.clone(), environment }.read_all(files).await?;
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    let verb = if args.force { Verb::Restart } else { Verb::Start };
    from_file::all(&session, verb, &declared, args.update_env, &mut report).await?;
    Ok(report)
}

/// Starts what the text means.
async fn one(
    session: &Session,
    args: &StartArgs,
    definition: &NewApp,
    target: &str,
    report: &mut Report,
) -> Result<(), CliError> {
    if is_existing(session, args, definition, target).await? {
        if let Some(limit) = args.wait() {
            return start_until_ready(session, target, limit, report).await;
        }
        let target = std::slice::from_ref(&target.to_owned()).to_vec();
        let action = if args.force { Action::Restart } else { Action::Start };
        return act::act_on_each(session, action, &target, report).await;
    }
    let new = NewApp { script: target.to_owned(), ..definition.clone() };
    let created = match args.wait() {
        Some(limit) => {
            out::notice(&waiting(target, limit));
            session.ask_once(async |c| c.create_app_until_ready(&new, limit).await).await
        }
        None => session.ask_once(async |c| c.create_app(&new, WAIT).await).await,
    };
    match created {
        Ok(app) => {
            app.notices.iter().for_each(|notice| out::notice(notice));
            if let Some(notice) = renamed(&new, &app.name) {
                out::notice(&notice);
            }
            report.add_new(app.processes, app.autostart);
        }
        Err(CliError::Client(error)) if error.code() == Some("name_taken") => {
            let Some(id) = error.process() else { return Err(error.into()) };
            redefine(session, args, new, id, report).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The name is of an app that is there: it gets this definition. What is up is left alone unless
/// `--force` says otherwise.
async fn redefine(
    session: &Session,
    args: &StartArgs,
    new: NewApp,
    id: i64,
    report: &mut Report,
) -> Result<(), CliError> {
    let then = match (args.force, args.no_autostart) {
        (true, _) => Then::Restart,
        (false, true) => Then::Keep,
        (false, false) => Then::Start,
    };
    // It keeps its name, whichever of the two found it.
    let new = NewApp { name: None, namespace: None, ..new };
    let whose = format!("id:{id}");
    let app = session.ask_once(async |c| c.update_app(&whose, ANY, &new, then, WAIT).await).await?;
    if let (Some(limit), Then::Start | Then::Restart) = (args.wait(), then) {
        session.ask_once(async |c| c.start_until_ready(&whose, limit).await).await?;
    }
    app.notices.iter().for_each(|notice| out::notice(notice));
    report.add_updated(app.processes, then);
    Ok(())
}

/// Starts an app that is there, and waits until it is ready.
async fn start_until_ready(
    session: &Session,
    reference: &str,
    limit: Duration,
    report: &mut Report,
) -> Result<(), CliError> {
    if reference == "all" {
        return Err(CliError::new("--wait-ready waits for one app at a time: name the apps instead of all"));
    }
    let before = session.ask(async |c| c.app(reference).await).await?.processes;
    out::notice(&waiting(reference, limit));
    let reached = session.ask_once(async |c| c.start_until_ready(reference, limit).await).await?;
    report.add(Action::Start, reached, &before);
    Ok(())
}

/// What to say when the name of a file had to be changed to be the name of an app.
fn renamed(new: &NewApp, name: &str) -> Option<String> {
    let file = Path::new(new.cwd.as_deref()?).join(&new.script);
    if new.name.is_some() || !file.is_file() {
        return None;
    }
    let own = file.file_stem()?.to_string_lossy().into_owned();
    (own != name).then(|| {
        format!(
            "The app is named {name}, because {own:?} is no name: a name has up to 64 letters, digits, '.', '_' or \
             '-', and begins with a letter or '_'. --name gives it another."
        )
    })
}

pub fn waiting(what: &str, limit: Duration) -> String {
    format!("Waiting until {what} is ready, at most {}.", units::setting(limit.as_millis() as i64))
}

/// Whether the text names an app or process that is there. A name that is given with `--name`
/// makes the text a script; a number is never one.
async fn is_existing(
    session: &Session,
    args: &StartArgs,
    definition: &NewApp,
    target: &str,
) -> Result<bool, CliError> {
    if args.name.is_some() || !client::may_be_reference(target) {
        return Ok(false);
    }
    // Nothing runs in a directory that is not there; the daemon says so.
    if session.server().is_none() && definition.cwd.as_ref().is_some_and(|cwd| !Path::new(cwd).is_dir()) {
        return Ok(false);
    }
    let is_file = session.server().is_none()
        && definition.cwd.as_ref().is_some_and(|cwd| Path::new(cwd).join(target).is_file());
    let named = target == "all"
        || target.bytes().all(|b| b.is_ascii_digit())
        || match session.ask(async |c| c.apps_of(target).await).await {
            // A file is a script, unless it happens to be called as an app is.
            Ok(apps) => !is_file || apps.iter().all(|app| app.name == target),
            Err(CliError::Client(error)) if error.status() == Some(404) => false,
            Err(CliError::Client(error)) if is_file && error.code() == Some("ambiguous_ref") => false,
            Err(error) => return Err(error),
        };
    if named && defines_something(args) {
        if is_file {
            return Ok(false);
        }
        return Err(CliError::new(format!(
            "{target} is an app already and these options are for new ones: run pmdaemon start {target} without \
             them, or delete it first"
        )));
    }
    Ok(named)
}

/// Whether there is an option that only makes sense for a new app.
fn defines_something(args: &StartArgs) -> bool {
    args.namespace.is_some()
        || args.port.is_some()
        || !args.env.is_empty()
        || args.watch != WatchArgs::default()
        || args.no_autostart
        || args.rolling != RollingArgs::default()
        || args.define.says_something()
}

/// Everything but the script.
fn definition(args: &StartArgs, here: &Path) -> Result<NewApp, CliError> {
    let app = NewApp {
        name: args.name.clone(),
        namespace: args.namespace.clone(),
        cwd: Some(directory(here.to_owned())?),
        env: variables(&args.env)?,
        inherited_env: Some(update_env::of_this_shell()),
        port: args.port.clone(),
        autostart: args.no_autostart.then_some(false),
        ..NewApp::default()
    };
    let app = args.rolling.define(app);
    args.watch.define(args.define.define(app, here, args.wait_ready, args.wait_timeout)?, here)
}

/// Variables of one script.
fn variables(words: &[EnvWord]) -> Result<BTreeMap<String, String>, CliError> {
    let variable = |word: &EnvWord| match word {
        EnvWord::Variable(name, value) => Ok((name.clone(), value.clone())),
        EnvWord::Environment(name) => Err(CliError::Usage(format!(
            "--env {name} is for an ecosystem file; a variable needs a value: use {name}=VALUE"
        ))),
    };
    words.iter().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::args::{Cli, ClientCommand, Command};
    use super::*;
    use clap::Parser;

    fn parsed(line: &str) -> StartArgs {
        let words = line.split(' ').filter(|word| !word.is_empty());
        match Cli::try_parse_from(["pmdaemon", "start"].into_iter().chain(words)).unwrap().command {
            Command::Client(ClientCommand::Start(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_become_members_of_the_definition() {
        let line = "app.js -n web --namespace blue -i 3 --port 3000-3002 --listen-mode auto --cwd sub --env A=b=c --env D= --interpreter node \
                    --node-args --trace-warnings --interpreter-args --no-deprecation --env-file .env --filter-env AWS_ \
                    --no-autorestart --max-restarts 5 --min-uptime 2s --restart-delay 0 --kill-signal SIGINT \
                    --kill-timeout 1600 --stop-exit-codes 0 3 --no-autostart -- --port 1 -- x";
        let app = definition(&parsed(line), Path::new("/here")).unwrap();
        let json = serde_json::to_value(NewApp { inherited_env: None, ..app }).unwrap();
        let expected = serde_json::json!({
            "script": "", "name": "web", "namespace": "blue", "args": ["--port", "1", "--", "x"],
            "cwd": "/here/sub", "interpreter": "node", "interpreter_args": ["--trace-warnings", "--no-deprecation"],
            "env_file": ["/here/.env"], "filter_env": ["AWS_"], "env": {"A": "b=c", "D": ""}, "instances": 3, "port": "3000-3002", "listen_mode": "auto",
            "autostart": false, "autorestart": false, "max_restarts": 5, "min_uptime_ms": 2000,
            "restart_delay_ms": 0, "stop_exit_codes": [0, 3], "kill_signal": "SIGINT", "kill_timeout_ms": 1600
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_was_not_said_is_left_to_the_daemon() {
        let app = definition(&parsed("app.js"), Path::new("/here")).unwrap();
        let json = serde_json::to_value(NewApp { inherited_env: None, ..app }).unwrap();
        assert_eq!(json, serde_json::json!({ "script": "", "cwd": "/here" }));
        assert!(!defines_something(&parsed("web")));
        assert!(defines_something(&parsed("web -i -1")));
        assert!(defines_something(&parsed("web --env-file x")));
        assert!(defines_something(&parsed("web --exp-backoff-restart-delay 100")));
        assert!(defines_something(&parsed("web -- x")));
    }
}
