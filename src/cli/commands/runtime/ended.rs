//! When there is nothing left to wait for, and what to end with.

use nix::sys::signal::Signal;

use super::super::report::is_down;
use crate::wire::{App, Process};

/// Nothing runs any more, and nothing is to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What to end with.
    pub code: u8,
}

/// Looks at all apps. `None`: something runs, or will.
pub fn of(apps: &[App]) -> Option<Ended> {
    let is_over = |app: &App| app.next_run_at.is_none() && app.processes.iter().all(is_down);
    if !apps.iter().all(is_over) {
        return None;
    }
    let processes = apps.iter().flat_map(|app| &app.processes);
    let code = processes.map(code).find(|code| *code != 0).unwrap_or(0);
    Some(Ended { code })
}

/// As a shell would tell it. What was stopped by hand has done nothing wrong.
fn code(process: &Process) -> u8 {
    let failed = process.status == "errored";
    let Some(exit) = &process.last_exit else { return u8::from(failed) };
    match (exit.code, &exit.signal) {
        // The kernel keeps eight bits.
        (Some(code), _) if code != 0 || !failed => code as u8,
        (None, Some(_)) if !failed => 0,
        (None, Some(signal)) => signal.parse().map_or(1, |signal: Signal| 128 + signal as u8),
        (Some(_), _) | (None, None) => u8::from(failed),
    }
}
