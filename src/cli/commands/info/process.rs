//! A process in words.

use super::super::report;
use crate::cli::render::{health_style, status_style, styled, units};
use crate::wire::{LastExit, LogState, Process, Tree};

/// What a process is doing.
pub fn pairs(process: &Process, color: bool) -> Vec<(&'static str, String)> {
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
    let metrics: Vec<String> = process.custom_metrics.iter().map(report::metric).collect();
    pairs.extend((!metrics.is_empty()).then(|| ("custom metrics", metrics.join(", "))));
    pairs.extend((!process.actions.is_empty()).then(|| ("actions", process.actions.join(", "))));
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
