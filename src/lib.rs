//! # pmdaemon
//!
//! A process manager for Linux: one brain, one pair of hands.

pub mod cli;
pub mod client;
pub mod home;
pub mod keeper;
pub mod model;
pub mod supervisor;
pub mod wire;
