//! What an app does now, and why it is as it is.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::event::{EventView, lines, moment};
use super::super::{command_line, text};
use super::reference;
use crate::wire::{App, Balancer, CustomMetric, Event, JobRun, Process};

/// So many of the latest events are on the overview.
const LATEST: usize = 8;
/// So many ends are told.
const ENDS: usize = 4;

/// The part of the overview that changes.
#[derive(Template)]
#[template(path = "app/now.html")]
pub(super) struct Now<'a> {
    app: &'a App,
    reference: String,
    /// One sentence, and whether it is good news.
    verdict: String,
    tone: &'static str,
    /// What is wrong at this moment, with its process.
    complaints: Vec<(String, String)>,
    /// The latest ends of runs, one of each process.
    ends: Vec<End<'a>>,
    facts: Vec<(&'static str, String)>,
    latest: Vec<EventView<'a>>,
    /// Of a job, the newest first.
    runs: Vec<RunView<'a>>,
    several: bool,
    /// What its processes measure themselves: name and value.
    metrics: Vec<(String, String)>,
}

/// A run of a job, or a time at which there was none.
struct RunView<'a> {
    run: &'a JobRun,
    when: String,
    tone: &'static str,
    icon: &'static str,
}

impl<'a> RunView<'a> {
    fn new(run: &'a JobRun) -> RunView<'a> {
        // Words may be added to the API: those look calm.
        let (tone, icon) = match run.outcome.as_str() {
            "succeeded" => ("good", "online"),
            "failed" => ("bad", "errored"),
            "running" => ("calm", "starting"),
            "skipped" | "missed" => ("warn", "info"),
            _ => ("calm", "info"),
        };
        RunView { run, when: moment(&run.at), tone, icon }
    }
}

/// How the latest run of a process that is over ended.
struct End<'a> {
    id: i64,
    name: &'a str,
    ts: &'a str,
    /// `2026-01-02 03:04:05 UTC`.
    when: String,
    detail: String,
    tone: &'static str,
    /// What was decided then.
    after: Option<String>,
}

impl HtmlSafe for Now<'_> {}

impl<'a> Now<'a> {
    pub fn new(app: &'a App, events: &'a [Event], runs: &'a [JobRun]) -> Now<'a> {
        let (verdict, tone) = verdict(app);
        let mut latest = lines(events);
        latest.truncate(LATEST);
        Now {
            app,
            reference: reference(app),
            verdict,
            tone,
            complaints: app.processes.iter().filter_map(complaint).collect(),
            ends: ends(app, events),
            facts: facts(app),
            latest,
            runs: runs.iter().rev().map(RunView::new).collect(),
            several: app.processes.len() > 1,
            metrics: metrics(app),
        }
    }
}

/// What its processes measure themselves, with the process where there are several.
fn metrics(app: &App) -> Vec<(String, String)> {
    let several = app.processes.len() > 1;
    let one = |process: &Process, metric: &CustomMetric| {
        let name = match several {
            true => format!("{} {}", process.name, metric.name),
            false => metric.name.clone(),
        };
        let unit = metric.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        (text::plain(&name), text::plain(&format!("{}{unit}", metric.value)))
    };
    let of = |process: &Process| process.custom_metrics.iter().map(|it| one(process, it)).collect::<Vec<_>>();
    app.processes.iter().flat_map(of).collect()
}

/// How it is, as a sentence.
fn verdict(app: &App) -> (String, &'static str) {
    let processes = &app.processes;
    let count = |word: &str| processes.iter().filter(|process| process.status == word).count();
    let unhealthy = processes.iter().filter(|process| process.health.as_deref() == Some("unhealthy")).count();
    let (all, online, errored) = (processes.len(), count("online"), count("errored"));
    let of = |number: usize| match all {
        1 => "It".to_owned(),
        _ if number == all => format!("All {all}"),
        _ => format!("{number} of {all}"),
    };
    let is = |number: usize| if all == 1 || number == 1 { "is" } else { "are" };
    if errored > 0 {
        return (format!("{} {} errored.", of(errored), is(errored)), "bad");
    }
    if unhealthy > 0 {
        return (format!("{} {} unhealthy.", of(unhealthy), is(unhealthy)), "warn");
    }
    if online == all && all > 0 {
        return (format!("{} {} online.", of(online), is(online)), "good");
    }
    if app.next_run_at.is_some() && count("stopped") == all && all > 0 {
        return (
            format!("{} {} until the next run is due.", of(all), if all == 1 { "rests" } else { "rest" }),
            "calm",
        );
    }
    let words = ["online", "starting", "restarting", "stopping", "stopped"];
    let some = words.into_iter().map(|word| (word, count(word))).filter(|(_, number)| *number > 0);
    let told: Vec<String> = some.map(|(word, number)| format!("{} {word}", of(number))).collect();
    let sentence = match all {
        1 => format!("{}.", told.join(", ").replacen("It ", "It is ", 1)),
        _ => format!("{}.", told.join(", ")),
    };
    (sentence, if count("restarting") > 0 { "warn" } else { "calm" })
}

fn complaint(process: &Process) -> Option<(String, String)> {
    let what = process.reason.as_ref().or(process.health_reason.as_ref()).or(process.channel_lost.as_ref());
    let trouble = process.logs.as_ref().and_then(|logs| logs.trouble.as_ref());
    what.or(trouble).map(|what| (process.name.clone(), text::plain(what)))
}

/// The latest end of each process, the newest first.
fn ends<'a>(app: &'a App, events: &'a [Event]) -> Vec<End<'a>> {
    let is_end = |event: &Event| matches!(event.kind.as_str(), "process.exited" | "process.spawn_failed");
    let of_process = |process: &'a Process| {
        let own: Vec<&Event> = events.iter().filter(|event| event.id == Some(process.id)).collect();
        let at = own.iter().rposition(|event| is_end(event))?;
        let decided = |event: &&&Event| {
            matches!(event.kind.as_str(), "process.backing_off" | "process.errored" | "process.host_budget")
        };
        let after = own[at..].iter().find(decided).map(|event| text::plain(&event.detail));
        let view = EventView::new(own[at]);
        Some((
            own[at].seq,
            End {
                id: process.id,
                name: &process.name,
                ts: &own[at].ts,
                when: when(&own[at].ts),
                detail: view.detail,
                tone: view.tone,
                after,
            },
        ))
    };
    let mut ends: Vec<(i64, End<'a>)> = app.processes.iter().filter_map(of_process).collect();
    ends.sort_by_key(|(seq, _)| -seq);
    ends.into_iter().map(|(_, end)| end).take(ENDS).collect()
}

/// A time of the API as people read it.
fn when(ts: &str) -> String {
    format!("{} UTC", moment(ts))
}

/// A balancer, listening there, and each process behind it.
fn balancer_facts(balancer: &Balancer, port: Option<i64>) -> Vec<(&'static str, String)> {
    let requests = |number| text::count(number, "request", "requests");
    let errors = |number| text::count(number, "error", "errors");
    let place = port.map(|port| format!(" on port {port}")).unwrap_or_default();
    let says = format!(
        "{}{place}, {}, {}, {}, {} retried",
        balancer.status,
        text::count(balancer.connections, "connection", "connections"),
        requests(balancer.requests),
        errors(balancer.errors),
        balancer.retries
    );
    let mut facts = vec![("Balancer", says)];
    facts.extend(balancer.backends.iter().map(|backend| {
        let drains = if backend.draining { ", gets nothing new" } else { "" };
        let says = format!(
            "{}: port {}, {} active, {}, {}{drains}",
            backend.instance,
            backend.port,
            backend.active,
            requests(backend.requests),
            errors(backend.errors)
        );
        ("Behind it", says)
    }));
    facts
}

/// What one looks up first.
fn facts(app: &App) -> Vec<(&'static str, String)> {
    let mut facts = vec![(
        "Command",
        command_line::words([app.program.as_str()].into_iter().chain(app.args.iter().map(String::as_str))),
    )];
    facts.push(("Directory", app.cwd.clone()));
    let sum = |value: &dyn Fn(&Process) -> Option<i64>| app.processes.iter().filter_map(value).sum::<i64>();
    if let Some(port) = &app.port {
        facts.push(("Port", port.clone()));
    }
    let trees: Vec<_> = app.processes.iter().filter_map(|process| process.tree.as_ref()).collect();
    if !trees.is_empty() {
        let of = |value: fn(&crate::wire::Tree) -> i64| trees.iter().map(|tree| value(tree)).sum::<i64>();
        facts.push((
            "Tree",
            format!(
                "{}, {}, {} open files",
                text::count(of(|tree| tree.processes), "process", "processes"),
                text::count(of(|tree| tree.threads), "thread", "threads"),
                of(|tree| tree.open_files)
            ),
        ));
        facts.push((
            "Disk",
            format!(
                "{} read, {} written",
                text::bytes(of(|tree| tree.read_bytes)),
                text::bytes(of(|tree| tree.written_bytes))
            ),
        ));
    }
    if let Some(schedule) = &app.schedule {
        facts.push((
            "Schedule",
            format!("{} ({})", schedule.cron, schedule.timezone.as_deref().unwrap_or_default()),
        ));
    }
    if let Some(at) = &app.next_run_at {
        facts.push(("Next run", when(at)));
    }
    if let Some(watch) = &app.watch {
        facts.push(("Restarts when files change in", watch.paths.join(", ")));
    }
    if let Some(balancer) = &app.balancer {
        let port = app.balance.as_ref().and_then(|balance| balance.port);
        facts.extend(balancer_facts(balancer, port));
    }
    if app.ready != "auto" {
        facts.push(("Ready", app.ready.clone()));
    }
    if let Some(check) = &app.health_check {
        let what = check.url.as_ref().or(check.tcp.as_ref()).or(check.script.as_ref());
        facts.push(("Health check", what.cloned().unwrap_or_default()));
    }
    let said = app.processes.iter().filter_map(|process| process.status_text.as_ref()).next();
    if let Some(said) = said {
        facts.push(("It says", text::plain(said)));
    }
    facts.push((
        "Restarts",
        format!("{}, {} unstable in a row", sum(&|p| Some(p.restarts)), sum(&|p| Some(p.unstable_restarts))),
    ));
    let logs = sum(&|process| process.logs.as_ref().map(|logs| logs.bytes));
    if logs > 0 {
        facts.push(("Logs on disk", text::bytes(logs)));
    }
    let dropped = sum(&|process| process.logs.as_ref().map(|logs| logs.dropped_bytes));
    if dropped > 0 {
        facts.push(("Log output dropped", text::bytes(dropped)));
    }
    facts
}
