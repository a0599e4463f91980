//! A process in the shape of `pm2 jlist`.

use serde_json::{Map, Value, json};

use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::daemon::{clock, node};
use crate::model::{AppSpec, End, ReadyBy, State};

/// One element of the list. Environments hold declared variables only, masked.
pub fn element(view: &ProcessView, measured: Option<&Measured>) -> Value {
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
        Some(End::Code(code)) => json!(code),
        // PM2 shows 0 for a signal; a signal is no success.
        Some(End::Signal(signal)) => json!(128 + signal.number()),
        Some(End::Unknown) | None => Value::Null,
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
            "pm_exec_path": exec_path(spec),
            "pm_cwd": spec.cwd.display().to_string(),
            "args": script_args(spec),
            "node_args": spec.interpreter_args,
            "filter_env": spec.env_sources.filter,
            "exec_interpreter": spec.interpreter.as_deref().unwrap_or("none"),
            "pm_out_log_path": process.out_log,
            "pm_err_log_path": process.err_log,
            "autostart": spec.autostart,
            "autorestart": spec.restart.auto,
            "watch": spec.watch.is_some(),
            "max_memory_restart": spec.resources.max_memory.map(|size| size.0),
            "exit_code": exit_code,
            "NODE_APP_INSTANCE": view.instance,
            "axm_monitor": {},
            "axm_actions": [],
            "axm_options": {},
            "env": env,
        },
    });
    // As with PM2, only when they are set.
    if let Some(watch) = &spec.watch {
        element["pm2_env"]["ignore_watch"] = json!(watch.ignore);
        element["pm2_env"]["watch_delay"] = json!(watch.delay.as_millis() as u64);
    }
    if spec.ready.by == ReadyBy::Message {
        element["pm2_env"]["wait_ready"] = json!(true);
        element["pm2_env"]["listen_timeout"] = json!(spec.ready.limit.as_millis() as u64);
    }
    if spec.stop.with_message {
        element["pm2_env"]["shutdown_with_message"] = json!(true);
    }
    // As with every variable of an app, PM2 has it here.
    if let Some(port) = view.ports.held {
        element["pm2_env"]["PORT"] = json!(port.number());
    }
    element
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
