//! What comes out.

use std::sync::Arc;

use super::scale::MOST;
use crate::model::{
    AppId, AppSpec, Event, Moment, Port, PortOwner, PortPlan, ProcessId, ReadyBy, RunId, Signal, Status,
    TooFewPorts,
};

/// A command was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// A new app, with its processes in the order of their instance numbers.
    Created {
        /// The app.
        app: AppId,
        /// Its processes.
        processes: Vec<ProcessId>,
    },
    /// It is being done.
    Done,
    /// One process after the other is being restarted; [`Supervisor::reloads`] says how far it is.
    ///
    /// [`Supervisor::reloads`]: super::Supervisor::reloads
    Reloading {
        /// The number of this reload.
        number: u64,
    },
    /// Nothing to do: it is so already.
    AlreadySo,
    /// The answer to a fact or a tick, which nobody asked.
    Noted,
}

/// A command was not taken. Not an error: an answer, with a code and a sentence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Denied {
    /// There is no such process (any more).
    #[error("there is no process with id {0}")]
    NoSuchProcess(ProcessId),
    /// The name is taken in that namespace.
    #[error("an app named {name} exists already in namespace {namespace} (id {process})")]
    NameTaken {
        /// The name.
        name: String,
        /// Where.
        namespace: String,
        /// Its first process.
        process: ProcessId,
    },
    /// The port that it must have is another's.
    #[error("port {port} is used by {by}")]
    PortTaken {
        /// The port.
        port: u16,
        /// Whose it is.
        by: PortOwner,
    },
    /// No port of the range is free.
    #[error("no port of {plan} is free{}", who_holds(.holders))]
    PortsExhausted {
        /// The range.
        plan: PortPlan,
        /// Who has them.
        holders: Vec<(u16, PortOwner)>,
    },
    /// The definition's ports are not enough for so many processes.
    #[error("{0}")]
    TooFewPorts(TooFewPorts),
    /// It is being deleted.
    #[error("process {0} is being deleted")]
    BeingDeleted(ProcessId),
    /// There is no such app (any more).
    #[error("the app is gone")]
    NoSuchApp,
    /// A signal is for what runs.
    #[error("{name} (id {process}) is {status} and gets no signal: only what is online does")]
    NotRunning {
        /// Its name.
        name: String,
        /// Its id.
        process: ProcessId,
        /// What it is instead.
        status: Status,
    },
    /// The definition of what is up is not changed in passing.
    #[error(
        "{name} (id {process}) is running already: `pmdaemon restart {name}` restarts it as it is defined, \
         --force changes its definition and restarts it"
    )]
    StillUp {
        /// The app.
        name: String,
        /// Its first process.
        process: ProcessId,
    },
    /// Nobody can wait for what is not there.
    #[error("{name} is to depend on {other}, and there is no such app: start {other} first{}", or_condition(.other))]
    UnknownDependency {
        /// The app.
        name: String,
        /// What it is to depend on.
        other: String,
    },
    /// Nobody can wait for himself.
    #[error("the dependencies form a cycle: {}", .path.join(" -> "))]
    DependencyCycle {
        /// The apps, from the one that was to be defined back to it.
        path: Vec<String>,
    },
    /// What has no health check is never healthy.
    #[error(
        "{name} would wait for ever until {other} is healthy: {other} has no health check; wait until it is ready"
    )]
    NeverHealthy {
        /// The app.
        name: String,
        /// What it is to depend on.
        other: String,
    },
    /// What is started again is never completed.
    #[error(
        "{name} would wait for ever until {other} is completed: {other} is started again whenever it ends; define it \
         with --no-autorestart, or with --stop-exit-codes 0"
    )]
    NeverCompleted {
        /// The app.
        name: String,
        /// What it is to depend on.
        other: String,
    },
    /// The number of processes is out of range.
    #[error("{name} cannot have {wanted} processes: 1 to {MOST} are possible")]
    BadCount {
        /// The app.
        name: String,
        /// The number.
        wanted: i64,
    },
    /// A reload is for what is wanted up.
    #[error("{name} is stopped and is not reloaded: `pmdaemon start {name}` starts it")]
    NothingUp {
        /// The app.
        name: String,
    },
    /// Its last reload is not over.
    #[error("{name} is being reloaded already: wait for that, or stop it with pmdaemon restart {name}")]
    Reloading {
        /// The app.
        name: String,
    },
    /// The daemon is shutting down.
    #[error("the daemon is shutting down and starts nothing any more")]
    ShuttingDown,
}

/// `: 5200 web (id 0), 5201 another program (nginx, pid 812) and 92 more`.
fn who_holds(holders: &[(u16, PortOwner)]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> =
        holders.iter().take(SHOWN).map(|(port, owner)| format!("{port} is used by {owner}")).collect();
    let more = match holders.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if shown.is_empty() { String::new() } else { format!(": {}{more}", shown.join(", ")) }
}

/// What follows a colon may have been meant as a condition, and is none.
fn or_condition(other: &str) -> &'static str {
    match other.contains(':') {
        true => "; after the name of an app, :started, :ready, :healthy or :completed say what it waits for",
        false => "",
    }
}

impl Denied {
    /// It lacks a port, which may be free later.
    pub fn is_about_ports(&self) -> bool {
        matches!(self, Denied::PortTaken { .. } | Denied::PortsExhausted { .. } | Denied::TooFewPorts(_))
    }

    /// A definition cannot depend on that.
    pub fn is_about_dependencies(&self) -> bool {
        matches!(
            self,
            Denied::UnknownDependency { .. }
                | Denied::DependencyCycle { .. }
                | Denied::NeverHealthy { .. }
                | Denied::NeverCompleted { .. }
        )
    }

    /// The stable code of the API's problem document.
    pub fn code(&self) -> &'static str {
        match self {
            Denied::NoSuchProcess(_) => "process_not_found",
            Denied::NameTaken { .. } => "name_taken",
            Denied::PortTaken { .. } => "port_taken",
            Denied::PortsExhausted { .. } | Denied::TooFewPorts(_) => "ports_exhausted",
            Denied::BeingDeleted(_) => "being_deleted",
            Denied::NoSuchApp => "app_not_found",
            Denied::NotRunning { .. } => "not_running",
            Denied::StillUp { .. } => "still_up",
            Denied::BadCount { .. }
            | Denied::UnknownDependency { .. }
            | Denied::DependencyCycle { .. }
            | Denied::NeverHealthy { .. }
            | Denied::NeverCompleted { .. } => "invalid_value",
            Denied::NothingUp { .. } => "not_running",
            Denied::Reloading { .. } => "reloading",
            Denied::ShuttingDown => "shutting_down",
        }
    }
}

/// An order to the world. To be carried out in this sequence.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Run a program. Answered by `Spawned` or `SpawnFailed`.
    Launch {
        /// The life that begins.
        run: RunId,
        /// Whose.
        process: ProcessId,
        /// Its number among the instances of its app.
        instance: u32,
        /// What to run.
        spec: Arc<AppSpec>,
        /// The restart count of the process at this launch: kept with the run, so that it
        /// survives a daemon that dies before it is stored.
        restarts: u32,
        /// Its port, if it has one: kept with the run for the same reason. A shared one comes with
        /// the socket, which is made if it is not there.
        port: Option<Port>,
        /// The port of which its variables speak, if that is another one: it is
        /// [rehearsed](super::rehearsal), with a socket of its own.
        told: Option<Port>,
    },
    /// Close the shared socket of that port as soon as no run uses it.
    Release {
        /// Which.
        port: u16,
    },
    /// Send a signal.
    Signal {
        /// To which life.
        run: RunId,
        /// What.
        signal: Signal,
        /// To whom of it.
        scope: Scope,
    },
    /// Do not launch it, if it has not been launched yet; then it is answered by `SpawnFailed`.
    CallOff {
        /// Which life.
        run: RunId,
    },
    /// SIGKILL to the whole tree, until nothing of it is left.
    KillTree {
        /// Which life.
        run: RunId,
    },
    /// The run is over and known to be: its exit status need not be kept any longer.
    Forget {
        /// Which life.
        run: RunId,
    },
    /// Check its health, again and again, until `Unwatch`. Each check is answered by `Checked`.
    Watch {
        /// Which life.
        run: RunId,
        /// Whose.
        process: ProcessId,
        /// Its number among the instances of its app.
        instance: u32,
        /// What to check, and how.
        spec: Arc<AppSpec>,
        /// The port that this run was given, if any.
        port: Option<u16>,
        /// When it was executed.
        since: Moment,
        /// It has been healthy before.
        ready: bool,
    },
    /// Check it no longer.
    Unwatch {
        /// Which life.
        run: RunId,
    },
    /// Look whether it shows the sign by which it becomes ready, until `Unawait`. Answered by `Ready`.
    Await {
        /// Which life.
        run: RunId,
        /// Whose.
        process: ProcessId,
        /// Its number among the instances of its app.
        instance: u32,
        /// By what it becomes ready.
        by: ReadyBy,
        /// What runs.
        spec: Arc<AppSpec>,
        /// The port that this run was given, if any.
        port: Option<u16>,
        /// When it was executed.
        since: Moment,
    },
    /// Look no longer.
    Unawait {
        /// Which life.
        run: RunId,
    },
    /// Keep with the run that it is ready, for the next daemon.
    KeepReady {
        /// Which life.
        run: RunId,
        /// Since when.
        at: Moment,
    },
    /// Write down what has changed. What to write is read from the supervisor after the step.
    Record(Record),
    /// Tell everybody, and remember.
    Publish(Event),
}

/// Who of a run gets a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The main process.
    Main,
    /// The main process and everything that it started.
    Tree,
    /// The main process, by `"shutdown"` on its IPC channel instead of the signal. If there is no
    /// channel, the signal goes to the whole tree.
    Message,
}

/// What has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Record {
    /// An app was defined or its definition changed.
    App(AppId),
    /// An app is gone.
    AppGone(AppId),
    /// Goal, counters or rest of a process.
    Process(ProcessId),
    /// A process is gone.
    ProcessGone(ProcessId),
    /// Slots of an app's schedule are done with.
    Slot(AppId),
}
