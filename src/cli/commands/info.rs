//! `info`: everything about an app or one of its processes.

use super::super::error::CliError;
use super::super::look_args::InfoArgs;
use super::super::out;
use super::super::render::{health_style, status_style, styled, units};
use super::super::session::Session;
use super::report::{self, Report};
use crate::wire::{
    App, Dependency, Event, FileWatch, HealthCheck, LastExit, LogPolicy, LogState, Process, Schedule, Tree,
    WhenFull,
};

/// How many of the latest events are shown.
const EVENTS: usize = 10;

/// Runs the command.
pub async fn run(args: InfoArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(false);
    let mut apps = Vec::new();
    let mut shown = false;
    for reference in &args.refs {
        match session.ask(async |c| c.apps_of(reference).await).await {
            Ok(found) if args.json => apps.extend(found),
            Ok(found) => {
                if found.is_empty() {
                    out::line("There are no processes.");
                }
                for app in found {
                    let events = events(&session, &app).await?;
                    let gap = if std::mem::replace(&mut shown, true) { "\n" } else { "" };
                    out::print(&format!("{gap}{}", text(&app, &events, session.screen.color)));
                }
            }
            Err(error) => report.refuse(&error),
        }
    }
    match apps.as_slice() {
        [] if args.json && !report.has_failed() => out::json(&apps),
        [] => {}
        [app] if args.refs.len() == 1 => out::json(app),
        several => out::json(several),
    }
    report.finish()
}

/// The latest events of the processes that are shown, oldest first.
async fn events(session: &Session, app: &App) -> Result<Vec<Event>, CliError> {
    let mut events = match app.processes.as_slice() {
        [one] => {
            let id = one.id;
            session.ask(async |c| c.events(EVENTS as u32, Some(id)).await).await?.items
        }
        several => {
            let mut all = session.ask(async |c| c.events(1000, None).await).await?.items;
            all.retain(|event| several.iter().any(|process| Some(process.id) == event.id));
            all
        }
    };
    events.drain(..events.len().saturating_sub(EVENTS));
    Ok(events)
}

/// What is printed: the definition, each process, what happened.
fn text(app: &App, events: &[Event], color: bool) -> String {
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
    pairs.extend(balance(app));
    pairs.extend(ready(app));
    pairs.extend(limits(app));
    pairs.extend(app.schedule.as_ref().map(|it| ("schedule", scheduled(it))));
    pairs.extend(app.next_run_at.as_ref().map(|at| ("next run", units::local_time(at))));
    pairs.extend(app.watch.as_ref().map(|watch| ("watches", watched(watch))));
    pairs.push(("logs", log_policy(&app.logs)));
    if !app.depends_on.is_empty() {
        pairs.push(("depends on", depends_on(app)));
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
    let mut text = block(&pairs);
    for process in &app.processes {
        text.push('\n');
        text.push_str(&block(&process_pairs(process, color)));
    }
    if !events.is_empty() {
        text.push_str("\nlatest events\n");
        for event in events {
            text.push_str(&format!("  {}  {}\n", units::local_time(&event.ts), event.detail));
        }
    }
    text
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

/// `db (healthy), cache (ready)`.
fn depends_on(app: &App) -> String {
    let one = |on: &Dependency| format!("{} ({})", on.app, on.condition.as_deref().unwrap_or("ready"));
    app.depends_on.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `2 processes, 12 threads, 34 open files, 1.2 MiB read, 0 B written`.
fn tree_words(tree: &Tree) -> String {
    let many = |number: i64, one: &str, several: &str| {
        format!("{number} {}", if number == 1 { one } else { several })
    };
    [
        many(tree.processes, "process", "processes"),
        many(tree.threads, "thread", "threads"),
        many(tree.open_files, "open file", "open files"),
        format!("{} read", units::bytes(tree.read_bytes)),
        format!("{} written", units::bytes(tree.written_bytes)),
    ]
    .join(", ")
}

/// What makes it ready, and how it is asked to end, as far as that is unusual.
fn ready(app: &App) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    match app.ready.as_str() {
        "" | "auto" => {}
        by => pairs.push(("ready by", format!("{by}, within {}", units::setting(app.listen_timeout_ms)))),
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

fn process_pairs(process: &Process, color: bool) -> Vec<(&'static str, String)> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut pairs = vec![
        ("process", format!("{} (id {})", process.name, process.id)),
        ("status", styled(&process.status, status_style(&process.status), color)),
    ];
    pairs.extend(process.reason.clone().map(|reason| ("reason", reason)));
    pairs.extend(process.health.as_ref().map(|health| {
        let because = process.health_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        ("health", format!("{}{because}", styled(health, health_style(health), color)))
    }));
    pairs.extend(process.ready_ms.map(|ms| ("ready after", format!("{ms} ms"))));
    pairs.extend(process.status_text.clone().map(|text| ("says", text)));
    let lost = |why: &String| ("ipc channel", format!("lost: {why}; stop uses the signal"));
    pairs.extend(process.channel_lost.as_ref().map(lost));
    pairs.extend([
        ("pid", or_dash(process.pid.map(|pid| pid.to_string()))),
        ("port", or_dash(report::ports(process))),
        ("uptime", or_dash(process.uptime_ms.map(units::span))),
        ("started at", or_dash(process.started_at.as_deref().map(units::local_time))),
        ("restarts", process.restarts.to_string()),
        ("unstable restarts", process.unstable_restarts.to_string()),
        ("cpu", or_dash(process.cpu_percent.map(units::percent))),
        ("memory", or_dash(process.memory_bytes.map(|bytes| memory(bytes, process.max_memory_bytes)))),
    ]);
    pairs.extend(process.tree.as_ref().map(|tree| ("tree", tree_words(tree))));
    pairs.extend(process.last_exit.as_ref().map(|exit| ("last exit", last_exit(exit))));
    pairs.extend(process.revision.map(|number| ("config revision", number.to_string())));
    pairs.push(("out log", process.out_log.clone()));
    pairs.push(("error log", process.err_log.clone()));
    pairs.extend(process.combined_log.clone().map(|path| ("combined log", path)));
    pairs.extend(process.logs.as_ref().map(|logs| ("logs", log_state(logs))));
    pairs.extend(process.logs.as_ref().and_then(|logs| logs.trouble.clone()).map(|why| ("log trouble", why)));
    pairs
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

/// `12.3 MiB in 4 files, dropped 1.0 KiB (12 lines)`.
fn log_state(logs: &LogState) -> String {
    let files = if logs.segments == 1 { "file" } else { "files" };
    let text = format!("{} in {} {files}", units::bytes(logs.bytes), logs.segments);
    match logs.dropped_bytes {
        0 => text,
        bytes => format!("{text}, dropped {} ({} lines)", units::bytes(bytes), logs.dropped_lines),
    }
}

/// `18.4 MiB`, or `18.4 MiB of 512.0 MiB` with a limit.
fn memory(bytes: i64, limit: Option<i64>) -> String {
    let used = units::bytes(bytes);
    limit.map_or_else(|| used.clone(), |limit| format!("{used} of {}", units::bytes(limit)))
}

/// `code 1`, `signal SIGKILL`, or that nobody knows; and why, if the manager ended it.
fn last_exit(exit: &LastExit) -> String {
    let how = how(exit);
    exit.reason.as_ref().map_or_else(|| how.clone(), |reason| format!("{how}, {reason}"))
}

fn how(exit: &LastExit) -> String {
    match (exit.code, &exit.signal) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
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
        span(check.start_limit_ms)
    )
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

/// Aligned key and value lines.
fn block(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    pairs.iter().map(|(key, value)| format!("{key:<width$}  {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::*;

    fn app() -> App {
        App {
            id: 7,
            name: "web".into(),
            namespace: "default".into(),
            revision: 3,
            script: "server.js".into(),
            interpreter: Some("node".into()),
            interpreter_args: vec!["--trace-warnings".into()],
            program: "/usr/bin/node".into(),
            args: vec!["/srv/my app/server.js".into(), "it's".into()],
            cwd: "/srv".into(),
            env: [("KEY".to_owned(), "***".to_owned())].into(),
            env_file: vec!["/srv/.env".into()],
            filter_env: vec!["AWS_".into()],
            instances: 2,
            port: Some("3000".into()),
            listen_mode: Some("shared".into()),
            balance: None,
            balancer: None,
            autostart: true,
            autorestart: true,
            max_restarts: 16,
            min_uptime_ms: 1000,
            restart_delay_ms: 0,
            exp_backoff_restart_delay_ms: Some(100),
            stop_exit_codes: vec![0, 3],
            kill_signal: "SIGTERM".into(),
            kill_timeout_ms: 10_000,
            health_check: None,
            max_memory_bytes: Some(512 << 20),
            nice: None,
            user: Some("www".into()),
            group: None,
            max_open_files: None,
            core_size_bytes: Some(-1),
            umask: None,
            no_new_privileges: false,
            logs: LogPolicy { max_size_bytes: Some(10 << 20), max_files: Some(30), ..LogPolicy::default() },
            depends_on: vec![Dependency { app: "db".into(), condition: Some("healthy".into()) }],
            notices: Vec::new(),
            ready: "log:up".into(),
            listen_timeout_ms: 3_000,
            shutdown_with_message: true,
            watch: None,
            schedule: None,
            next_run_at: None,
            processes: vec![process(0, "online"), process(1, "errored")],
        }
    }

    #[test]
    fn the_page_tells_definition_processes_and_events() {
        let event = Event {
            seq: 1,
            ts: "not a time".into(),
            kind: "process.exited".into(),
            id: Some(1),
            name: "web-1".into(),
            namespace: "default".into(),
            detail: "web-1 ended with code 1".into(),
            exit: None,
            revision: None,
        };
        let text = text(&app(), &[event], false);
        for line in [
            "interpreter args  --trace-warnings",
            "runs              /usr/bin/node '/srv/my app/server.js' 'it'\\''s'",
            "restart delay     growing from 100ms, at most 15s",
            "port              3000, one socket shared by all instances",
            "stop exit codes   0 3",
            "kill timeout      10s",
            "max memory        512.0 MiB",
            "ready by          log:up, within 3s",
            "asked to end      by the message \"shutdown\", or by the signal",
            "user              www",
            "core size         unlimited",
            "env files         /srv/.env",
            "filter env        AWS_",
            "logs              10.0 MiB per file, 30 closed ones kept",
            "depends on        db (healthy)",
            "reason             given up",
            "pid                4000",
            "  not a time  web-1 ended with code 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
