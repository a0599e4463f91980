//! Options of `restart` and `reload` that change the definition of what is restarted, as in PM2.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::define_args::DefineArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;
use super::super::values::Instances;
use super::act::{self, WAIT};
use super::report::Report;
use crate::wire::{NewApp, Then};

/// Members of definitions that are to be others.
pub struct Change {
    patch: Map<String, Value>,
    instances: Option<Instances>,
    cwd: Option<String>,
}

/// What is to be reloaded with a change.
pub struct Meant {
    /// Which processes.
    pub reference: String,
    /// So many processes these apps are to have then.
    pub numbers: Vec<(String, i64)>,
}

impl Change {
    /// What the options say. `files`: what else is restarted, and says by itself how its apps are.
    ///
    /// # Errors
    /// Options that are wrong, or are given for a file.
    pub fn new(
        name: Option<&str>,
        args: &DefineArgs,
        wait_ready: bool,
        wait_timeout: Option<Duration>,
        files: &[String],
    ) -> Result<Change, CliError> {
        if let Some(notice) = args.pm2.notice()? {
            out::notice(&notice);
        }
        let empty = Change { patch: Map::new(), instances: None, cwd: None };
        if name.is_none() && !args.says_something() {
            return Ok(empty);
        }
        if let Some(file) = files.first() {
            return Err(CliError::new(format!(
                "{file} says how its apps are: write into it what you would give as an option"
            )));
        }
        let here = std::env::current_dir()
            .map_err(|e| CliError::new(format!("the current directory is not usable: {e}")))?;
        let patch = patch(name, args, &here, wait_ready, wait_timeout)?;
        let cwd = args.cwd.as_ref().map(|cwd| cwd.to_string_lossy().into_owned());
        Ok(Change { patch, instances: args.instances, cwd })
    }

    /// Makes it in every app that a reference means, with what follows. Answers the references that
    /// are still to be acted on: none that restarted with the change, or could not be changed, which is
    /// told.
    pub async fn make(
        mut self,
        session: &Session,
        refs: Vec<String>,
        then: Then,
        report: &mut Report,
    ) -> Result<Vec<String>, CliError> {
        if self.patch.is_empty() {
            return Ok(refs);
        }
        self.fit(session).await?;
        let mut left = Vec::new();
        for reference in refs {
            match self.make_in(session, &reference, then, false, report).await {
                // It may mean others by now: labels change, too.
                Ok(meant) if then == Then::Keep => {
                    left.extend(meant.into_iter().map(|meant| meant.reference))
                }
                Ok(_) => {}
                Err(error) => report.refuse(&error),
            }
        }
        Ok(left)
    }

    /// Makes it in every app that a reference means, and answers what is to be reloaded then. The number
    /// of processes of what is up changes after that only.
    pub async fn before_reload(
        mut self,
        session: &Session,
        refs: Vec<String>,
        report: &mut Report,
    ) -> Result<Vec<Meant>, CliError> {
        if self.patch.is_empty() {
            return Ok(refs.into_iter().map(|reference| Meant { reference, numbers: Vec::new() }).collect());
        }
        self.fit(session).await?;
        let mut meant = Vec::new();
        for reference in refs {
            match self.make_in(session, &reference, Then::Keep, true, report).await {
                Ok(more) => meant.extend(more),
                Err(error) => report.refuse(&error),
            }
        }
        Ok(meant)
    }

    /// The CPUs and directories of this machine are none of a server's.
    async fn fit(&mut self, session: &Session) -> Result<(), CliError> {
        if session.server().is_some() {
            if let Some(instances) = self.instances {
                self.patch.insert("instances".into(), instances.on(session.cpus().await?).into());
            }
            if let Some(cwd) = self.cwd.take() {
                self.patch.insert("cwd".into(), cwd.into());
            }
        }
        Ok(())
    }

    /// Answers what is meant: by the names of the apps where all of their processes are, so that each app
    /// is acted on as a whole. `number_later`: what is up keeps its number for now.
    async fn make_in(
        &self,
        session: &Session,
        reference: &str,
        then: Then,
        number_later: bool,
        report: &mut Report,
    ) -> Result<Vec<Meant>, CliError> {
        let apps = session.ask(async |c| c.apps_of(reference).await).await?;
        let (mut whole, mut are_whole) = (Vec::new(), true);
        for app in apps {
            let whose = format!("{}:{}", app.namespace, app.name);
            let all = act::meant(session, &whose).await?;
            are_whole &= all.len() == app.processes.len();
            let mut patch = self.patch.clone();
            let number = match number_later && all.iter().any(|process| process.status != "stopped") {
                true => patch.remove("instances").and_then(|number| number.as_i64()),
                false => None,
            };
            if !patch.is_empty() {
                let changed =
                    session.ask_once(async |c| c.patch_app(&whose, &patch, then, WAIT).await).await?;
                changed.notices.iter().for_each(|notice| out::notice(notice));
                if then != Then::Keep {
                    report.add_updated(changed.processes, then);
                }
            }
            let numbers = number.map(|number| (whose.clone(), number)).into_iter().collect();
            whole.push(Meant { reference: whose, numbers });
        }
        if are_whole {
            return Ok(whole);
        }
        let numbers = whole.into_iter().flat_map(|meant| meant.numbers).collect();
        Ok(vec![Meant { reference: reference.to_owned(), numbers }])
    }
}

/// A JSON merge patch of a definition.
fn patch(
    name: Option<&str>,
    args: &DefineArgs,
    here: &Path,
    wait_ready: bool,
    wait_timeout: Option<Duration>,
) -> Result<Map<String, Value>, CliError> {
    let app = NewApp { name: name.map(str::to_owned), ..NewApp::default() };
    let app = args.define(app, here, wait_ready, wait_timeout)?;
    let Ok(Value::Object(mut patch)) = serde_json::to_value(app) else {
        return Err(CliError::new("these options make no definition".to_owned()));
    };
    patch.remove("script");
    if args.schedule.cron.as_deref() == Some("0") {
        patch.insert("schedule".into(), Value::Null);
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[arg(short, long)]
        name: Option<String>,
        #[command(flatten)]
        define: DefineArgs,
    }

    fn patched(line: &str) -> Value {
        let only = Only::parse_from(["x"].into_iter().chain(line.split_whitespace()));
        let patch = patch(only.name.as_deref(), &only.define, Path::new("/here"), false, None);
        Value::Object(patch.unwrap())
    }

    #[test]
    fn only_what_is_said_changes() {
        assert_eq!(patched(""), json!({}));
        assert_eq!(patched("-n other -i 3"), json!({"name": "other", "instances": 3}));
        assert_eq!(
            patched("--node-args --inspect --max-memory-restart 200M --cwd sub --kill-timeout 3s -- --fast"),
            json!({"interpreter_args": ["--inspect"], "max_memory_bytes": 209_715_200, "cwd": "/here/sub",
                "kill_timeout_ms": 3000, "args": ["--fast"]})
        );
        assert_eq!(patched("--cron-restart 0"), json!({"schedule": null}));
    }
}
