//! Operations: something that takes time, done to one or many processes, and how far it is.

use super::{AppId, OperationId, ProcessId, RunId};

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// Run it.
    Start,
    /// End it, and stay down.
    Stop,
    /// End it, then run it anew.
    Restart,
    /// End it, and forget it.
    Delete,
    /// Set its counters to zero.
    Reset,
    /// Replace it, each in its turn.
    Reload,
    /// Have another number of them: what is new is started, what is too much is deleted.
    Scale,
}

impl Task {
    /// All of them.
    pub const ALL: [Task; 7] =
        [Task::Start, Task::Stop, Task::Restart, Task::Delete, Task::Reset, Task::Reload, Task::Scale];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Task::Start => "start",
            Task::Stop => "stop",
            Task::Restart => "restart",
            Task::Delete => "delete",
            Task::Reset => "reset",
            Task::Reload => "reload",
            Task::Scale => "scale",
        }
    }

    /// The task of that word.
    pub fn parse(word: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.as_str() == word)
    }
}

/// How far one target is.
///
/// ```text
///   Waiting ─▶ Draining ─▶ Starting ─▶ Ready ─▶ Done
///      │           └───────────┴─────────┴────▶ Failed
///      └─▶ Left   (cancelled, or others failed)
/// ```
///
/// In a reload whose new run begins beside the old one `Draining` comes last: Starting, Ready, Draining,
/// Done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// It has not begun.
    Waiting,
    /// What ran is ending.
    Draining,
    /// What is to run is not ready yet.
    Starting,
    /// The new run is ready, and has to stay so before it takes the place of the old one.
    Ready,
    /// It is as was asked.
    Done,
    /// It is not, and will not be by itself: why.
    Failed(String),
    /// It was never begun: why.
    Left(String),
}

impl Step {
    /// Nothing more comes of it.
    pub fn is_over(&self) -> bool {
        match self {
            Step::Done | Step::Failed(_) | Step::Left(_) => true,
            Step::Waiting | Step::Draining | Step::Starting | Step::Ready => false,
        }
    }
}

/// One process of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Which.
    pub process: ProcessId,
    /// Of which app.
    pub app: AppId,
    /// Its name at that time.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What is done to it.
    pub task: Task,
    /// Its newest life before that.
    pub before: Option<RunId>,
    /// The life that came of it, once there is one.
    pub run: Option<RunId>,
    /// How far it is.
    pub step: Step,
    /// Since when: milliseconds of Unix time.
    pub since_ms: u64,
}

/// What became of the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It goes on.
    Running,
    /// Everything is as was asked.
    Done,
    /// Something is not.
    Failed,
    /// Somebody did not want the rest any more.
    Cancelled,
    /// The daemon ended before the rest was begun.
    Interrupted,
}

impl Standing {
    /// All of them.
    pub const ALL: [Standing; 5] =
        [Standing::Running, Standing::Done, Standing::Failed, Standing::Cancelled, Standing::Interrupted];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Running => "running",
            Standing::Done => "done",
            Standing::Failed => "failed",
            Standing::Cancelled => "cancelled",
            Standing::Interrupted => "interrupted",
        }
    }
}

/// Why some of it was never begun, if that is so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutOff {
    /// Somebody cancelled it.
    Cancelled,
    /// The daemon ended.
    Interrupted,
}

/// Something that takes time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Grows, is never reused.
    pub id: OperationId,
    /// What was asked for.
    pub task: Task,
    /// By whom: the name of the principal.
    pub author: String,
    /// When: milliseconds of Unix time.
    pub begun_ms: u64,
    /// When it was over.
    pub ended_ms: Option<u64>,
    /// It is not to be begun any further.
    pub cut_off: Option<CutOff>,
    /// What it is about, in the order in which it is done.
    pub targets: Vec<Target>,
}

impl Operation {
    /// How the whole is.
    pub fn standing(&self) -> Standing {
        if self.ended_ms.is_none() {
            return Standing::Running;
        }
        let any = |is: fn(&Step) -> bool| self.targets.iter().any(|target| is(&target.step));
        match self.cut_off {
            Some(CutOff::Cancelled) if any(|step| matches!(step, Step::Left(_))) => Standing::Cancelled,
            Some(CutOff::Interrupted) if any(|step| matches!(step, Step::Left(_))) => Standing::Interrupted,
            Some(_) | None if any(|step| matches!(step, Step::Failed(_) | Step::Left(_))) => Standing::Failed,
            Some(_) | None => Standing::Done,
        }
    }

    /// How many targets are at such a step.
    pub fn count(&self, is: impl Fn(&Step) -> bool) -> usize {
        self.targets.iter().filter(|target| is(&target.step)).count()
    }

    /// Moves a target on. False: it was there already, or it is over.
    pub fn set(&mut self, index: usize, step: Step, now_ms: u64) -> bool {
        let Some(target) = self.targets.get_mut(index) else { return false };
        if target.step == step || target.step.is_over() {
            return false;
        }
        (target.step, target.since_ms) = (step, now_ms);
        true
    }

    /// Whatever has not begun is left undone, of those targets. False: there was nothing of that kind.
    pub fn leave(&mut self, why: &str, now_ms: u64, which: impl Fn(&Target) -> bool) -> bool {
        let mut left = false;
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            if target.step == Step::Waiting && which(target) {
                left |= self.set(index, Step::Left(why.to_owned()), now_ms);
            }
        }
        left
    }
}
