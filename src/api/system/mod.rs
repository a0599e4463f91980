//! `/api/v1/system`: the host and the program itself.

pub mod listen;
pub mod reload;
pub mod requests;
pub mod show;
pub mod shutdown;
pub mod upgrade;
