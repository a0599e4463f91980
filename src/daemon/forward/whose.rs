//! Whose lines are sent: what a receiver wants to know of the process that wrote one.

use std::sync::Arc;

use crate::daemon::clock;
use crate::daemon::view::ProcessView;
use crate::model::{Pid, State};

/// A process whose log is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Whose {
    name: String,
    namespace: Arc<str>,
    /// The newest run that was seen, and the one before: lines of a run are read when it is over.
    runs: [Option<Run>; 2],
}

/// A life of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    pid: Pid,
    /// When it began, in microseconds since 1970.
    since: u64,
}

impl Whose {
    /// That process.
    pub fn of(view: &ProcessView) -> Whose {
        Whose { name: view.name(), namespace: view.spec.namespace.as_str().into(), runs: [None, None] }
    }

    /// As it is now.
    pub fn learn(&mut self, view: &ProcessView) {
        self.name = view.name();
        if let State::Running { pid, since, .. } = view.state {
            self.begun(pid, clock::unix_us_of(since));
        }
    }

    fn begun(&mut self, pid: Pid, since: u64) {
        if self.runs[0].is_none_or(|newest| newest.pid != pid) {
            self.runs = [Some(Run { pid, since }), self.runs[0]];
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The namespace of its app.
    pub fn namespace(&self) -> Arc<str> {
        self.namespace.clone()
    }

    /// Which process of the system wrote what came at that time, in microseconds since 1970, if that
    /// is known.
    pub fn pid_at(&self, at: Option<u64>) -> Option<Pid> {
        let at = at?;
        self.runs.iter().flatten().find(|run| run.since <= at).map(|run| run.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_pid_of_the_run_that_wrote_it() {
        let mut whose = Whose { name: "web".into(), namespace: "default".into(), runs: [None, None] };
        let pids =
            |whose: &Whose| [Some(99), Some(100), Some(299), Some(300), None].map(|at| whose.pid_at(at));
        assert_eq!(pids(&whose), [None; 5]);
        whose.begun(Pid(7), 100);
        whose.begun(Pid(7), 101);
        whose.begun(Pid(8), 300);
        assert_eq!(pids(&whose), [None, Some(Pid(7)), Some(Pid(7)), Some(Pid(8)), None]);
    }
}
