//! A process in the shape of `pm2 jlist`.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use nix::unistd::{User, geteuid};
use serde_json::{Map, Value, json};

use super::{node_version, package};
use crate::api::convert_custom;
use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::daemon::{clock, node};
use crate::model::{AppSpec, End, ReadyBy, Signal, State};

/// The user that processes run as of whom nothing else is said.
static OURSELVES: LazyLock<String> = LazyLock::new(|| {
    let user = User::from_uid(geteuid()).ok().flatten();
    user.map_or_else(|| geteuid().to_string(), |user| user.name)
});

/// The elements of a list. Environments hold declared variables only, masked.
pub async fn elements(views: &[Arc<ProcessView>], measured: Option<&Measured>) -> Vec<Value> {
    node_version::learn(views).await;
    views.iter().map(|view| element(view, measured)).collect()
}

fn element(view: &ProcessView, measured: Option<&Measured>) -> Value {
    let process = crate::api::convert::process(view, measured);
    let spec = &view.spec;
    let since = match view.state {
        State::Running { since, .. } => Some(clock::unix_ms_of(since)),
        State::Idle(_)
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Stopping { .. } => None,
    };
    let env: Map<String, Value> = spec.env.keys().map(|name| (name.clone(), json!("***"))).collect();
    let exit_code = match view.last_end {
        Some(End::Code(code)) => Some(code),
        // PM2 shows 0 for a signal; a signal is no success.
        Some(End::Signal(signal)) => Some(128 + signal.number()),
        Some(End::OutOfMemory) => Some(128 + Signal::KILL.number()),
        Some(End::Unknown) | None => None,
    };
    let mut element = json!({
        "pid": process.pid.unwrap_or(0),
        "name": spec.name.as_str(),
        "pm_id": view.id.0,
        "monit": {
            "memory": process.memory_bytes.unwrap_or(0),
            "cpu": process.cpu_percent.unwrap_or(0.0),
        },
        "pm2_env": {
            "name": spec.name.as_str(),
            "namespace": spec.namespace.as_str(),
            "status": process.status,
            "pm_uptime": since.unwrap_or(0),
            "uptime_seconds": process.uptime_ms.map_or(0, |ms| ms / 1000),
            "restart_time": view.restarts,
            "unstable_restarts": view.unstable,
            "exec_mode": if node::is_cluster(spec) { "cluster_mode" } else { "fork_mode" },
            "instances": spec.instances,
            "pm_id": view.id.0,
            "unique_id": format!("{}-{}", view.app, view.id),
            "created_at": view.revision.as_ref().map(|revision| revision.at_ms),
            "username": spec.resources.run_as.as_ref().map_or(OURSELVES.as_str(), |user| user.user.as_str()),
            "merge_logs": spec.logs.merge || !spec.numbered,
            "pm_out_log_path": process.out_log,
            "pm_err_log_path": process.err_log,
            "autostart": spec.autostart,
            "autorestart": spec.restart.auto,
            "watch": spec.watch.is_some(),
            "NODE_APP_INSTANCE": view.instance,
            "env": env,
        },
    });
    // As with every variable of an app, PM2 has it here.
    if let Some(port) = view.ports.held {
        element["pm2_env"]["PORT"] = json!(port.number());
    }
    if let Value::Object(shown) = &mut element["pm2_env"] {
        shown.extend(node_version::of(view).map(|version| ("node_version".to_owned(), json!(version))));
        shown.extend(exit_code.map(|code| ("exit_code".to_owned(), json!(code))));
        shown.extend(program(spec));
        shown.extend(settings(spec));
        shown.extend(always());
    }
    if let Some(told) = convert_custom::told(view, measured) {
        element["pm2_env"]["axm_monitor"] = json!(told.metrics);
        element["pm2_env"]["axm_actions"] = json!(told.actions);
        element["pm2_env"]["axm_options"] = told.options.clone().unwrap_or_else(|| json!({}));
    }
    element
}

/// What is run.
fn program(spec: &AppSpec) -> Map<String, Value> {
    let exec_path = exec_path(spec);
    let version = package::version(Path::new(&exec_path).parent().unwrap_or(&spec.cwd));
    let all = [
        ("version", json!(version.unwrap_or_else(|| "N/A".to_owned()))),
        ("pm_exec_path", json!(exec_path)),
        ("pm_cwd", json!(spec.cwd.display().to_string())),
        ("args", json!(script_args(spec))),
        ("node_args", json!(spec.interpreter_args)),
        ("exec_interpreter", json!(spec.interpreter.as_deref().unwrap_or("none"))),
        ("filter_env", json!(spec.env_sources.filter)),
        ("instance_var", json!(spec.env_sources.instance_var.as_deref().unwrap_or("NODE_APP_INSTANCE"))),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What is the same for all.
fn always() -> Map<String, Value> {
    let all = [
        // Whole trees are ended, always.
        ("treekill", json!(true)),
        // Nobody looks every so often whether it has ended: that is noticed at once.
        ("kill_retry_time", json!(0)),
        // pm2.io is not there, and repositories are not looked at.
        ("pmx", json!(false)),
        ("km_link", json!(false)),
        ("vizion", json!(false)),
        ("axm_monitor", json!({})),
        ("axm_actions", json!([])),
        ("axm_options", json!({})),
        ("axm_dynamic", json!({})),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What was set: as with PM2, absent where it is PM2's default.
fn settings(spec: &AppSpec) -> Map<String, Value> {
    let (restart, stop, resources) = (&spec.restart, &spec.stop, &spec.resources);
    let ms = |span: Duration| span.as_millis() as u64;
    let waits = spec.ready.by == ReadyBy::Message;
    let run_as = resources.run_as.as_ref();
    let all = [
        ("max_memory_restart", resources.max_memory.map(|size| json!(size.0))),
        ("min_uptime", (ms(restart.min_uptime) != 1000).then(|| json!(ms(restart.min_uptime)))),
        ("max_restarts", (restart.max_unstable != 16).then(|| json!(restart.max_unstable))),
        ("restart_delay", (!restart.delay.is_zero()).then(|| json!(ms(restart.delay)))),
        ("exp_backoff_restart_delay", restart.backoff.map(|first| json!(ms(first)))),
        ("stop_exit_codes", (!restart.stop_exit_codes.is_empty()).then(|| json!(restart.stop_exit_codes))),
        ("kill_timeout", (ms(stop.timeout) != 1600).then(|| json!(ms(stop.timeout)))),
        ("shutdown_with_message", stop.with_message.then_some(Value::Bool(true))),
        ("wait_ready", waits.then_some(Value::Bool(true))),
        ("listen_timeout", waits.then(|| json!(ms(spec.ready.limit)))),
        ("cron_restart", spec.schedule.as_ref().map(|schedule| json!(schedule.pattern()))),
        ("ignore_watch", spec.watch.as_ref().map(|watch| json!(watch.ignore))),
        ("watch_delay", spec.watch.as_ref().map(|watch| json!(ms(watch.delay)))),
        ("log_date_format", spec.logs.date_format.as_ref().map(|format| json!(format))),
        ("pm_log_path", spec.logs.combined.as_ref().map(|path| json!(path.display().to_string()))),
        ("uid", run_as.map(|user| json!(user.uid))),
        ("gid", run_as.map(|user| json!(user.gid))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The arguments of the script alone: without the interpreter's, and without the script.
fn script_args(spec: &AppSpec) -> &[String] {
    let script = exec_path(spec);
    let at = spec.args.iter().position(|arg| *arg == script).filter(|_| spec.interpreter.is_some());
    at.map_or(&spec.args, |at| &spec.args[at + 1..])
}

/// The script's absolute path; the program's, when no interpreter runs a script.
fn exec_path(spec: &AppSpec) -> String {
    let script = spec.cwd.join(&spec.script);
    if spec.interpreter.is_some() && script.is_file() { script } else { spec.program.clone() }
        .display()
        .to_string()
}
