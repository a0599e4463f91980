//! The brain: decides what happens to every process. A pure state machine.
//!
//! [`Supervisor::step`] takes one input at one moment and answers with effects to carry out. It
//! does no I/O, reads no clock, awaits nothing and cannot fail; what may not be done is a
//! [`Denied`], which is an answer. [`Supervisor::next_deadline`] says when to call it again if
//! nothing else happens.
//!
//! *Wanted* is apart from *actual*: commands change [`Goal`](crate::model::Goal)s, facts and time
//! move [`State`](crate::model::State)s toward them. A restart is "end this run, the goal stays
//! `Up`".
//!
//! ```text
//!  Command ─▶ command ─┐                    ┌─▶ launch      (the one place that launches)
//!  Fact    ─▶ fact ────┼─▶ life: one row ───┼─▶ ask_to_end  (the one place that asks to end)
//!  Tick    ─▶ table ───┘   goes through     └─▶ conclude    (the one place that ends a life)
//!                          `put`, which keeps        │
//!                          every index               └─▶ restart: what follows an end that
//!                                                        nobody asked for
//! ```
//!
//! [`health`] is what a row does with the verdicts of its checks; a row that runs and has a check
//! is watched, which `put` sees to.
//!
//! A row that is to be launched for the first time waits for what its app [`depends`] on, and one
//! that is to end for what depends on it.
//! [`ready`] is what it does with signs of being ready; what is awaited is looked for, which `put`
//! sees to as well.
//!
//! A [`schedule`] does that, and runs jobs, at its slots.
//!
//! What a [`watch`] has seen restarts what is wanted up, and nothing else.
//!
//! [`beside`] are the lives that a reload has beside the present ones: on trial, until they are
//! [`proving`] themselves, or [`leaving`].
//!
//! [`balancing`] says what stands before which app, and who is in service behind it.
//!
//! Automatic restarts of the whole host draw from one [`budget`], and queue when it is spent.
//!
//! What is absent: there is no timer and no second path. A life that is late, doubled
//! or forgotten is recognised by its [`RunId`](crate::model::RunId) alone.
//!
//! The specification of all this is executable: `sim` under test plays the operating system and
//! the users against it and states, as named invariants, what must hold after every step.

/// Whether the simulation has planted that mistake, to see that an invariant finds it. `false`
/// in every build that is not a test.
macro_rules! planted {
    ($mistake:ident) => {{
        #[cfg(test)]
        let planted = super::sim::planted::is(super::sim::planted::Mistake::$mistake);
        #[cfg(not(test))]
        let planted = false;
        planted
    }};
}

mod answer;
mod attend;
mod balancing;
mod beside;
mod budget;
mod command;
mod complete;
mod define;
mod depends;
mod fact;
mod health;
mod input;
mod leaving;
mod life;
mod memory;
mod port_questions;
mod ports;
mod process;
mod proving;
mod range;
mod ready;
mod rehearsal;
mod reload;
mod restart;
mod restore;
mod scale;
mod schedule;
mod shutdown;
#[cfg(test)]
mod sim;
mod spare_ports;
mod spread;
mod table;
mod turn;
mod turns;
mod update;
mod watch;

pub use answer::{Accepted, Denied, Effect, Record, Scope};
pub use balancing::Route;
pub use beside::{Trial, Up};
pub use budget::Limits;
pub use input::{Command, Input};
pub use port_questions::PortQuestion;
pub use ports::Ports;
pub use process::{Process, Unwell};
pub use reload::{Overtaken, Progress, Reload, Turn};
pub use restore::{Asked, Living, Remembered};
pub use scale::{Count, MOST as MOST_INSTANCES};
pub use spread::Steered;
pub use table::Supervisor;
pub use turn::{fits_beside, moves_beside};
pub use update::Then;
