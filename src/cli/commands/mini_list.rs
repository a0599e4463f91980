//! `list --mini-list`: a block for each process, as PM2 prints it for terminals that are narrow and for
//! scripts.

use super::super::render::units;
use crate::wire::Process;

/// All blocks.
pub fn text(processes: &[Process]) -> String {
    processes.iter().map(block).collect()
}

fn block(process: &Process) -> String {
    let or = |text: Option<String>, none: &str| text.unwrap_or_else(|| none.to_owned());
    let rows = [
        ("namespace", process.namespace.clone()),
        ("pid", process.pid.unwrap_or(0).to_string()),
        ("pm2 id", process.id.to_string()),
        ("status", process.status.clone()),
        ("restarted", process.restarts.to_string()),
        ("uptime", or(process.uptime_ms.map(units::span), "0")),
        ("memory usage", or(process.memory_bytes.map(units::bytes), "0")),
        ("cpu", or(process.cpu_percent.map(units::percent), "0%")),
        ("error log", process.err_log.clone()),
        ("output log", process.out_log.clone()),
    ];
    let lines: String = rows.iter().map(|(key, value)| format!("{key} : {value}\n")).collect();
    format!("+--- {}\n{lines}", process.name)
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::*;

    #[test]
    fn a_process_is_a_block_of_pairs() {
        let text = text(&[process(0, "online"), process(1, "stopped")]);
        assert!(
            text.starts_with("+--- web-0\nnamespace : default\npid : 4000\npm2 id : 0\nstatus : online\n"),
            "{text}"
        );
        assert!(text.contains("+--- web-1\nnamespace : default\npid : 0\n"), "{text}");
    }
}
