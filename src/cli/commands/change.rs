//! Options of `restart` and `reload` that change the definition of what is restarted, as in PM2.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::define_args::DefineArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;
use super::super::values::Instances;
use super::act::WAIT;
use super::report::Report;
use crate::wire::{NewApp, Then};

/// Members of definitions that are to be others.
pub struct Change {
    patch: Map<String, Value>,
    instances: Option<Instances>,
    cwd: Option<String>,
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
        if session.server().is_some() {
            // The CPUs and directories of this machine are none of the server's.
            if let Some(instances) = self.instances {
                self.patch.insert("instances".into(), instances.on(session.cpus().await?).into());
            }
            if let Some(cwd) = self.cwd.take() {
                self.patch.insert("cwd".into(), cwd.into());
            }
        }
        let mut left = Vec::new();
        for reference in refs {
            match self.make_in(session, &reference, then, report).await {
                // It may mean others by now: labels change, too.
                Ok(ids) if then == Then::Keep => left.extend(ids),
                Ok(_) => {}
                Err(error) => report.refuse(&error),
            }
        }
        Ok(left)
    }

    /// Answers the ids of the processes that are meant.
    async fn make_in(
        &self,
        session: &Session,
        reference: &str,
        then: Then,
        report: &mut Report,
    ) -> Result<Vec<String>, CliError> {
        let apps = session.ask(async |c| c.apps_of(reference).await).await?;
        let mut ids = Vec::new();
        for app in apps {
            let whose = format!("{}:{}", app.namespace, app.name);
            let changed =
                session.ask_once(async |c| c.patch_app(&whose, &self.patch, then, WAIT).await).await?;
            changed.notices.iter().for_each(|notice| out::notice(notice));
            ids.extend(app.processes.iter().map(|process| format!("id:{}", process.id)));
            if then != Then::Keep {
                report.add_updated(changed.processes, then);
            }
        }
        Ok(ids)
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
