//! When there is nothing left to wait for, and what to end with.

use nix::sys::signal::Signal;

use super::super::report::is_down;
use crate::wire::{App, Process};

/// What this command has started, beside what ran in this home before.
pub struct Ours {
    /// Its processes.
    pub ids: Vec<i64>,
    /// Something of it was refused, or did not come up.
    pub failed: bool,
}

impl Ours {
    /// What to end with. `None`: something runs, or will.
    pub fn code(&self, apps: &[App]) -> Option<u8> {
        let is_over = |app: &App| app.next_run_at.is_none() && app.processes.iter().all(is_down);
        if !apps.iter().all(is_over) {
            return None;
        }
        let ours =
            apps.iter().flat_map(|app| &app.processes).filter(|process| self.ids.contains(&process.id));
        Some(ours.map(code).find(|code| *code != 0).unwrap_or(u8::from(self.failed && self.ids.is_empty())))
    }
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

#[cfg(test)]
mod tests {
    use super::super::super::report::tests::process;
    use super::*;
    use crate::wire::LastExit;

    #[test]
    fn the_code_is_that_of_the_app_as_a_shell_would_tell_it() {
        let check = |status: &str, exit: Option<LastExit>, expected: u8| {
            let process = Process { last_exit: exit, ..process(1, status) };
            assert_eq!(code(&process), expected, "{status} {:?}", process.last_exit);
        };
        let with = |code| Some(LastExit { code: Some(code), ..LastExit::default() });
        let by = |signal: &str| Some(LastExit { signal: Some(signal.to_owned()), ..LastExit::default() });
        check("stopped", with(0), 0);
        check("stopped", with(3), 3);
        check("errored", with(7), 7);
        check("errored", with(0), 1);
        check("errored", by("SIGSEGV"), 139);
        check("stopped", by("SIGTERM"), 0);
        check("errored", None, 1);
        check("errored", Some(LastExit { unknown: Some(true), ..LastExit::default() }), 1);
    }
}
