//! Opening the store whatever became of it: a damaged one must not take the services along.
//!
//! | the file | so |
//! |---|---|
//! | is good | it is used |
//! | is not there, and neither is any generation | a first start: an empty one is made |
//! | is not there or empty, and there are generations | it was lost |
//! | is no database, is torn, has rows that make no sense, is a directory | it was damaged |
//! | was written by a newer pmdaemon | it is of no use to this one |
//! | is a link, somebody else's, or open to others | refused: the data is fine, its owner must look |
//! | cannot be read or written for now (full disk, no permission) | refused, and tried again |
//!
//! One that was lost, damaged or is newer is kept aside (`store.db.damaged-TIME`, never removed by
//! us), and the youngest generation that is good takes its place; without any, an empty store.
//! Either way the run and event numbers go on far beyond those that were given out meanwhile, and
//! every token, password and session is void: one that was revoked after the copy was made must not come
//! back to life.
//!
//! What a recovered store does not know of the running services, their own records do: see
//! `daemon/adopt_unknown.rs`.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::backup::{Backups, Generation};
use super::open::sync_directory;
use super::{Change, Saved, Store, StoreError};

/// The setting that tells of the latest loss.
const LOSS: &str = "loss";
/// No more runs and events than these come between two generations.
const LEAP: u64 = 1_000_000;

/// A store that can be used.
pub struct Opened {
    /// It.
    pub store: Store,
    /// What is in it.
    pub saved: Saved,
    /// What it took to have one.
    pub loss: Option<Loss>,
}

/// The store was lost or damaged, and this is what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// What was wrong.
    pub why: String,
    /// Where the damaged file is now. Absent: there was none.
    pub kept: Option<PathBuf>,
    /// The copy that is used instead. Absent: there was none that was good.
    pub copy: Option<Generation>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if let Some(kept) = &self.kept {
            write!(f, "; it is kept as {}", kept.display())?;
        }
        match &self.copy {
            Some(copy) => {
                write!(f, "; the copy {} is used instead", copy.path.display())?;
                if let Some(made) = copy.made.and_then(|made| jiff::Timestamp::try_from(made).ok()) {
                    write!(f, ", and what was changed after {made:.0} is lost")?;
                }
            }
            None => f.write_str("; there is no good copy, so pmdaemon begins with an empty one")?,
        }
        f.write_str(
            "; running services are taken over, tokens, passwords and browser sessions have to be made anew",
        )
    }
}

/// Opens the store at `path`, or what can be had in its place. `unix_ms` is the time now, for the
/// name of what is kept aside.
///
/// # Errors
/// When the file needs its owner to look at it, or the disk does not let us.
pub fn open(path: &Path, backups: &Backups, unix_ms: u64) -> Result<Opened, StoreError> {
    let (why, word) = match missing(path, backups) {
        Some(why) => (why, "damaged"),
        None => match open_and_load(path) {
            Ok((store, saved)) => return Ok(Opened { store, saved, loss: None }),
            Err(error @ StoreError::Newer { .. }) => (error.to_string(), "newer"),
            Err(error @ StoreError::Damaged { .. }) => (error.to_string(), "damaged"),
            Err(error) => return Err(error),
        },
    };
    tracing::error!("{why}");
    let kept = set_aside(path, word, unix_ms)?;
    let copy = backups.list().into_iter().find(|copy| match put_back(copy, path) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!("the copy {} is of no use: {error}", copy.path.display());
            false
        }
    });
    let mut store = Store::open(path)?;
    let loss = Loss { why, kept, copy };
    after_loss(&mut store, &loss, unix_ms)?;
    let saved = store.load()?;
    Ok(Opened { store, saved, loss: Some(loss) })
}

/// Why a file that is not there, or empty, should not be.
fn missing(path: &Path, backups: &Backups) -> Option<String> {
    let there = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() == 0 => "is empty",
        Ok(_) => return None,
        Err(_) => "is not there",
    };
    let had_one = !backups.list().is_empty();
    had_one.then(|| format!("the store {} {there}, although there was one", path.display()))
}

fn open_and_load(path: &Path) -> Result<(Store, Saved), StoreError> {
    let store = Store::open(path)?;
    let saved = store.load()?;
    Ok((store, saved))
}

/// Gives the file, and what SQLite keeps beside it, another name: a write-ahead log must never be
/// applied to another database.
fn set_aside(path: &Path, word: &str, unix_ms: u64) -> Result<Option<PathBuf>, StoreError> {
    let time = jiff::Timestamp::from_millisecond(unix_ms as i64).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let name = format!(".{word}-{}", time.strftime("%Y%m%dT%H%M%SZ"));
    let turns = (2..).map(|turn| format!("{name}-{turn}"));
    let aside = std::iter::once(name.clone())
        .chain(turns)
        .map(|name| with_suffix(path, &name))
        .find(|aside| fs::symlink_metadata(aside).is_err())
        .expect("some name is free");
    let mut kept = None;
    for part in ["", "-wal", "-shm"] {
        match fs::rename(with_suffix(path, part), with_suffix(&aside, part)) {
            Ok(()) if part.is_empty() => kept = Some(aside.clone()),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(StoreError::File { doing: "set aside", path: path.to_path_buf(), source });
            }
        }
    }
    Ok(kept)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Puts a copy into the place of the store, if it is good.
fn put_back(copy: &Generation, path: &Path) -> Result<(), StoreError> {
    let draft = with_suffix(path, ".restoring");
    let failed = |source| StoreError::File { doing: "put back", path: path.to_path_buf(), source };
    // It may be what an earlier attempt left.
    for part in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&draft, part));
    }
    let mut from = File::open(&copy.path).map_err(failed)?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    io::copy(&mut from, &mut to).and_then(|_| to.sync_all()).map_err(failed)?;
    drop(to);
    // Closing the only connection leaves no write-ahead log behind.
    let good = open_and_load(&draft).map(drop);
    if let Err(error) = good {
        for part in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(with_suffix(&draft, part));
        }
        return Err(error);
    }
    fs::rename(&draft, path).map_err(failed)?;
    sync_directory(path);
    Ok(())
}

/// Nothing that was given out meanwhile is given out again, nothing that was revoked counts again.
fn after_loss(store: &mut Store, loss: &Loss, unix_ms: u64) -> Result<(), StoreError> {
    let failed = |error| StoreError::sql("write to", &store.path, error);
    let sql = "UPDATE counter SET next = next + ?1 WHERE name IN ('run', 'event')";
    store.connection.execute(sql, [LEAP as i64]).map_err(failed)?;
    // Which services run, the copy does not know.
    let sql = "DELETE FROM session; DELETE FROM token; UPDATE user SET password = '';
               DELETE FROM meta WHERE key = 'setting adopted'";
    store.connection.execute_batch(sql).map_err(failed)?;
    let note = Noted {
        at_ms: unix_ms,
        what: loss.to_string(),
        kept: loss.kept.as_ref().map(|path| path.display().to_string()),
    };
    let value = serde_json::to_string(&note).unwrap_or_default();
    store.apply(&[Change::PutSetting { name: LOSS.to_owned(), value }])
}

/// The latest loss, as it is remembered.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Noted {
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// The whole story.
    pub what: String,
    /// Where the damaged file is. Who has removed it knows of the loss.
    pub kept: Option<String>,
}

impl Noted {
    /// The loss that `saved` remembers, unless the file that was kept has been removed since.
    pub fn of(saved: &Saved) -> Option<Noted> {
        let noted: Noted = serde_json::from_str(saved.settings.get(LOSS)?).ok()?;
        let is_there = noted.kept.as_ref().is_some_and(|path| fs::symlink_metadata(path).is_ok());
        is_there.then_some(noted)
    }
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
