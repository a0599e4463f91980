//! The brain: decides what happens to every process. A pure state machine.
//!
//! [`Supervisor::step`] takes one input at one moment and answers with effects to carry out. It
//! does no I/O, reads no clock, awaits nothing and cannot fail; what may not be done is a
//! [`Denied`], which is an answer. [`Supervisor::next_deadline`] says when to call it again if
//! nothing else happens.
//!
//! *Wanted* is apart from *actual*: commands change [`Goal`]s, facts and time move [`State`]s
//! toward them. A restart is "end this run, the goal stays `Up`".

mod answer;
mod input;
mod process;
mod table;

pub use answer::{Accepted, Denied, Effect, Record, Scope};
pub use input::{Command, Input};
pub use process::Process;
pub use table::{Living, Remembered, Supervisor};
