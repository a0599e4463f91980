//! Introduces the domain's types to the API's, member by member.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{
    ApiError, convert_balance, convert_custom, convert_depends, convert_env, convert_health, convert_hooks,
    convert_logs, convert_ready, convert_resources, convert_rolling, convert_schedule, convert_usage,
    convert_watch, pointing,
};
use crate::daemon::define::Draft;
use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::daemon::{clock, environment, event_text};
use crate::model::depends::waits_for;
use crate::model::{
    self, AppId, AppSpec, End, Goal, Labels, ListenMode, Moment, Name, PortPlan, Rest, RestartPolicy, Signal,
    Spread, State, StopPolicy,
};
use crate::store::EventRow;
use crate::supervisor;
use crate::{auth, wire};

/// How many processes an app may have.
pub const MAX_INSTANCES: i64 = 1000;
const MAX_SPAN_MS: i64 = 86_400_000;

/// Why a run ended that the kernel has ended.
const OUT_OF_MEMORY: &str = "out of memory: the kernel ended it";

/// A process as the API shows it.
pub fn process(view: &ProcessView, measured: Option<&Measured>) -> wire::Process {
    let running = convert_usage::running_since(view);
    let usage = measured.and_then(|measured| convert_usage::usage(view, measured));
    let health = convert_health::health(&view.state);
    let told = convert_custom::told(view, measured);
    wire::Process {
        id: i64::from(view.id.0),
        name: view.name(),
        app: view.spec.name.to_string(),
        namespace: view.spec.namespace.to_string(),
        instance: i64::from(view.instance),
        status: view.state.status().to_string(),
        reason: reason(view),
        health: health.as_ref().map(|(word, _)| (*word).to_owned()),
        health_reason: health.and_then(|(_, reason)| reason),
        pid: view.state.pid().map(|pid| i64::from(pid.0)),
        ports: view.ports.held.map(|port| i64::from(port.number())).into_iter().collect(),
        port_overridden: view.ports.plan.is_some(),
        revision: view.run_revision.map(|number| number as i64),
        started_at: running.map(|since| time(clock::unix_ms_of(since))),
        uptime_ms: running.map(millis_since),
        next_run_at: next_run(view),
        restarts: i64::from(view.restarts),
        unstable_restarts: i64::from(view.unstable),
        cpu_percent: usage.map(|usage| convert_usage::tenths(usage.cpu_percent)),
        memory_bytes: usage.map(|usage| usage.memory_bytes as i64),
        tree: usage.map(|usage| wire::Tree {
            processes: i64::from(usage.processes),
            threads: i64::from(usage.threads),
            open_files: usage.files.open as i64,
            read_bytes: usage.files.read_bytes as i64,
            written_bytes: usage.files.written_bytes as i64,
        }),
        max_memory_bytes: view.spec.resources.max_memory.map(|size| size.0 as i64),
        last_exit: view.last_end.map(|end| {
            let exit = last_exit(end);
            wire::LastExit {
                reason: view.last_over_memory.map(|over| over.to_string()).or(exit.reason),
                ..exit
            }
        }),
        out_log: view.logs.out.display().to_string(),
        err_log: view.logs.err.display().to_string(),
        ready_ms: convert_ready::after(&view.state).map(millis),
        status_text: view.remarks.status.clone(),
        channel_lost: view.remarks.channel_lost.clone(),
        combined_log: view.logs.combined.as_ref().map(|path| path.display().to_string()),
        custom_metrics: told.as_deref().map(convert_custom::metrics).unwrap_or_default(),
        actions: told.iter().flat_map(|told| told.offers()).map(str::to_owned).collect(),
        logs: None,
    }
}

fn next_run(view: &ProcessView) -> Option<String> {
    let schedule = view.spec.schedule.as_ref().filter(|_| view.goal == Goal::Up)?;
    schedule.next_after(clock::unix_ms()).map(time)
}

fn reason(view: &ProcessView) -> Option<String> {
    // Why there is this run, until it has shown that it is well.
    let past = |since: Moment| {
        let is_new = clock::now().since(since) < view.spec.restart.min_uptime;
        let over = view.last_over_memory.map(|over| over.to_string());
        let of_kernel = (view.last_end == Some(End::OutOfMemory)).then(|| OUT_OF_MEMORY.to_owned());
        over.or(of_kernel).filter(|_| is_new)
    };
    match &view.state {
        State::Idle(Rest::Errored(reason)) => Some(reason.to_string()),
        State::Waiting { unmet } => Some(waits_for(unmet)),
        State::Backoff { queued: true, .. } => {
            Some("waits for its turn: the host starts only so many processes at once".to_owned())
        }
        State::Backoff { until, queued: false } => {
            let soon = format!("starts again in {}", event_text::span(until.since(clock::now())));
            Some(match (&view.not_spawned, view.last_over_memory) {
                (Some(why), _) => format!("{soon}: {why}"),
                (None, Some(over)) => format!("{soon}, {over}"),
                (None, None) => soon,
            })
        }
        State::Starting { .. } | State::Running { .. } if view.goal != Goal::Up => {
            Some("it is to end after what depends on it".to_owned())
        }
        State::Stopping { .. } if convert_ready::not_ready(view).is_some() => convert_ready::not_ready(view),
        State::Starting { since, .. } | State::Running { since, .. } => past(*since),
        State::Stopping { .. } => view.over_memory.map(|over| over.to_string()),
        State::Idle(_) => None,
    }
}

/// An app with its processes, which are never none.
pub fn app(views: &[Arc<ProcessView>], measured: Option<&Measured>) -> Option<wire::App> {
    let first = views.first()?;
    let number = first.revision.as_ref().map(|revision| revision.number);
    let mut app = definition(first.app, &first.spec, number);
    app.next_run_at = views.iter().find_map(|view| next_run(view));
    app.processes = views.iter().map(|view| process(view, measured)).collect();
    Some(app)
}

/// A definition, without processes.
pub fn definition(id: AppId, spec: &AppSpec, revision: Option<u64>) -> wire::App {
    let mut app = wire::App {
        id: i64::from(id.0),
        name: spec.name.to_string(),
        namespace: spec.namespace.to_string(),
        revision: revision.unwrap_or(0) as i64,
        script: spec.script.clone(),
        interpreter: spec.interpreter.clone(),
        interpreter_args: spec.interpreter_args.clone(),
        program: spec.program.display().to_string(),
        args: spec.args.clone(),
        cwd: spec.cwd.display().to_string(),
        env: spec.env.keys().map(|name| (name.clone(), "***".to_owned())).collect(),
        env_file: spec.env_sources.files.iter().map(|file| file.display().to_string()).collect(),
        filter_env: spec.env_sources.filter.clone(),
        instance_var: spec.env_sources.instance_var.clone(),
        instances: i64::from(spec.instances),
        port: spec.port.map(|plan| plan.to_string()),
        listen_mode: spec.port.map(|plan| match spec.balance {
            Some(_) => ListenMode::Proxy.to_string(),
            None => ListenMode::of(plan).to_string(),
        }),
        spread: matches!(spec.port, Some(PortPlan::Shared(_))).then(|| spec.spread.word().to_owned()),
        balance: spec.balance.as_ref().map(convert_balance::show),
        balancer: None,
        rolling: convert_rolling::show(&spec.roll),
        autostart: spec.autostart,
        autorestart: spec.restart.auto,
        max_restarts: i64::from(spec.restart.max_unstable),
        min_uptime_ms: millis(spec.restart.min_uptime),
        restart_delay_ms: millis(spec.restart.delay),
        exp_backoff_restart_delay_ms: spec.restart.backoff.map(millis),
        stop_exit_codes: spec.restart.stop_exit_codes.iter().map(|code| i64::from(*code)).collect(),
        kill_signal: spec.stop.signal.to_string(),
        kill_timeout_ms: millis(spec.stop.timeout),
        health_check: spec.health.as_ref().map(convert_health::check),
        hooks: convert_hooks::show(&spec.hooks),
        max_memory_bytes: None,
        nice: None,
        user: None,
        group: None,
        max_open_files: None,
        core_size_bytes: None,
        umask: None,
        no_new_privileges: false,
        logs: convert_logs::show(&spec.logs),
        depends_on: convert_depends::show(&spec.depends_on, &spec.namespace),
        notices: Vec::new(),
        ready: spec.ready.by.to_string(),
        listen_timeout_ms: millis(spec.ready.limit),
        shutdown_with_message: spec.stop.with_message,
        watch: spec.watch.as_ref().map(convert_watch::show),
        schedule: spec.schedule.as_ref().map(convert_schedule::show),
        stdin: spec.stdin,
        labels: spec.labels.all().clone(),
        next_run_at: None,
        processes: Vec::new(),
    };
    convert_resources::show(&mut app, &spec.resources);
    app
}

/// What somebody asked for, with every value parsed.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn draft(new: wire::NewApp, default_cwd: &std::path::Path) -> Result<Draft, ApiError> {
    let name = |member: &str, text: Option<String>| -> Result<Option<Name>, ApiError> {
        text.map(|text| Name::parse(&text).map_err(|e| ApiError::member(member, e.to_string()))).transpose()
    };
    let resources = convert_resources::wanted(&new)?;
    let ready = convert_ready::policy(&new)?;
    let healthy_within = convert_ready::healthy_within(&new, &ready);
    let env_sources = convert_env::sources(&new)?;
    let backoff = convert_env::backoff(&new)?;
    let defaults = RestartPolicy::default();
    let is_job = new.schedule.is_some() && new.autostart == Some(false);
    let stop = StopPolicy::default();
    let cwd = match new.cwd {
        Some(cwd) if cwd.starts_with('/') => PathBuf::from(cwd),
        Some(cwd) => {
            return Err(ApiError::member(
                "/cwd",
                format!("the working directory {cwd:?} is not an absolute path"),
            ));
        }
        None => default_cwd.to_owned(),
    };
    for (name, value) in &new.env {
        check_variable("/env", name, value)?;
    }
    let inherited_env: BTreeMap<String, String> = new.inherited_env.unwrap_or_else(environment::of_daemon);
    for (name, value) in &inherited_env {
        check_variable("/inherited_env", name, value)?;
    }
    let interpreter_args = new.interpreter_args.iter().map(|arg| ("/interpreter_args", arg));
    let texts = new.args.iter().map(|arg| ("/args", arg)).chain([("/script", &new.script)]);
    let texts = texts.chain(interpreter_args);
    for (pointer, text) in texts {
        if text.contains('\0') {
            return Err(ApiError::member(pointer, format!("{text:?} contains a NUL character")));
        }
    }
    let logs = convert_logs::wanted(new.logs.unwrap_or_default())?;
    let namespace = name("/namespace", new.namespace)?.unwrap_or_else(Name::default_namespace);
    let port = new.port.as_deref().map(port_plan).transpose()?;
    let listen = match new.listen_mode {
        Some(text) => {
            ListenMode::parse(&text).map_err(|e| ApiError::member("/listen_mode", e.to_string()))?
        }
        None => ListenMode::default(),
    };
    let spread = match new.spread {
        Some(text) => Spread::parse(&text).map_err(|e| ApiError::member("/spread", e.to_string()))?,
        None => Spread::default(),
    };
    let (balance, listen, port) = convert_balance::wanted(new.balance, listen, port)?;
    Ok(Draft {
        depends_on: convert_depends::wanted(&new.depends_on, &namespace)?,
        resources,
        logs,
        user: new.user,
        group: new.group,
        name: name("/name", new.name)?,
        namespace,
        script: new.script,
        args: new.args,
        cwd,
        interpreter: new.interpreter,
        interpreter_args: new.interpreter_args,
        env: new.env,
        env_sources,
        inherited_env,
        port,
        listen,
        spread,
        balance,
        instances: number("/instances", new.instances, 1, 1, MAX_INSTANCES)? as u32,
        autostart: new.autostart.unwrap_or(true),
        restart: RestartPolicy {
            // A job that ends has been run.
            auto: new.autorestart.unwrap_or(defaults.auto && !is_job),
            max_unstable: number(
                "/max_restarts",
                new.max_restarts,
                i64::from(defaults.max_unstable),
                0,
                1_000_000,
            )? as u32,
            min_uptime: span("/min_uptime_ms", new.min_uptime_ms, defaults.min_uptime)?,
            delay: span("/restart_delay_ms", new.restart_delay_ms, defaults.delay)?,
            backoff,
            stop_exit_codes: exit_codes(&new.stop_exit_codes)?,
        },
        stop: StopPolicy {
            signal: match new.kill_signal {
                Some(text) => Signal::parse(&text).map_err(|e| ApiError::member("/kill_signal", e))?,
                None => stop.signal,
            },
            timeout: span("/kill_timeout_ms", new.kill_timeout_ms, stop.timeout)?,
            with_message: new.shutdown_with_message.unwrap_or(stop.with_message),
        },
        roll: convert_rolling::wanted(new.rolling.as_ref())?,
        health: new.health_check.map(|asked| convert_health::policy(asked, healthy_within)).transpose()?,
        ready,
        hooks: convert_hooks::wanted(new.hooks)?,
        watch: new.watch.map(convert_watch::policy).transpose()?,
        schedule: new.schedule.as_ref().map(convert_schedule::wanted).transpose()?,
        stdin: new.stdin.unwrap_or(false),
        labels: Labels::parse(new.labels).map_err(|bad| ApiError::member("/labels", bad.to_string()))?,
    })
}

/// Ports that somebody asked for.
///
/// # Errors
/// 422 with the three forms.
pub fn port_plan(text: &str) -> Result<PortPlan, ApiError> {
    PortPlan::parse(text).map_err(|e| ApiError::member("/port", e.to_string()))
}

/// `of`: the member that has it.
pub(super) fn check_variable(of: &str, name: &str, value: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        return Err(ApiError::member(
            &format!("{of}{}", pointing::into(name)),
            format!(
                "{name:?} is not a usable variable: a name is not empty and has no '=', and nothing has NUL characters"
            ),
        ));
    }
    Ok(())
}

fn exit_codes(codes: &[i64]) -> Result<Vec<i32>, ApiError> {
    let check = |code: &i64| match code {
        0..=255 => Ok(*code as i32),
        _ => Err(ApiError::member("/stop_exit_codes", format!("{code} is not an exit code: 0 to 255 are"))),
    };
    codes.iter().map(check).collect()
}

pub(super) fn number(
    pointer: &str,
    given: Option<i64>,
    default: i64,
    least: i64,
    most: i64,
) -> Result<i64, ApiError> {
    let value = given.unwrap_or(default);
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let member = pointer.trim_start_matches('/').replace('/', ".");
    Err(ApiError::member(pointer, format!("{member} is {value}: {least} to {most} is allowed")))
}

pub(super) fn span(pointer: &str, ms: Option<i64>, default: Duration) -> Result<Duration, ApiError> {
    let ms = number(pointer, ms, millis(default), 0, MAX_SPAN_MS)?;
    Ok(Duration::from_millis(ms as u64))
}

/// How a run ended.
pub fn last_exit(end: End) -> wire::LastExit {
    match end {
        End::Code(code) => wire::LastExit { code: Some(i64::from(code)), ..Default::default() },
        End::Signal(signal) => wire::LastExit { signal: Some(signal.to_string()), ..Default::default() },
        End::OutOfMemory => wire::LastExit {
            signal: Some(Signal::KILL.to_string()),
            reason: Some(OUT_OF_MEMORY.to_owned()),
            ..Default::default()
        },
        End::Unknown => wire::LastExit { unknown: Some(true), ..Default::default() },
    }
}

/// An event.
pub fn event(row: &EventRow) -> wire::Event {
    wire::Event {
        seq: row.seq as i64,
        ts: time(row.at_ms),
        kind: row.kind.clone(),
        id: row.process.map(|id| i64::from(id.0)),
        name: row.name.clone(),
        namespace: row.namespace.clone(),
        detail: row.detail.clone(),
        exit: row.end.map(last_exit),
        asked: row.asked,
        revision: row.revision.map(|number| number as i64),
    }
}

/// A principal.
pub fn whoami(principal: &auth::Principal) -> wire::Whoami {
    wire::Whoami {
        subject: principal.subject.clone(),
        role: role(principal.role),
        namespaces: principal.namespaces.words(),
    }
}

/// What somebody may do.
pub fn role(role: model::Role) -> wire::Role {
    match role {
        model::Role::Viewer => wire::Role::Viewer,
        model::Role::Operator => wire::Role::Operator,
        model::Role::Deployer => wire::Role::Deployer,
        model::Role::Admin => wire::Role::Admin,
    }
}

/// The other way round.
pub fn model_role(role: wire::Role) -> model::Role {
    match role {
        wire::Role::Viewer => model::Role::Viewer,
        wire::Role::Operator => model::Role::Operator,
        wire::Role::Deployer => model::Role::Deployer,
        wire::Role::Admin => model::Role::Admin,
    }
}

/// What follows a change.
pub fn then(then: wire::Then) -> supervisor::Then {
    match then {
        wire::Then::Keep => supervisor::Then::Keep,
        wire::Then::Start => supervisor::Then::Start,
        wire::Then::Restart => supervisor::Then::Restart,
    }
}

/// RFC 3339 in UTC with milliseconds.
pub fn time(unix_ms: u64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(unix_ms as i64).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}

/// Microseconds since 1970 as RFC 3339.
pub fn time_us(unix_us: u64) -> String {
    time(unix_us / 1000)
}

/// How long ago.
pub fn millis_since(moment: Moment) -> i64 {
    millis(clock::now().since(moment))
}

pub(super) fn millis(span: Duration) -> i64 {
    span.as_millis().min(i64::MAX as u128) as i64
}
