//! What an app needs before it is started for the first time: other apps, each in a condition
//! (acceptance row K15).

use std::fmt;

use super::{Name, Reason};

/// An app that must be in a condition before another one is started.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Dependency {
    /// The namespace of the other app.
    pub namespace: Name,
    /// The name of the other app.
    pub app: Name,
    /// What is awaited of it.
    pub condition: Condition,
}

/// What is awaited of an app. Of one with several processes: of each that is wanted up, and there
/// is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Condition {
    /// Its program was executed, and runs or ended as planned.
    Started,
    /// It is online: its readiness or its health check says so; without either, it was executed.
    #[default]
    Ready,
    /// Its health check passes.
    Healthy,
    /// It ended with exit code 0.
    Completed,
}

impl Condition {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Condition; 4] =
        [Condition::Started, Condition::Ready, Condition::Healthy, Condition::Completed];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Started => "started",
            Condition::Ready => "ready",
            Condition::Healthy => "healthy",
            Condition::Completed => "completed",
        }
    }

    /// The condition of that word.
    ///
    /// # Errors
    /// A sentence with the words that are allowed.
    pub fn parse(word: &str) -> Result<Condition, String> {
        let known = Condition::ALL.into_iter().find(|condition| condition.as_str() == word);
        known.ok_or_else(|| {
            let words = Condition::ALL.map(Condition::as_str).join(", ");
            format!("{word:?} is not a condition: use one of {words}")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Dependency {
    /// How an app of that namespace names the other one: `db`, or `blue:db` in another namespace.
    pub fn name_in(&self, namespace: &Name) -> String {
        match self.namespace == *namespace {
            true => self.app.to_string(),
            false => format!("{}:{}", self.namespace, self.app),
        }
    }
}

/// Why something waits: a dependency that is not satisfied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmet {
    /// The other app, as the one that waits names it.
    pub app: String,
    /// What is awaited of it.
    pub condition: Condition,
    /// What is in the way.
    pub obstacle: Obstacle,
}

/// What is in the way of a condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Nothing: it is on its way.
    Time,
    /// There is no such app (any more).
    Absent,
    /// It does not run, as somebody wanted.
    Stopped,
    /// It ended as planned, and not with exit code 0 or not as what is awaited.
    Ended,
    /// It was given up.
    Errored(Reason),
    /// It waits itself, for these apps, and nothing will come of that by itself.
    Waits(String),
    /// It has no health check, so it will never be healthy.
    Unchecked,
    /// It is started again when it ends with exit code 0, so it is never completed.
    Restarted,
}

impl Unmet {
    /// Nothing will come of waiting until somebody does something.
    pub fn is_hopeless(&self) -> bool {
        self.obstacle != Obstacle::Time
    }
}

/// `db (healthy)`, and what is in the way.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmet { app, condition, obstacle } = self;
        match obstacle {
            Obstacle::Time => write!(f, "{app} ({condition})"),
            Obstacle::Absent => write!(f, "{app}, which does not exist"),
            Obstacle::Stopped => write!(f, "{app} ({condition}), which is stopped"),
            Obstacle::Ended => write!(f, "{app} ({condition}), which has ended"),
            Obstacle::Errored(reason) => write!(f, "{app} ({condition}), which is errored: {reason}"),
            Obstacle::Waits(others) => write!(f, "{app} ({condition}), which waits for {others}"),
            Obstacle::Restarted => {
                write!(f, "{app} ({condition}), which is started again whenever it ends")
            }
            Obstacle::Unchecked => write!(f, "{app} ({condition}), which has no health check"),
        }
    }
}

/// `waits for db (healthy) and cache (ready)`.
pub fn waits_for(unmet: &[Unmet]) -> String {
    let all: Vec<String> = unmet.iter().map(Unmet::to_string).collect();
    format!("waits for {}", all.join(" and "))
}
