//! Who is asking, and what they may do.
//!
//! ```text
//!   pasted or printed token ─┐ signature, claims, row by jti
//!                            ├────────────────────────────▶ Principal ── Role::may(Right) ──▶ yes or no
//!   cookie of a browser ─────┘ row by hash, origin, parent
//!        ▲
//!        └── login code: hashed, once, 60 s
//! ```
//!
//! [`Accounts`] decides in memory and says what to write down as [`Change`](crate::store::Change)s;
//! it reads no clock, no file and awaits nothing. A token counts only while its row does, so a
//! stolen key mints nothing, and a stolen store contains no token: rows of sessions and codes hold
//! hashes. [`token_file`] is all that the command line needs of this module.

mod accounts;
mod codes;
mod error;
mod keys;
mod principal;
mod rights;
mod secret;
mod secret_file;
mod sessions;
mod token;
pub mod token_file;

#[cfg(test)]
mod confusion;
#[cfg(test)]
mod tests;

pub use accounts::Accounts;
pub use error::AuthError;
pub use keys::SigningKey;
pub use principal::{Principal, Refused, Via};
pub use rights::Right;

pub use crate::model::Role;
