//! Secrets: made by chance, kept in files for their owner's eyes.
//!
//! [`vault`] encrypts what others keep.
//!
//! [`token`] is the file by which the command line is let in: the daemon writes it, clients read
//! it. Who a token speaks for is [`crate::auth`]'s business.

mod error;
pub mod file;
pub mod random;
pub mod token;
pub mod vault;

pub use error::SecretError;
