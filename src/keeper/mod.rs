//! The hands.
pub mod inherited;
pub mod line;
pub mod protocol;
