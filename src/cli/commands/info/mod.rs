//! `info`: everything about an app or one of its processes.

mod definition;
mod process;

use super::report::Report;
use crate::cli::error::CliError;
use crate::cli::look_args::InfoArgs;
use crate::cli::out;
use crate::cli::render::units;
use crate::cli::session::Session;
use crate::wire::{App, Event};

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
    let mut text = block(&definition::pairs(app));
    for process in &app.processes {
        text.push('\n');
        text.push_str(&block(&process::pairs(process, color)));
    }
    if !events.is_empty() {
        text.push_str("\nlatest events\n");
        for event in events {
            text.push_str(&format!("  {}  {}\n", units::local_time(&event.ts), event.detail));
        }
    }
    text
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
    use crate::wire::{Dependency, LogPolicy};

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
            instance_var: None,
            instances: 2,
            port: Some("3000".into()),
            listen_mode: Some("shared".into()),
            spread: Some("queue".into()),
            balance: None,
            balancer: None,
            rolling: None,
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
            hooks: None,
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
            stdin: false,
            labels: Default::default(),
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
            asked: false,
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
