//! What became of a command: one line for each process, said as it is.

use serde::Serialize;

use super::super::error::CliError;
use super::super::out;
use super::act::WAIT;
use crate::client::Reached;
use crate::wire::Action;
use crate::wire::{CustomMetric, Outcome, Problem, Process, Then};

/// One process's share in the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// It is as was asked, or was so already.
    Done(String),
    /// It is not.
    Failed(String),
}

/// Collects what happens and tells it: lines as they come, or one JSON array at the end.
pub struct Report {
    /// The answer is to be JSON.
    pub json: bool,
    failed: bool,
    processes: Vec<Process>,
    problems: Vec<Problem>,
}

/// One thing in the JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Process(&'a Process),
    Problem(&'a Problem),
}

impl Report {
    /// An empty one.
    pub fn new(json: bool) -> Report {
        Report { json, failed: false, processes: Vec::new(), problems: Vec::new() }
    }

    /// Adds an answer of the daemon. `before` is how the processes were before it was asked.
    pub fn add(&mut self, action: Action, reached: Reached, before: &[Process]) {
        let (on_time, outcome) = match reached {
            Reached::Yes(outcome) => (true, outcome),
            Reached::NotYet(outcome) => (false, outcome),
        };
        self.failed |= !on_time;
        outcome.notices.iter().for_each(|notice| out::notice(notice));
        for line in lines(action, on_time, &outcome, before) {
            self.say(line);
        }
        self.processes.extend(outcome.processes);
    }

    /// Adds processes that the daemon has just defined.
    pub fn add_new(&mut self, processes: Vec<Process>, autostart: bool) {
        for process in &processes {
            let line = match (autostart, process.pid) {
                (false, None) => Line::Done(format!("Defined {}; it is not started.", title(process))),
                (_, _) => line(Action::Start, true, true, process),
            };
            self.say(line);
        }
        self.processes.extend(processes);
    }

    /// Adds a line, and processes for the JSON.
    pub fn tell(&mut self, line: Line, process: &Process) {
        self.say(line);
        self.processes.push(process.clone());
    }

    /// The processes that it is about.
    pub fn ids(&self) -> Vec<i64> {
        self.processes.iter().map(|process| process.id).collect()
    }

    /// Whether anything was refused or failed so far.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Adds a line alone.
    pub fn note(&mut self, line: Line) {
        self.say(line);
    }

    /// Adds a process for the JSON alone.
    pub fn keep(&mut self, process: &Process) {
        self.processes.push(process.clone());
    }

    /// Adds processes whose definition was changed.
    pub fn add_updated(&mut self, processes: Vec<Process>, then: Then) {
        for process in &processes {
            let title = title(process);
            let status = &process.status;
            let line = match then {
                Then::Keep if is_down(process) => {
                    Line::Done(format!("Changed the definition of {title}; it is not started."))
                }
                Then::Keep => Line::Done(format!(
                    "Changed the definition of {title}; it is {status} by the old one until its next start."
                )),
                Then::Start => line(Action::Start, true, true, process),
                Then::Restart => line(Action::Restart, true, true, process),
            };
            self.say(line);
        }
        self.processes.extend(processes);
    }

    /// Adds something that was refused.
    pub fn refuse(&mut self, error: &CliError) {
        if let Some(sentence) = error.sentence() {
            out::error(&sentence);
        }
        self.failed = true;
    }

    /// Adds why a reload did not come to its end: for the JSON as the problem document, which names its
    /// operation.
    pub fn refuse_reload(&mut self, error: &CliError) {
        self.refuse(error);
        if let CliError::Client(client) = error {
            self.problems.extend(client.problem().cloned());
        }
    }

    /// Adds what another report has, whose lines are told already.
    pub fn append(&mut self, other: Report) {
        self.failed |= other.failed;
        self.processes.extend(other.processes);
        self.problems.extend(other.problems);
    }

    /// Ends the report.
    ///
    /// # Errors
    /// [`CliError::Told`] when something failed.
    pub fn finish(self) -> Result<(), CliError> {
        if self.json {
            let processes = self.processes.iter().map(Told::Process);
            let told: Vec<Told<'_>> = processes.chain(self.problems.iter().map(Told::Problem)).collect();
            out::json(&told);
        }
        if self.failed { Err(CliError::Told) } else { Ok(()) }
    }

    fn say(&mut self, line: Line) {
        match line {
            Line::Done(_) if self.json => {}
            Line::Done(text) => out::done(&text),
            Line::Failed(text) => {
                self.failed = true;
                out::error(&text);
            }
        }
    }
}

/// What is there no more has stopped; the others are as they are there.
pub fn tell_deleted(outcome: &mut Outcome, there: &[Process]) {
    for process in &mut outcome.processes {
        match there.iter().find(|other| other.id == process.id) {
            Some(now) => *process = now.clone(),
            None => process.status = "stopped".to_owned(),
        }
    }
}

/// How many processes were up before and are down in the answer.
pub fn stopped(before: &[Process], reached: &Reached) -> usize {
    let (on_time, outcome) = match reached {
        Reached::Yes(outcome) => (true, outcome),
        Reached::NotYet(outcome) => (false, outcome),
    };
    let was_up = |id: i64| before.iter().any(|p| p.id == id && !is_down(p));
    outcome.processes.iter().filter(|p| was_up(p.id) && (on_time || is_down(p))).count()
}

/// Nothing of it runs, and nothing is about to.
pub fn is_down(process: &Process) -> bool {
    matches!(process.status.as_str(), "stopped" | "errored")
}

/// `web (id 0)`.
pub fn title(process: &Process) -> String {
    if process.namespace == "default" {
        format!("{} (id {})", process.name, process.id)
    } else {
        format!("{}:{} (id {})", process.namespace, process.name, process.id)
    }
}

/// Its ports, and whether it has them for this run only. None: it has none.
pub fn ports(process: &Process) -> Option<String> {
    let ports: Vec<String> = process.ports.iter().map(i64::to_string).collect();
    let remark = if process.port_overridden { " (this run)" } else { "" };
    (!ports.is_empty()).then(|| format!("{}{remark}", ports.join(" ")))
}

/// `Requests 12 req/min`.
pub fn metric(metric: &CustomMetric) -> String {
    let unit = metric.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    format!("{} {}{unit}", metric.name, metric.value)
}

/// A line for each process of the answer.
fn lines(action: Action, on_time: bool, outcome: &Outcome, before: &[Process]) -> Vec<Line> {
    let one = |now: &Process| {
        let was = before.iter().find(|process| process.id == now.id);
        let changed = outcome.changed && was.is_none_or(|was| has_changed(action, was, now));
        line(action, on_time, changed, now)
    };
    outcome.processes.iter().map(one).collect()
}

/// Whether the action did anything to this process: the answer speaks of all of them together.
fn has_changed(action: Action, was: &Process, now: &Process) -> bool {
    match action {
        Action::Start => was.status != "online" || was.pid != now.pid,
        Action::Stop => !is_down(was),
        Action::Restart | Action::Delete => true,
        Action::Reset => was.restarts != 0 || was.unstable_restarts != 0,
    }
}

fn line(action: Action, on_time: bool, changed: bool, process: &Process) -> Line {
    let title = title(process);
    let (id, status) = (process.id, &process.status);
    let late = || {
        Line::Failed(format!(
            "{title} is still {status} after {} s and the daemon goes on with it: see pmdaemon info {id}",
            WAIT.as_secs()
        ))
    };
    let because = process.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    if let (Action::Start | Action::Restart, Some((soon, why))) = (action, not_begun(process)) {
        return Line::Failed(format!("{title} was not started: {why}; it is tried again in {soon}"));
    }
    match action {
        Action::Start | Action::Restart => match (status.as_str(), process.pid) {
            ("errored", _) => Line::Failed(format!("{title} is errored{because}; see pmdaemon logs {id}")),
            ("starting", None) if because.starts_with(": waits for ") => {
                Line::Failed(format!("{title} is not started yet{because}"))
            }
            // It runs, and is not ready yet: by its health check, a sign or its port.
            ("starting", Some(_)) if !changed => Line::Done(format!("{title} is already starting.")),
            ("starting", Some(pid)) => Line::Done(format!(
                "{} {} (id {id}, pid {pid}); it is starting until it is ready.",
                if action == Action::Start { "Started" } else { "Restarted" },
                title.rsplit_once(" (id").map_or(title.as_str(), |(name, _)| name)
            )),
            ("online", Some(_)) if !changed => Line::Done(format!("{title} is already online.")),
            ("online", Some(pid)) => Line::Done(format!(
                "{} {} (id {id}, pid {pid}).",
                if action == Action::Start { "Started" } else { "Restarted" },
                title.rsplit_once(" (id").map_or(title.as_str(), |(name, _)| name)
            )),
            (_, _) if !on_time => late(),
            (_, _) => Line::Done(format!(
                "{} {title}; it has ended since and is {status}{because}.",
                if action == Action::Start { "Started" } else { "Restarted" }
            )),
        },
        Action::Stop if !changed => Line::Done(format!("{title} is already {status}.")),
        Action::Stop if on_time || is_down(process) => Line::Done(format!("Stopped {title}.")),
        Action::Delete if on_time || is_down(process) => Line::Done(format!("Deleted {title}.")),
        Action::Stop | Action::Delete => late(),
        Action::Reset if changed => Line::Done(format!("Set the counters of {title} to zero.")),
        Action::Reset => Line::Done(format!("The counters of {title} are zero already.")),
    }
}

/// When its launch is tried again, and why the last one failed.
fn not_begun(process: &Process) -> Option<(&str, &str)> {
    let reason = process.reason.as_deref().filter(|_| process.status == "restarting")?;
    reason.strip_prefix("starts again in ")?.split_once(": ")
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A process with that status.
    pub fn process(id: i64, status: &str) -> Process {
        let pid = matches!(status, "online" | "stopping").then_some(4000 + id);
        Process {
            id,
            name: format!("web-{id}"),
            app: "web".into(),
            namespace: "default".into(),
            instance: id,
            status: status.into(),
            reason: (status == "errored").then(|| "given up".into()),
            health: None,
            health_reason: None,
            pid,
            ports: Vec::new(),
            port_overridden: false,
            revision: None,
            started_at: None,
            uptime_ms: pid.map(|_| 65_000),
            restarts: 0,
            unstable_restarts: 0,
            cpu_percent: pid.map(|_| 1.25),
            memory_bytes: pid.map(|_| 1_500_000),
            tree: None,
            max_memory_bytes: None,
            last_exit: None,
            out_log: "/o".into(),
            err_log: "/e".into(),
            ready_ms: None,
            status_text: None,
            channel_lost: None,
            combined_log: None,
            custom_metrics: Vec::new(),
            next_run_at: None,
            actions: Vec::new(),
            logs: None,
        }
    }

    /// The answer to a command that changed something.
    pub fn outcome(processes: Vec<Process>) -> Outcome {
        Outcome { changed: true, processes, ..Outcome::default() }
    }

    fn check(action: Action, on_time: bool, changed: bool, status: &str, expected: Line) {
        assert_eq!(line(action, on_time, changed, &process(0, status)), expected, "{action:?} {status}");
    }

    #[test]
    fn every_answer_is_told_as_it_is() {
        let done = |text: &str| Line::Done(text.into());
        let late = |status: &str| {
            Line::Failed(format!(
                "web-0 (id 0) is still {status} after 60 s and the daemon goes on with it: see pmdaemon info 0"
            ))
        };
        check(Action::Start, true, true, "online", done("Started web-0 (id 0, pid 4000)."));
        check(Action::Start, true, false, "online", done("web-0 (id 0) is already online."));
        check(Action::Start, false, true, "starting", late("starting"));
        let waiting = Process { reason: Some("waits for db (ready)".into()), ..process(0, "starting") };
        let waits = Line::Failed("web-0 (id 0) is not started yet: waits for db (ready)".into());
        assert_eq!(line(Action::Start, true, true, &waiting), waits);
        check(Action::Restart, true, true, "online", done("Restarted web-0 (id 0, pid 4000)."));
        let again = Some("starts again in 100 ms: the hook before_start failed with exit code 3".into());
        let tried = Process { reason: again, ..process(0, "restarting") };
        let told = "web-0 (id 0) was not started: the hook before_start failed with exit code 3; it is tried again in 100 ms";
        assert_eq!(line(Action::Start, true, true, &tried), Line::Failed(told.into()));
        let crashed = Process { reason: Some("starts again in 100 ms".into()), ..process(0, "restarting") };
        let told = "Restarted web-0 (id 0); it has ended since and is restarting: starts again in 100 ms.";
        assert_eq!(line(Action::Restart, true, true, &crashed), Line::Done(told.into()));
        check(
            Action::Start,
            true,
            true,
            "stopped",
            done("Started web-0 (id 0); it has ended since and is stopped."),
        );
        let errored = Line::Failed("web-0 (id 0) is errored: given up; see pmdaemon logs 0".into());
        check(Action::Start, true, true, "errored", errored);
        check(Action::Stop, true, true, "stopped", done("Stopped web-0 (id 0)."));
        check(Action::Stop, true, false, "stopped", done("web-0 (id 0) is already stopped."));
        check(Action::Stop, false, true, "stopping", late("stopping"));
        check(Action::Delete, true, true, "stopped", done("Deleted web-0 (id 0)."));
        check(Action::Delete, false, true, "stopping", late("stopping"));
    }

    #[test]
    fn what_is_gone_after_a_late_deletion_is_deleted() {
        let mut outcome = outcome(vec![process(0, "online"), process(1, "online")]);
        tell_deleted(&mut outcome, &[process(1, "stopping")]);
        let statuses: Vec<_> = outcome.processes.iter().map(|p| p.status.as_str()).collect();
        assert_eq!(statuses, ["stopped", "stopping"]);
    }

    #[test]
    fn what_was_so_already_is_not_claimed() {
        let before = [process(0, "online"), process(1, "stopped")];
        let after = |status| outcome(vec![process(0, status), process(1, status)]);
        let told = lines(Action::Start, true, &after("online"), &before);
        let done = |text: &str| Line::Done(text.into());
        assert_eq!(told, [done("web-0 (id 0) is already online."), done("Started web-1 (id 1, pid 4001).")]);
        let told = lines(Action::Stop, true, &after("stopped"), &before);
        assert_eq!(told, [done("Stopped web-0 (id 0)."), done("web-1 (id 1) is already stopped.")]);
    }

    #[test]
    fn only_what_was_up_and_is_down_counts_as_stopped() {
        let before =
            vec![process(0, "online"), process(1, "stopped"), process(2, "restarting"), process(3, "online")];
        let after =
            vec![process(0, "stopped"), process(1, "stopped"), process(2, "stopped"), process(3, "stopping")];
        let outcome = outcome(after);
        assert_eq!(stopped(&before, &Reached::NotYet(outcome)), 2);
    }
}
