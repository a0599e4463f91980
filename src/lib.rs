//! # pmdaemon
//!
//! A process manager for Linux: one brain, one pair of hands.

pub mod auth;
pub mod home;
pub mod keeper;
pub mod model;
pub mod store;
pub mod supervisor;
pub mod wire;
