//! The form of a definition: each member as text that one edits, and back.
//!
//! ```text
//!   definition ── texts ──▶ fields of a form ── read ──▶ definition
//!                              ▲      │                  and what of it is none
//!                    a person ─┘      ▼
//!                              the members that have no field stay as they are
//! ```
//!
//! Whether a definition can be is decided by what decides it for the API. Here is only what is wrong
//! with a text. Values of variables never become text: `***` stands for the value of now.

mod fields;
mod read;
mod value;
mod widget;

pub use fields::{Field, Group, all};
pub use read::{read, texts, without};

pub(super) use fields::{GROUPS, field, label_of};
pub(super) use value::said;
pub(super) use widget::{Shown, errors_as_partials, without_field};
