//! Ecosystem files: the apps of a project, written down as PM2's users do it.
//!
//! ```text
//!  file, stdin ──read──► text ──text / node──► value ──apps──► definitions + notices
//! ```
//!
//! Only [`read`](mod@read) touches anything: a file, or the user's own node for a file that is
//! JavaScript. The rest are functions of their arguments. Everything is looked at before anything is
//! answered, so a mistake in the last app keeps the first from starting.
//!
//! A key that nobody knows is told with the nearest one that is known; a key of PM2 without meaning
//! here is told with the reason. Nothing is dropped in silence.

mod app;
mod apps;
mod deploy;
mod dump;
mod fields;
mod hooks;
mod keys;
mod node;
mod read;
mod schema;
mod serve;
pub mod text;
mod value;

pub use apps::{Around, Declared, declared};
pub use deploy::{Target, target};
pub use dump::Dump;
pub use read::{Document, default_file, is_file, read};
pub use schema::schema;
pub use serve::{SERVE_FILES, this_program};

/// Reads a dump of PM2. What its environments share with `inherited` is not of the apps.
///
/// # Errors
/// One sentence that names the file.
pub fn read_dump(
    name: &str,
    text: &str,
    inherited: &std::collections::BTreeMap<String, String>,
) -> Result<Dump, Unusable> {
    let value = text::parse(text, text::Format::Json).map_err(|why| Unusable(format!("{name} {why}")))?;
    dump::dump(name, &value, inherited)
}

/// What is wrong with a file: one sentence that names it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);
