//! Who is asking, and what they may do.
//!
//! ```text
//!   pasted or printed token ─┐ signature, claims, row by jti
//!                            ├────────────────────────────▶ Principal ── Role::may(Right) ──▶ yes or no
//!   cookie of a browser ─────┘ row by hash, origin, parent
//!        ▲
//!        ├── login code: hashed, once, 60 s
//!        └── user and password: argon2id, throttled
//! ```
//!
//! [`Accounts`] decides in memory and says what to write down as [`Change`](crate::store::Change)s;
//! it reads no clock, no file and awaits nothing. A token counts only while its row does, so a
//! stolen key mints nothing, and a stolen store contains no token: rows of sessions and codes hold
//! hashes.

mod accounts;
mod codes;
mod keys;
pub mod passwords;
mod principal;
mod rights;
mod sessions;
mod throttle;
mod token;
mod users;

#[cfg(test)]
mod confusion;
#[cfg(test)]
mod tests;

pub use accounts::Accounts;
pub use keys::SigningKey;
pub use principal::{Grant, Principal, Refused, Via};
pub use rights::Right;
pub use throttle::{Throttle, Wait};

pub use crate::model::Role;
