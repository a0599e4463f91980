//! How the keeper ends.
//!
//! ```text
//!   Staying ──SIGTERM──▶ Asked ──Order::Quit──▶ Leaving ──daemon gone, or 5 s──▶ Over
//!                          │ no daemon, or one that keeps dying, or no order within 30 s
//!                          ▼
//!                       Asking the trees (TERM) ──10 s──▶ Killing them ──30 s──▶ Over
//!                          └─────────── all of them gone ────────────────────────▶ Over
//! ```
//!
//! To stop the services in order is the daemon's work. Only without one the keeper does it, in no
//! order.

use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::protocol::Report;
use super::say;

/// The daemon has this long to stop everything.
const DAEMON_TIME: Duration = Duration::from_secs(30);
/// A tree has this long to end after SIGTERM.
const TERM_TIME: Duration = Duration::from_secs(10);
/// What SIGKILL does not end in this time, nothing ends.
const KILL_TIME: Duration = Duration::from_secs(30);
/// The daemon has this long to say good-bye to its users.
const LEAVE_TIME: Duration = Duration::from_secs(5);
/// How often it is looked whether all trees are gone.
const LOOK: Duration = Duration::from_millis(50);

/// Whether we are about to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Quit {
    /// No.
    #[default]
    Staying,
    /// The daemon was asked to stop everything.
    Asked { signal: i32, until: Instant },
    /// Everything has stopped; the daemon may say good-bye.
    Leaving { until: Instant },
    /// SIGTERM was sent to all trees.
    AskingTrees { until: Instant },
    /// SIGKILL was sent to all trees.
    KillingTrees { until: Instant },
    /// Now.
    Over,
}

impl Quit {
    /// The loop is to end.
    pub fn is_over(self) -> bool {
        self == Quit::Over
    }

    /// No daemon is to be started any more.
    pub fn is_ending(self) -> bool {
        match self {
            Quit::Staying | Quit::Asked { .. } => false,
            Quit::Leaving { .. } | Quit::AskingTrees { .. } | Quit::KillingTrees { .. } | Quit::Over => true,
        }
    }

    /// The signal that the daemon has not answered yet.
    pub fn asked(self) -> Option<i32> {
        match self {
            Quit::Asked { signal, .. } => Some(signal),
            Quit::Staying
            | Quit::Leaving { .. }
            | Quit::AskingTrees { .. }
            | Quit::KillingTrees { .. }
            | Quit::Over => None,
        }
    }
}

impl Keeper {
    /// Somebody asks us to end.
    pub fn quit_asked(&mut self, signal: i32) {
        if self.quit != Quit::Staying {
            return;
        }
        say::info!("asked to end by signal {signal}");
        self.notify.stopping();
        if self.line.is_none() {
            return self.ask_trees();
        }
        let until = Instant::now() + DAEMON_TIME;
        self.quit = Quit::Asked { signal, until };
        self.alarms.set(Alarm::Quit, until);
        self.tell(Report::QuitAsked { signal });
    }

    /// The daemon says that everything has stopped.
    pub fn quit_ordered(&mut self) {
        if !self.daemon.has_own() {
            self.quit = Quit::Over;
            return;
        }
        // Its parent, or the whole container, must not go away before it has answered its users.
        let until = Instant::now() + LEAVE_TIME;
        self.quit = Quit::Leaving { until };
        self.alarms.set(Alarm::Quit, until);
    }

    /// Whatever is next on the way to the end.
    pub fn quit_step(&mut self) {
        let now = Instant::now();
        let all_gone = self.runs.values().all(|run| run.is_ended() && run.tree_empty);
        match self.quit {
            Quit::Staying | Quit::Over => {}
            Quit::Asked { until, .. } if now >= until => self.ask_trees(),
            Quit::Asked { until, .. } => self.alarms.set(Alarm::Quit, until),
            Quit::Leaving { until } if now >= until || self.daemon.pid().is_none() => self.quit = Quit::Over,
            Quit::Leaving { until } => self.alarms.set(Alarm::Quit, until),
            Quit::AskingTrees { .. } | Quit::KillingTrees { .. } if all_gone => self.quit = Quit::Over,
            Quit::AskingTrees { until } if now >= until => self.kill_trees(),
            Quit::KillingTrees { until } if now >= until => {
                say::warning!("some processes do not end even by SIGKILL; they are left");
                self.quit = Quit::Over;
            }
            Quit::AskingTrees { .. } | Quit::KillingTrees { .. } => self.alarms.set(Alarm::Quit, now + LOOK),
        }
    }

    /// Does without a daemon what a daemon would do better.
    pub fn ask_trees(&mut self) {
        say::info!("no daemon stops the services; they get SIGTERM now");
        let now = Instant::now();
        self.quit = Quit::AskingTrees { until: now + TERM_TIME };
        for id in self.runs.keys().copied().collect::<Vec<_>>() {
            self.signal(id, libc::SIGTERM, true);
        }
        self.alarms.set(Alarm::Quit, now);
    }

    fn kill_trees(&mut self) {
        let now = Instant::now();
        self.quit = Quit::KillingTrees { until: now + KILL_TIME };
        for id in self.runs.keys().copied().collect::<Vec<_>>() {
            self.kill_tree(id);
        }
        self.alarms.set(Alarm::Quit, now + LOOK);
    }
}
