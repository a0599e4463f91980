//! One app of a file, as a request to the API.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::apps::Around;
use super::keys::Keys;
use super::{Unusable, hooks, serve, value};
use crate::wire::{
    Balance, Dependency, FileWatch, HealthCheck, LogPolicy, NewApp, Rolling, Schedule, WhenFull,
};

/// How PM2 asks programs to end, and how long it waits: their shutdown handlers rely on it.
const KILL_SIGNAL: &str = "SIGINT";
const KILL_TIMEOUT_MS: i64 = 1600;
/// How long PM2 waits for the message "ready".
const LISTEN_TIMEOUT_MS: i64 = 3000;
/// What `time: true` means.
const PLAIN_TIME: &str = "YYYY-MM-DDTHH:mm:ss";

/// Reads it. `below`: variables of the deployment, which all others win over. The answer has what
/// is to be said, too.
///
/// # Errors
/// File, app, field, and what is wrong with it.
pub fn app(
    file: &str,
    object: &Map<String, Value>,
    below: &BTreeMap<String, String>,
    around: &Around<'_>,
) -> Result<(NewApp, Vec<String>), Unusable> {
    let shown =
        object.get("name").or(object.get("script")).map(value::shown).unwrap_or("without a name".to_owned());
    let keys = Keys::new(&format!("{file}: app {}", shown.trim_matches('"')), object)?;
    let script = keys.get("script", value::text)?.filter(|script| !script.trim().is_empty());
    let script = script.ok_or_else(|| keys.wrong("script", "is missing: name a file or command to run"))?;
    let name = name(&keys, &script)?;
    let cwd = directory(&keys, around.cwd)?;
    let env = variables(&keys, below, around)?;
    let instances = keys.get("instances", |given| instances(given, around.cpus))?;
    let interpreter = keys.get("interpreter", value::text)?;
    let health_check = keys.get("health_check", health)?;
    let (ready, listen_timeout_ms) = readiness(&keys, health_check.is_some())?;
    if keys.get("treekill", value::flag)? == Some(false) {
        keys.notice("treekill: false has no effect: the whole tree is ended, always".to_owned());
    }
    let filter = keys.get("filter_env", filter)?;
    let mut new = NewApp {
        name: Some(name),
        namespace: keys.get("namespace", value::text)?,
        args: keys.get("args", value::words)?.unwrap_or_default(),
        cwd,
        interpreter_args: interpreter_args(&keys, &script, interpreter.as_deref())?,
        interpreter,
        env_file: keys.get("env_file", value::list)?.unwrap_or_default(),
        filter_env: filter.iter().flatten().flatten().cloned().collect(),
        inherited_env: match filter {
            Some(None) => None,
            Some(Some(_)) | None => around.inherited.clone(),
        },
        instance_var: keys.get("instance_var", value::text)?.filter(|name| name != "NODE_APP_INSTANCE"),
        port: port(&keys, &env, instances.unwrap_or(1))?,
        env,
        instances,
        listen_mode: keys.get("listen_mode", value::text)?,
        spread: keys.get("spread", value::text)?,
        balance: keys.get("balance", balance)?,
        rolling: rolling(&keys)?,
        autostart: keys.get("autostart", value::flag)?,
        autorestart: keys.get("autorestart", value::flag)?,
        max_restarts: keys.get("max_restarts", value::number)?,
        min_uptime_ms: keys.get("min_uptime", value::time)?,
        restart_delay_ms: keys.get("restart_delay", value::time)?.filter(|ms| *ms != 0),
        exp_backoff_restart_delay_ms: keys
            .get("exp_backoff_restart_delay", value::time)?
            .filter(|ms| *ms != 0),
        stop_exit_codes: keys.get("stop_exit_codes", value::numbers)?.unwrap_or_default(),
        kill_signal: Some(keys.get("kill_signal", value::text)?.unwrap_or(KILL_SIGNAL.to_owned())),
        kill_timeout_ms: Some(keys.get("kill_timeout", value::time)?.unwrap_or(KILL_TIMEOUT_MS)),
        health_check,
        hooks: keys.get("hooks", hooks::read)?,
        max_memory_bytes: keys.get("max_memory_restart", value::bytes)?.filter(|bytes| *bytes != 0),
        nice: keys.get("nice", value::number)?,
        user: keys.get("user", value::text)?,
        group: keys.get("group", value::text)?,
        max_open_files: keys.get("max_open_files", value::number)?,
        core_size_bytes: keys.get("core_size", value::bytes)?,
        umask: keys.get("umask", value::text)?,
        no_new_privileges: keys.get("no_new_privileges", value::flag)?,
        logs: logs(&keys)?,
        depends_on: keys.get("depends_on", dependencies)?.unwrap_or_default(),
        ready,
        listen_timeout_ms,
        shutdown_with_message: keys.get("shutdown_with_message", value::flag)?,
        stdin: keys.get("stdin", value::flag)?,
        watch: watch(&keys)?,
        schedule: schedule(&keys)?,
        labels: keys.get("labels", value::variables)?.unwrap_or_default(),
        script,
    };
    serve::resolve(&keys, &mut new)?;
    mode(&keys, &mut new)?;
    Ok((new, keys.into_notices()))
}

/// With its prefix, and such that it is a name here.
fn name(keys: &Keys<'_>, script: &str) -> Result<String, Unusable> {
    let own = keys.get("name", value::text)?.filter(|name| !name.is_empty());
    let given = own.is_some() || keys.has("name_prefix");
    let own = own.unwrap_or_else(|| {
        let first = shlex::split(script).and_then(|words| words.into_iter().next()).unwrap_or_default();
        let file = first.rsplit('/').next().unwrap_or_default();
        match file.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
            Some(_) | None => file.to_owned(),
        }
    });
    let wanted = keys.get("name_prefix", value::text)?.unwrap_or_default() + &own;
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let mut name: String = wanted.chars().map(fits).take(64).collect();
    if name == "all" || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
        name.truncate(64);
    }
    if given && name != wanted {
        keys.notice(format!("it is named {name} here: names have up to 64 letters, digits, '.', '_' or '-'"));
    }
    Ok(name)
}

/// The working directory, seen from `here`.
fn directory(keys: &Keys<'_>, here: Option<&Path>) -> Result<Option<String>, Unusable> {
    let given = keys.get("cwd", value::text)?;
    let cwd = match (&given, here) {
        (None, None) => return Ok(None),
        (None, Some(here)) => here.to_owned(),
        (Some(cwd), Some(here)) => here.join(cwd),
        (Some(cwd), None) if cwd.starts_with('/') => PathBuf::from(cwd),
        (Some(_), None) => {
            return Err(keys.wrong("cwd", "is relative to this machine: write that of the server, from / on"));
        }
    };
    cwd.into_os_string().into_string().map(Some).map_err(|_| keys.wrong("cwd", "is not UTF-8"))
}

/// The deployment's, the app's, and those of the chosen environment over them.
fn variables(
    keys: &Keys<'_>,
    below: &BTreeMap<String, String>,
    around: &Around<'_>,
) -> Result<BTreeMap<String, String>, Unusable> {
    let mut env = below.clone();
    env.extend(keys.get("env", value::variables)?.unwrap_or_default());
    for (name, given) in &keys.environments {
        let of_it = value::variables(given).map_err(|why| keys.wrong(&format!("env_{name}"), &why))?;
        if Some(*name) == around.env {
            env.extend(of_it);
        }
    }
    Ok(env)
}

fn instances(given: &Value, cpus: i64) -> Result<i64, String> {
    if given.as_str() == Some("max") {
        return Ok(cpus);
    }
    match value::number(given) {
        Ok(0) => Ok(cpus),
        Ok(less @ ..0) => Ok((cpus + less).max(1)),
        Ok(number) => Ok(number),
        Err(_) => Err(format!(
            "{} is no number of processes: 4, \"max\", 0 for one per CPU or -1 for one less",
            value::shown(given)
        )),
    }
}

/// `true`: none; a list: not those.
fn filter(given: &Value) -> Result<Option<Vec<String>>, String> {
    match given {
        Value::Bool(true) => Ok(None),
        Value::Bool(false) => Ok(Some(Vec::new())),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value::list(given).map(Some)
        }
    }
}

fn interpreter_args(
    keys: &Keys<'_>,
    script: &str,
    interpreter: Option<&str>,
) -> Result<Vec<String>, Unusable> {
    const MAPS: &str = "--enable-source-maps";
    let mut args = keys.get("interpreter_args", value::words)?.unwrap_or_default();
    let is_node =
        interpreter.map_or(script.ends_with("js") || script.ends_with("ts"), |by| by.ends_with("node"));
    if keys.get("source_map_support", value::flag)? == Some(true)
        && is_node
        && !args.iter().any(|arg| arg == MAPS)
    {
        args.push(MAPS.to_owned());
    }
    Ok(args)
}

/// `increment_var` counts a port up; a cluster shares the one that its environment names.
fn port(keys: &Keys<'_>, env: &BTreeMap<String, String>, instances: i64) -> Result<Option<String>, Unusable> {
    let given = keys.get("port", value::text)?;
    let first = given.clone().or_else(|| env.get("PORT").cloned());
    match keys.get("increment_var", value::text)?.as_deref() {
        None => {}
        Some("PORT") => match first.as_deref().map(str::parse::<i64>) {
            Some(Ok(first)) if instances > 1 => {
                return Ok(Some(format!("{first}-{}", first + instances - 1)));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => {
                return Err(
                    keys.wrong("increment_var", "PORT counts up from a number: give port, or PORT in env")
                );
            }
        },
        Some(other) => keys.notice(format!("increment_var {other} has no effect: only PORT is counted up")),
    }
    let is_cluster = keys.get("exec_mode", value::text)?.is_some_and(|mode| mode.starts_with("cluster"));
    // What clients connect to is the balancer's.
    let is_cluster = is_cluster && !keys.has("balance");
    let from_env =
        env.get("PORT").filter(|port| is_cluster && port.parse::<u16>().is_ok_and(|port| port > 0));
    Ok(given.or_else(|| from_env.cloned()))
}

/// A cluster without a port cannot be one.
fn mode(keys: &Keys<'_>, new: &mut NewApp) -> Result<(), Unusable> {
    let Some(mode) = keys.get("exec_mode", value::text)? else { return Ok(()) };
    match mode.as_str() {
        "fork" | "fork_mode" => Ok(()),
        "cluster" | "cluster_mode" => {
            // A balancer stands before processes that share nothing.
            if new.balance.is_some() {
                return Ok(());
            }
            if new.port.is_none() && new.instances.is_some_and(|instances| instances > 1) {
                keys.notice(
                    "its processes share no port: give port, and they listen on it together".to_owned(),
                );
            }
            if new.port.is_some() && new.listen_mode.is_none() {
                new.listen_mode =
                    Some(if new.instances.unwrap_or(1) > 1 { "auto" } else { "shared" }.to_owned());
            }
            Ok(())
        }
        other => Err(keys.wrong("exec_mode", &format!("{other:?} is no mode: fork or cluster"))),
    }
}

/// A health check is something to wait for, too.
fn readiness(keys: &Keys<'_>, is_checked: bool) -> Result<(Option<String>, Option<i64>), Unusable> {
    let by = keys.get("ready", value::text)?;
    let waits = keys.get("wait_ready", value::flag)? == Some(true);
    let limit = keys.get("listen_timeout", value::time)?;
    let by = by.or_else(|| waits.then(|| "message".to_owned()));
    if by.as_deref().is_none_or(|by| by == "auto") {
        if limit.is_some() && !is_checked {
            let what =
                "listen_timeout has no effect without wait_ready, ready or health_check: nothing is awaited";
            keys.notice(what.to_owned());
        }
        return Ok((by, limit.filter(|_| is_checked)));
    }
    Ok((by, limit.or(waits.then_some(LISTEN_TIMEOUT_MS))))
}

fn logs(keys: &Keys<'_>) -> Result<Option<LogPolicy>, Unusable> {
    let plain = keys.get("time", value::flag)? == Some(true);
    // `log: true` is a file in the place of PM2's own.
    let combined = keys.get("log_file", |given| match given {
        Value::Bool(false) => Ok(None),
        Value::Bool(true) => Err("true names no file: write the path of one".to_owned()),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value::text(given).map(Some)
        }
    })?;
    let policy = LogPolicy {
        out_file: keys.get("out_file", value::text)?,
        error_file: keys.get("error_file", value::text)?,
        combined_file: combined.flatten(),
        merge: keys.get("merge_logs", value::flag)?,
        disable: keys.get("disable_logs", value::flag)?,
        max_size_bytes: keys.get("log_max_size", value::bytes)?,
        max_files: keys.get("log_max_files", value::number)?,
        max_age_ms: keys.get("log_max_age", value::time)?,
        when_full: keys.get("log_policy", |given| match value::text(given)?.as_str() {
            "block" => Ok(WhenFull::Block),
            "drop" => Ok(WhenFull::Drop),
            other => Err(format!("{other:?} is neither block nor drop")),
        })?,
        date_format: keys
            .get("log_date_format", value::text)?
            .or_else(|| plain.then(|| PLAIN_TIME.to_owned())),
    };
    Ok((policy != LogPolicy::default()).then_some(policy))
}

/// `0`, `false` and nothing are none.
fn schedule(keys: &Keys<'_>) -> Result<Option<Schedule>, Unusable> {
    let cron = keys.get("cron_restart", |given| match given {
        Value::Bool(false) => Ok(None),
        Value::Null
        | Value::Bool(true)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            value::text(given).map(|cron| Some(cron).filter(|cron| !matches!(cron.as_str(), "" | "0")))
        }
    })?;
    let timezone = keys.get("timezone", value::text)?;
    let overlap = keys.get("overlap", value::text)?;
    let catch_up = keys.get("catch_up", value::text)?;
    Ok(cron.flatten().map(|cron| Schedule { cron, timezone, overlap, catch_up }))
}

/// `true`, or paths. `false` watches nothing, whatever the other fields say.
fn watch(keys: &Keys<'_>) -> Result<Option<FileWatch>, Unusable> {
    let paths = keys.get("watch", |given| match given {
        Value::Bool(on) => Ok(on.then(Vec::new)),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value::list(given).map(Some)
        }
    })?;
    let ignore = keys.get("ignore_watch", value::list)?.unwrap_or_default();
    let extensions = keys.get("watch_extensions", value::list)?.unwrap_or_default();
    let delay_ms = keys.get("watch_delay", value::time)?.filter(|ms| *ms != 0);
    Ok(paths.flatten().map(|paths| FileWatch { paths, ignore, extensions, delay_ms }))
}

/// The members of a health check, times with or without `_ms`.
fn health(given: &Value) -> Result<HealthCheck, String> {
    let members = given.as_object().ok_or("is an object with url, tcp or script")?;
    let mut check = HealthCheck::default();
    for (key, given) in members {
        let wrong = |why: String| format!("{key}: {why}");
        match key.as_str() {
            "url" => check.url = Some(value::text(given).map_err(wrong)?),
            "tcp" => check.tcp = Some(value::text(given).map_err(wrong)?),
            "script" => check.script = Some(value::text(given).map_err(wrong)?),
            "timeout" | "timeout_ms" => check.timeout_ms = Some(value::time(given).map_err(wrong)?),
            "interval" | "interval_ms" => check.interval_ms = Some(value::time(given).map_err(wrong)?),
            "retries" => check.retries = Some(value::number(given).map_err(wrong)?),
            "start_limit" | "start_limit_ms" => {
                check.start_limit_ms = Some(value::time(given).map_err(wrong)?)
            }
            _ => {
                let known = "url, tcp, script, timeout, interval, retries and start_limit";
                return Err(format!("{key:?} is no part of a health check: {known} are"));
            }
        }
    }
    Ok(check)
}

/// `8080`, or `{port: 8080, mode: "tcp"}`.
fn balance(given: &Value) -> Result<Balance, String> {
    let Some(members) = given.as_object() else {
        return Ok(Balance { port: Some(value::number(given)?), ..Balance::default() });
    };
    let mut balance = Balance::default();
    for (key, given) in members {
        let wrong = |why: String| format!("{key}: {why}");
        match key.as_str() {
            "port" => balance.port = Some(value::number(given).map_err(wrong)?),
            "mode" => balance.mode = Some(value::text(given).map_err(wrong)?),
            "method" => balance.method = Some(value::text(given).map_err(wrong)?),
            "sticky" => balance.sticky = Some(value::text(given).map_err(wrong)?),
            "timeout" | "timeout_ms" => balance.timeout_ms = Some(value::time(given).map_err(wrong)?),
            "drain_timeout" | "drain_timeout_ms" => {
                balance.drain_timeout_ms = Some(value::time(given).map_err(wrong)?)
            }
            "slow_start" | "slow_start_ms" => {
                balance.slow_start_ms = Some(value::time(given).map_err(wrong)?)
            }
            _ => {
                let known = "port, mode, method, sticky, timeout, drain_timeout and slow_start";
                return Err(format!("{key:?} is no part of a balancer: {known} are"));
            }
        }
    }
    Ok(balance)
}

fn rolling(keys: &Keys<'_>) -> Result<Option<Rolling>, Unusable> {
    let rolling = Rolling {
        soak_ms: keys.get("soak", value::time)?,
        max_surge: keys.get("max_surge", value::text)?,
        max_unavailable: keys.get("max_unavailable", value::text)?,
    };
    Ok((rolling != Rolling::default()).then_some(rolling))
}

/// `["db"]`, `{db: "healthy"}` or `[{app: "db", condition: "healthy"}]`.
fn dependencies(given: &Value) -> Result<Vec<Dependency>, String> {
    let one = |app: &str, condition: Option<String>| Dependency { app: app.to_owned(), condition };
    match given {
        Value::String(app) => Ok(vec![one(app, None)]),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(app) => Ok(one(app, None)),
                Value::Object(_) => serde_json::from_value(item.clone()).map_err(|e| e.to_string()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    Err(format!("{} is no app", value::shown(item)))
                }
            })
            .collect(),
        Value::Object(members) => {
            members.iter().map(|(app, condition)| Ok(one(app, Some(value::text(condition)?)))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err(format!("{} names no apps: write [\"db\"] or {{\"db\": \"healthy\"}}", value::shown(given)))
        }
    }
}
