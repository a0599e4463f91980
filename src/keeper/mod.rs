//! The hands.
pub mod protocol;
