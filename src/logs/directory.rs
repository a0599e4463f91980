//! Which segments of a log are there.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::handle::{Handle, identity, look, told};
use super::index::Index;
use crate::model::log_segment::{Part, closed_path, compressed_path, index_path, part_of};

/// How often the active segment is looked at anew when it is replaced meanwhile.
const ATTEMPTS: usize = 20;

/// The active segment of a log.
#[derive(Debug)]
pub(super) struct Active {
    pub number: u64,
    pub file: Handle,
    pub index: Index,
}

/// Opens the active segment; `None` when nothing lies at the path.
pub(super) fn active(log: &Path) -> io::Result<Option<Active>> {
    for _ in 0..ATTEMPTS {
        let Some(file) = Handle::open(log)? else { return Ok(None) };
        let (index, number) = Index::beside(log)?;
        let (index, number) = match number {
            Some(number) => (index, number),
            None => without_header(log)?,
        };
        // The number is that of this file only if this file is still the one at the path.
        if look(log)?.is_some_and(|meta| identity(&meta) == file.identity()) {
            return Ok(Some(Active { number, file, index }));
        }
    }
    Err(told("read", log, io::Error::other("it is replaced all the time")))
}

/// The number of a segment whose index says none: what its writer will call it.
///
/// A writer that died in the middle of a rotation has left the index under its new name and the
/// segment under its old one: then the number is that of this index.
fn without_header(log: &Path) -> io::Result<(Index, u64)> {
    let parts = parts(log)?;
    let highest = parts.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let alone = parts.iter().filter(|(number, _)| *number == highest).all(|(_, part)| *part == Part::Index);
    match highest > 0 && alone && look(&index_path(log))?.is_none() {
        true => Ok((Index::beside(&closed_path(log, highest))?.0, highest)),
        false => Ok((Index::none(), highest + 1)),
    }
}

/// Numbers of the closed segments that are there, growing.
pub(super) fn closed(log: &Path) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> =
        parts(log)?.into_iter().filter(|(_, part)| *part != Part::Index).map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Whether the closed segment of that number is there.
pub(super) fn has_closed(log: &Path, number: u64) -> io::Result<bool> {
    Ok(look(&closed_path(log, number))?.is_some() || look(&compressed_path(log, number))?.is_some())
}

fn parts(log: &Path) -> io::Result<Vec<(u64, Part)>> {
    let (directory, name) = split(log);
    Ok(names(directory)?.iter().filter_map(|file| part_of(name, file)).collect())
}

fn split(log: &Path) -> (&Path, &str) {
    (
        log.parent().unwrap_or(Path::new(".")),
        log.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
    )
}

/// Names that are not UTF-8 are none of ours.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(told("look into", directory, e)),
    };
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

/// Directories that were looked into: once each, however many logs they have.
#[derive(Debug, Default)]
pub(super) struct Directories(Mutex<HashMap<PathBuf, Arc<Closed>>>);

/// The closed segments of each log of one directory.
type Closed = HashMap<String, Vec<u64>>;

impl Directories {
    /// As [`closed`], as it was when its directory was looked into.
    pub fn closed(&self, log: &Path) -> io::Result<Vec<u64>> {
        let (directory, name) = split(log);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match known.get(directory) {
            Some(found) => found.clone(),
            None => {
                let found = Arc::new(all_closed(directory)?);
                known.insert(directory.to_owned(), found.clone());
                found
            }
        };
        Ok(found.get(name).cloned().unwrap_or_default())
    }
}

fn all_closed(directory: &Path) -> io::Result<Closed> {
    let mut found = Closed::new();
    for file in names(directory)? {
        let stem = file.strip_suffix(".zst").unwrap_or(&file);
        let Some((log, _)) = stem.rsplit_once('.') else { continue };
        if let Some((number, Part::Closed | Part::Compressed)) = part_of(log, &file) {
            found.entry(log.to_owned()).or_default().push(number);
        }
    }
    for numbers in found.values_mut() {
        numbers.sort_unstable();
        numbers.dedup();
    }
    Ok(found)
}
