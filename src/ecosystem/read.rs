//! From the name of a file to its value: the only part that touches anything.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::text::{Format, parse};
use super::{Unusable, node};

/// The longest text.
const MAX: u64 = 4 << 20;

/// A file that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// How messages call it.
    pub name: String,
    /// What it says.
    pub value: Value,
    /// Other keys than those of pmdaemon belong into it.
    pub is_package: bool,
}

/// Whether that text means an ecosystem file: `-`, or a name that ends as those do.
pub fn is_file(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or(text);
    let data = [".json", ".jsonc", ".json5", ".yaml", ".yml", ".toml"];
    let code = [".config.js", ".config.cjs", ".config.mjs", ".config.ts", ".config.mts", ".config.cts"];
    text == "-" || data.iter().chain(&code).any(|end| name.ends_with(end) && name.len() > end.len())
}

/// The file of that directory when none was named.
pub fn default_file(directory: &Path) -> Option<PathBuf> {
    let endings = ["js", "cjs", "mjs", "ts", "mts", "json", "yaml", "yml", "toml"];
    let files = endings.iter().map(|ending| directory.join(format!("ecosystem.config.{ending}")));
    files.into_iter().find(|file| file.is_file())
}

/// Reads a file, or stdin for `-`.
///
/// # Errors
/// One sentence that names the file.
pub async fn read(name: &str) -> Result<Document, Unusable> {
    let unusable = |why: String| Unusable(format!("{name} {why}"));
    if name == "-" {
        let text =
            limited(std::io::stdin().lock()).map_err(|why| Unusable(format!("standard input {why}")))?;
        let value = parse(&text, Format::Json).map_err(|why| Unusable(format!("standard input {why}")))?;
        return Ok(Document { name: "standard input".to_owned(), value, is_package: false });
    }
    let path = std::path::absolute(name).map_err(|e| unusable(format!("cannot be found: {e}")))?;
    let file = std::fs::File::open(&path).map_err(|e| {
        unusable(match e.kind() {
            std::io::ErrorKind::NotFound => "is not there".to_owned(),
            _ => format!("cannot be read: {e}"),
        })
    })?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let value = match Format::of(extension) {
        Some(format) => limited(file).and_then(|text| parse(&text, format)).map_err(unusable)?,
        None => node::evaluate(&path).await.map_err(unusable)?,
    };
    Ok(Document {
        name: name.to_owned(),
        value,
        is_package: path.file_name().is_some_and(|file| file == "package.json"),
    })
}

fn limited(source: impl Read) -> Result<String, String> {
    let mut text = String::new();
    source.take(MAX + 1).read_to_string(&mut text).map_err(|e| format!("cannot be read: {e}"))?;
    match text.len() as u64 > MAX {
        true => Err(format!("is longer than {} MiB, which no ecosystem file is", MAX >> 20)),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_ending() {
        for yes in [
            "-",
            "ecosystem.config.js",
            "a/b.config.mjs",
            "x.json",
            "processes.yml",
            "package.json",
            "a.toml",
        ] {
            assert!(is_file(yes), "{yes}");
        }
        for no in ["app.js", "web", "server.ts", ".json", "all", "ecosystem.js"] {
            assert!(!is_file(no), "{no}");
        }
    }
}
