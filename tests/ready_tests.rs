//! Readiness and the IPC channel: see `slices/ready.rs`.

mod support;

#[path = "slices/ready.rs"]
mod ready;
