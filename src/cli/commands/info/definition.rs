//! The definition of an app in words.

use crate::cli::render::units;
use crate::wire::{App, Dependency, FileWatch, HealthCheck, Hooks, LogPolicy, Rolling, Schedule, WhenFull};

/// Limits of the start of a run when nobody says another.
const USUAL_LIMIT_MS: i64 = 60_000;

/// What an app is, as far as somebody said something.
pub fn pairs(app: &App) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("app", format!("{} (id {})", app.name, app.id)),
        ("namespace", app.namespace.clone()),
        ("revision", app.revision.to_string()),
        ("script", app.script.clone()),
    ];
    pairs.extend(app.interpreter.clone().map(|interpreter| ("interpreter", interpreter)));
    if !app.interpreter_args.is_empty() {
        let words: Vec<String> = app.interpreter_args.iter().map(|word| quoted(word)).collect();
        pairs.push(("interpreter args", words.join(" ")));
    }
    pairs.push(("runs", command(app)));
    pairs.push(("cwd", app.cwd.clone()));
    pairs.push(("instances", app.instances.to_string()));
    pairs.extend(app.port.as_ref().map(|port| ("port", with_mode(port, app))));
    pairs.push(("autostart", yes(app.autostart)));
    pairs.push(("autorestart", yes(app.autorestart)));
    pairs.push(("max restarts", app.max_restarts.to_string()));
    pairs.push(("min uptime", units::setting(app.min_uptime_ms)));
    pairs.push((
        "restart delay",
        match (app.restart_delay_ms, app.exp_backoff_restart_delay_ms) {
            (0, None) => "growing, at most 15s".to_owned(),
            (0, Some(first)) => format!("growing from {}, at most 15s", units::setting(first)),
            (ms, _) => units::setting(ms),
        },
    ));
    if !app.stop_exit_codes.is_empty() {
        let codes: Vec<String> = app.stop_exit_codes.iter().map(i64::to_string).collect();
        pairs.push(("stop exit codes", codes.join(" ")));
    }
    pairs.push(("kill signal", app.kill_signal.clone()));
    pairs.push(("kill timeout", units::setting(app.kill_timeout_ms)));
    pairs.extend(app.health_check.as_ref().map(|check| ("health check", health_check(check))));
    pairs.extend(app.hooks.as_ref().map(|hooks| ("hooks", hooked(hooks))));
    pairs.extend(balance(app));
    pairs.extend(app.rolling.as_ref().map(|rolling| ("reload", rolled(rolling))));
    pairs.extend(ready(app));
    pairs.extend(limits(app));
    pairs.extend(app.schedule.as_ref().map(|it| ("schedule", scheduled(it))));
    pairs.extend(app.next_run_at.as_ref().map(|at| ("next run", units::local_time(at))));
    pairs.extend(app.watch.as_ref().map(|watch| ("watches", watched(watch))));
    pairs.push(("logs", log_policy(&app.logs)));
    if !app.depends_on.is_empty() {
        pairs.push(("depends on", depends_on(app)));
    }
    if !app.labels.is_empty() {
        let labels: Vec<String> = app.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.push(("labels", labels.join(" ")));
    }
    if !app.env.is_empty() {
        let variables: Vec<String> = app.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.push(("env", variables.join(" ")));
    }
    if !app.env_file.is_empty() {
        pairs.push(("env files", app.env_file.join(" ")));
    }
    if !app.filter_env.is_empty() {
        pairs.push(("filter env", app.filter_env.join(" ")));
    }
    if let Some(name) = &app.instance_var {
        pairs.push(("instance variable", name.clone()));
    }
    pairs
}

/// `0 3 * * * (Europe/Berlin), queue, caught up once`.
fn scheduled(schedule: &Schedule) -> String {
    let zone = schedule.timezone.as_deref().unwrap_or_default();
    let overlap = schedule.overlap.as_deref().filter(|word| *word != "skip");
    let caught_up = schedule.catch_up.as_deref() == Some("once");
    let mut text = format!("{} ({zone})", schedule.cron);
    overlap.into_iter().for_each(|word| text.push_str(&format!(", {word} while it runs")));
    text.push_str(if caught_up { ", made up for once" } else { "" });
    text
}

/// `/srv/web, only js, without logs, restarts after 100ms`.
fn watched(watch: &FileWatch) -> String {
    let mut text = watch.paths.join(" ");
    if !watch.extensions.is_empty() {
        text.push_str(&format!(", only {}", watch.extensions.join(" ")));
    }
    if !watch.ignore.is_empty() {
        text.push_str(&format!(", without {}", watch.ignore.join(" ")));
    }
    text.push_str(&format!(", after {}", units::setting(watch.delay_ms.unwrap_or_default())));
    text
}

/// `3000, shared by all instances`.
fn with_mode(port: &str, app: &App) -> String {
    match app.listen_mode.as_deref() {
        Some("shared") if app.spread.as_deref() == Some("even") => {
            format!("{port}, a socket for each instance, connections spread evenly over those that are ready")
        }
        Some("shared") => format!("{port}, one socket shared by all instances"),
        Some("proxy") => format!("{port}, behind the balancer"),
        Some(_) | None => port.to_owned(),
    }
}

/// `port 8080, http, least-connections`, and how the balancer is doing.
fn balance(app: &App) -> Vec<(&'static str, String)> {
    let Some(asked) = &app.balance else { return Vec::new() };
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let mut text =
        format!("port {}, {}, {}", asked.port.unwrap_or(0), word(&asked.mode), word(&asked.method));
    if let Some(how) = asked.sticky.as_deref().filter(|how| *how != "none") {
        text.push_str(&format!(", sticky by {how}"));
    }
    text.push_str(&format!(", {} to drain", units::setting(asked.drain_timeout_ms.unwrap_or(0))));
    if let Some(ms) = asked.slow_start_ms.filter(|ms| *ms > 0) {
        text.push_str(&format!(", slow start {}", units::setting(ms)));
    }
    let mut pairs = vec![("balance", text)];
    if let Some(balancer) = &app.balancer {
        let pid = balancer.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
        pairs.push((
            "balancer",
            format!(
                "{}{pid}, {} restarts; {} connections, {} requests, {} errors, {} retries",
                balancer.status,
                balancer.restarts,
                balancer.connections,
                balancer.requests,
                balancer.errors,
                balancer.retries
            ),
        ));
        for backend in &balancer.backends {
            let draining = if backend.draining { ", draining" } else { "" };
            pairs.push((
                "",
                format!(
                    "instance {} on port {}{draining}: {} active, {} requests, {} errors",
                    backend.instance, backend.port, backend.active, backend.requests, backend.errors
                ),
            ));
        }
    }
    pairs
}

/// `25% more at a time, 1 fewer, each well for 5s`.
fn rolled(rolling: &Rolling) -> String {
    let word = |share: &Option<String>| share.clone().unwrap_or_default();
    let mut text =
        format!("{} more at a time, {} fewer", word(&rolling.max_surge), word(&rolling.max_unavailable));
    if let Some(soak) = rolling.soak_ms {
        text.push_str(&format!(", each well for {}", units::setting(soak)));
    }
    text
}

/// `db (healthy), cache (ready)`.
fn depends_on(app: &App) -> String {
    let one = |on: &Dependency| format!("{} ({})", on.app, on.condition.as_deref().unwrap_or("ready"));
    app.depends_on.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What makes it ready, and how it is asked to end, as far as that is unusual.
fn ready(app: &App) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    match app.ready.as_str() {
        "" | "auto" => {
            // The usual one is no limit: failures count from then.
            let limit =
                Some(app.listen_timeout_ms).filter(|ms| app.health_check.is_some() && *ms != USUAL_LIMIT_MS);
            let within = limit.map(|ms| format!("its health check, within {}", units::setting(ms)));
            pairs.extend(within.map(|text| ("ready by", text)));
        }
        by => pairs.push(("ready by", format!("{by}, within {}", units::setting(app.listen_timeout_ms)))),
    }
    if app.stdin {
        pairs.push(("standard input", "a pipe: pmdaemon send and attach write to it".to_owned()));
    }
    if app.shutdown_with_message {
        pairs.push(("asked to end", "by the message \"shutdown\", or by the signal".to_owned()));
    }
    pairs
}

/// What it may use, as far as that was said.
fn limits(app: &App) -> Vec<(&'static str, String)> {
    let core_size = |bytes: i64| match bytes {
        -1 => "unlimited".to_owned(),
        bytes => units::bytes(bytes),
    };
    let all = [
        ("max memory", app.max_memory_bytes.map(units::bytes)),
        ("user", app.user.clone()),
        ("group", app.group.clone()),
        ("nice", app.nice.map(|nice| nice.to_string())),
        ("max open files", app.max_open_files.map(|files| files.to_string())),
        ("core size", app.core_size_bytes.map(core_size)),
        ("umask", app.umask.clone()),
        ("new privileges", app.no_new_privileges.then(|| "never".to_owned())),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// `10.0 MiB per file, 30 kept, 7d at most; dropped when the disk is full; shown as HH:mm`.
fn log_policy(logs: &LogPolicy) -> String {
    let mut text = match logs.max_size_bytes {
        Some(bytes @ 1..) => format!("{} per file", units::bytes(bytes)),
        Some(_) | None => "files of any size".to_owned(),
    };
    match logs.max_files {
        Some(files @ 0..) => text.push_str(&format!(", {files} closed ones kept")),
        Some(_) | None => text.push_str(", closed ones kept as the budget allows"),
    }
    if let Some(age @ 1..) = logs.max_age_ms {
        text.push_str(&format!(", removed after {}", units::setting(age)));
    }
    if logs.merge == Some(true) {
        text.push_str("; the same for all processes");
    }
    if logs.when_full == Some(WhenFull::Drop) {
        text.push_str("; output is dropped when the disk is full");
    }
    if let Some(format) = &logs.date_format {
        text.push_str(&format!("; times as {format}"));
    }
    text
}

/// `GET http://… every 10s, timeout 5s, restart after 3 failures, start limit 1m`.
fn health_check(check: &HealthCheck) -> String {
    let what = match (&check.url, &check.tcp, &check.script) {
        (Some(url), _, _) => format!("GET {url}"),
        (None, Some(address), _) => format!("connect to {address}"),
        (None, None, script) => format!("run {}", script.as_deref().unwrap_or("-")),
    };
    let span = |ms: Option<i64>| units::setting(ms.unwrap_or(0));
    format!(
        "{what} every {}, timeout {}, restart after {} failures, start limit {}",
        span(check.interval_ms),
        span(check.timeout_ms),
        check.retries.unwrap_or(0),
        span(check.start_limit_ms.or(Some(USUAL_LIMIT_MS)))
    )
}

/// `before start ./migrate.sh, each within 60s`.
fn hooked(hooks: &Hooks) -> String {
    let Hooks { before_start, timeout_ms } = hooks;
    let all = [("before start", before_start)];
    let mut parts: Vec<String> =
        all.into_iter().filter_map(|(when, command)| Some(format!("{when} {}", command.as_ref()?))).collect();
    parts.extend(timeout_ms.map(|ms| format!("each within {}", units::setting(ms))));
    parts.join(", ")
}

/// The command line that is executed, so that it can be pasted into a shell.
fn command(app: &App) -> String {
    let words = std::iter::once(&app.program).chain(&app.args);
    words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn yes(so: bool) -> String {
    if so { "yes" } else { "no" }.to_owned()
}
