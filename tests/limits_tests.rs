//! What apps may use, as whom they run, and how many restarts a host bears.

mod support;

#[path = "slices/limits.rs"]
mod limits;
