//! # pmdaemon
//!
//! A process manager for Linux: one brain, one pair of hands.

pub mod home;
pub mod keeper;
pub mod logs;
pub mod model;
pub mod sample;
pub mod supervisor;
pub mod wire;
