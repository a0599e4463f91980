//! One row of the table.

use crate::model::{AppId, End, Goal, Moment, ProcessId, RunId, State};

/// A process: what is wanted of it, what it is doing, and what it has been through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// Its app.
    pub app: AppId,
    /// Its number among the instances of the app, from 0.
    pub instance: u32,
    /// What is wanted.
    pub goal: Goal,
    /// What is.
    pub state: State,
    /// Crashes and restarts by command that were followed by a new run (acceptance row B4).
    pub restarts: u32,
    /// Unstable runs in a row.
    pub unstable: u32,
    /// The newest life, also when it is over. A *generation*: a reader who saw run n and waits
    /// for the outcome of a restart waits for a later one.
    pub latest_run: Option<RunId>,
    /// How the latest life that is over ended.
    pub last_end: Option<End>,
    /// A restart was asked for and has not been carried out: the next launch counts.
    pub restart_asked: bool,
    /// Somebody asked for the end of the present life; otherwise its end is a crash.
    pub end_asked: bool,
    /// How long it had been running when backed off last; decides when waits begin anew.
    pub stable_since: Option<Moment>,
}
