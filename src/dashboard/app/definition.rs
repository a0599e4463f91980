//! A definition as words: what was asked for, and what is so by default.

use super::super::{command_line, text};
use crate::wire::App;

/// Settings under one heading.
pub(super) struct Group {
    pub title: &'static str,
    pub rows: Vec<(&'static str, String)>,
}

/// Everything, in the order in which one thinks of it.
pub(super) fn groups(app: &App) -> Vec<Group> {
    let groups = [
        ("Program", program(app)),
        ("Processes", processes(app)),
        ("Restarts", restarts(app)),
        ("Stopping", stopping(app)),
        ("Reloading", reloading(app)),
        ("Health", health(app)),
        ("Hooks", hooks(app)),
        ("Limits", limits(app)),
        ("Logs", logs(app)),
    ];
    groups.into_iter().map(|(title, rows)| Group { title, rows }).collect()
}

type Rows = Vec<(&'static str, String)>;

fn yes(so: bool) -> String {
    if so { "yes" } else { "no" }.to_owned()
}

/// A row if there is something to say.
fn put<T>(rows: &mut Rows, label: &'static str, value: Option<T>, say: impl FnOnce(T) -> String) {
    if let Some(value) = value {
        rows.push((label, say(value)));
    }
}

fn program(app: &App) -> Rows {
    let mut rows = vec![("Script", app.script.clone())];
    put(&mut rows, "Interpreter", app.interpreter.as_ref(), |program| {
        command_line::words(
            [program.as_str()].into_iter().chain(app.interpreter_args.iter().map(String::as_str)),
        )
    });
    let words = [app.program.as_str()].into_iter().chain(app.args.iter().map(String::as_str));
    rows.push(("Executed", command_line::words(words)));
    rows.push(("Directory", app.cwd.clone()));
    put(&mut rows, "User", app.user.clone(), |user| user);
    put(&mut rows, "Group", app.group.clone(), |group| group);
    if !app.env_file.is_empty() {
        rows.push(("Environment files", app.env_file.join(", ")));
    }
    if !app.filter_env.is_empty() {
        rows.push(("Not inherited", app.filter_env.join(", ")));
    }
    put(&mut rows, "Instance variable", app.instance_var.clone(), |name| name);
    rows
}

fn processes(app: &App) -> Rows {
    let mut rows = vec![("Instances", app.instances.to_string())];
    put(&mut rows, "Port", app.port.clone(), |port| port);
    put(&mut rows, "Listening", app.listen_mode.clone(), |mode| mode);
    put(&mut rows, "Connections", app.spread.clone(), |spread| spread);
    put(&mut rows, "Balanced on", app.balance.as_ref().and_then(|balance| balance.port), |port: i64| {
        port.to_string()
    });
    rows.push(("Started at boot", yes(app.autostart)));
    if !app.labels.is_empty() {
        let labels = app.labels.iter().map(|(name, value)| format!("{name}={value}"));
        rows.push(("Labels", labels.collect::<Vec<_>>().join(", ")));
    }
    if !app.depends_on.is_empty() {
        let one = |dependency: &crate::wire::Dependency| {
            format!("{} ({})", dependency.app, dependency.condition.as_deref().unwrap_or("ready"))
        };
        rows.push(("Depends on", app.depends_on.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    rows
}

fn restarts(app: &App) -> Rows {
    let mut rows = vec![
        ("Starts again by itself", yes(app.autorestart)),
        ("Given up after", format!("{} unstable runs in a row", app.max_restarts)),
        ("A run is stable after", text::span(app.min_uptime_ms)),
    ];
    let wait = match (app.restart_delay_ms, app.exp_backoff_restart_delay_ms) {
        (0, None) => "growing".to_owned(),
        (0, Some(first)) => format!("growing from {}", text::span(first)),
        (fixed, _) => text::span(fixed),
    };
    rows.push(("Wait before a restart", wait));
    put(&mut rows, "When files change in", app.watch.as_ref(), |watch| watch.paths.join(", "));
    if !app.stop_exit_codes.is_empty() {
        let codes: Vec<String> = app.stop_exit_codes.iter().map(i64::to_string).collect();
        rows.push(("Stays down after exit code", codes.join(", ")));
    }
    rows
}

fn stopping(app: &App) -> Rows {
    let how = match app.shutdown_with_message {
        true => "the message \"shutdown\", else ".to_owned() + &app.kill_signal,
        false => app.kill_signal.clone(),
    };
    vec![("Asked to end by", how), ("Killed after", text::span(app.kill_timeout_ms))]
}

/// As far as it is unusual.
fn reloading(app: &App) -> Rows {
    let mut rows = Vec::new();
    let Some(rolling) = &app.rolling else { return rows };
    put(&mut rows, "A new run stays well for", rolling.soak_ms, text::span);
    put(&mut rows, "New runs beside old ones", rolling.max_surge.clone(), |share| share);
    put(&mut rows, "Processes missing meanwhile", rolling.max_unavailable.clone(), |share| share);
    rows
}

fn health(app: &App) -> Rows {
    let mut rows = vec![("Ready by", app.ready.clone())];
    if app.ready != "auto" {
        rows.push(("Ready within", text::span(app.listen_timeout_ms)));
    }
    let Some(check) = &app.health_check else {
        rows.push(("Health check", "none".to_owned()));
        return rows;
    };
    put(&mut rows, "Checked by GET of", check.url.clone(), |url| url);
    put(&mut rows, "Checked by connecting to", check.tcp.clone(), |address| address);
    put(&mut rows, "Checked by running", check.script.clone(), |script| script);
    put(&mut rows, "Every", check.interval_ms, text::span);
    put(&mut rows, "Within", check.timeout_ms, text::span);
    put(&mut rows, "Failures in a row", check.retries, |number| number.to_string());
    rows
}

fn hooks(app: &App) -> Rows {
    let Some(hooks) = &app.hooks else { return vec![("Commands", "none".to_owned())] };
    let mut rows = Vec::new();
    put(&mut rows, "Before start", hooks.before_start.clone(), |command| command);
    put(&mut rows, "Each within", hooks.timeout_ms, text::span);
    rows
}

fn limits(app: &App) -> Rows {
    let mut rows = Vec::new();
    rows.push(("Memory", app.max_memory_bytes.map_or("none".to_owned(), text::bytes)));
    put(&mut rows, "Nice", app.nice, |nice| nice.to_string());
    put(&mut rows, "Open files", app.max_open_files, |number| number.to_string());
    put(&mut rows, "Core dumps", app.core_size_bytes, |size| match size {
        -1 => "no limit".to_owned(),
        size => text::bytes(size),
    });
    put(&mut rows, "Umask", app.umask.clone(), |umask| umask);
    put(&mut rows, "New privileges", app.no_new_privileges.then_some("never"), str::to_owned);
    rows
}

fn logs(app: &App) -> Rows {
    let policy = &app.logs;
    if policy.disable == Some(true) {
        return vec![("Files", "none".to_owned())];
    }
    let mut rows = Vec::new();
    let first = app.processes.first();
    put(&mut rows, "Standard output", first.map(|process| process.out_log.clone()), |path| path);
    put(&mut rows, "Standard error", first.map(|process| process.err_log.clone()), |path| path);
    put(&mut rows, "Both", policy.combined_file.clone(), |path| path);
    put(&mut rows, "A file is closed at", policy.max_size_bytes, |size| match size {
        0 => "never".to_owned(),
        size => text::bytes(size),
    });
    put(&mut rows, "Closed files kept", policy.max_files, |number| match number {
        -1 => "as many as fit".to_owned(),
        number => number.to_string(),
    });
    put(&mut rows, "Oldest line", policy.max_age_ms.filter(|age| *age > 0), text::span);
    rows
}
