//! What is on disk about a run, so that the next keeper finds it: the record, and with it what the
//! daemon wants to find again, the keepsake. The keepsake has the app's definition with its
//! environment, so it is as secret as the store, and like that 0600 in a home of 0700.
//!
//! Both are one file, since making files is what a launch costs most (see [`super::sets`]), and one
//! JSON document: the record, blanks up to [`PAGE`], and behind those the keepsake as its last
//! member. The keepsake never changes, and the keeper has no use for it in its memory: the page
//! before it is written again without it. A keeper of an earlier version reads the same document; it
//! put the keepsake into a file of its own, and [`FileSet::former_keepsake`] is where.
//!
//! Written before the fork (a run that nobody knows of is worse than a record without a run) and
//! again whenever something of it becomes known. Always whole. Never synced: after a crash of the
//! host the boot id says that none of it is true any more.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::protocol::{Ending, Logs};
use super::reuseport::Spread;
use super::sets::FileSet;
use super::talk::{Contact, NotifySocket};

/// The smallest page of memory among the machines that Linux runs on.
const PAGE: usize = 4096;
/// What stands between a record and its keepsake.
const KEEPSAKE: &[u8] = br#","keepsake":"#;

/// One run, as the next keeper needs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Which life.
    pub run: u64,
    /// The files in which it is kept.
    #[serde(skip)]
    pub set: FileSet,
    /// Whose.
    pub process: u32,
    /// Restart count at launch.
    pub restarts: u32,
    /// Port at launch.
    #[serde(default)]
    pub port: Option<u16>,
    /// The number (inode) of the shared socket that it was given.
    #[serde(default)]
    pub socket: Option<u64>,
    /// Its place among those who have a socket of that port each.
    #[serde(default)]
    pub spread: Option<Spread>,
    /// The boot of the host in which all of this is true.
    pub boot: String,
    /// File of standard output.
    pub out_file: PathBuf,
    /// File of standard error.
    pub err_file: PathBuf,
    /// How the logs are written.
    #[serde(default)]
    pub logs: Logs,
    /// Its cgroup, if it has one.
    pub leaf: Option<PathBuf>,
    /// The main process, once it is forked.
    pub main: Option<MainRecord>,
    /// How and when (microseconds of `CLOCK_BOOTTIME`) the main process ended, if somebody saw it.
    pub ended: Option<(Ending, u64)>,
    /// The daemon has written its end down; only the rest of the tree is waited for.
    pub forgotten: bool,
    /// How it speaks to us, and what it has said.
    #[serde(default)]
    pub contact: Contact,
}

/// A main process, beyond mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MainRecord {
    /// Its number.
    pub pid: i32,
    /// Clock ticks since boot at which it started.
    pub start: u64,
    /// Microseconds of `CLOCK_BOOTTIME` at which it was launched.
    pub at: u64,
}

impl Record {
    /// Puts it on disk for the first time, in a file that is empty or not there, with the daemon's
    /// keepsake.
    pub fn create(&self, dir: &Path, keepsake: &str) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let end = end_with(&serde_json::to_string(keepsake)?);
        if text.len() > PAGE {
            return self.replace(dir, text, &end);
        }
        let mut file = fs::OpenOptions::new();
        let file = file.write(true).create(true).mode(0o600).open(self.set.record(dir))?;
        // The page with the record last: until it is there, the file begins like one of nobody.
        file.write_all_at(&end, PAGE as u64)?;
        file.write_all_at(&page_before_keepsake(text), 0)
    }

    /// Puts it on disk in place of what was there, whole or not at all. What fits into one page is
    /// written over the old text by one call, which a death of the keeper does not interrupt (only a
    /// crash of the host does, and then nothing of it is true any more): a file less to make and to
    /// remove at each launch and each end.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let path = self.set.record(dir);
        let mut text = serde_json::to_vec(self)?;
        if text.len() <= PAGE
            && let Ok(file) = fs::OpenOptions::new().read(true).write(true).open(&path)
        {
            if has_keepsake_behind_page(&file) {
                return file.write_all_at(&page_before_keepsake(text), 0);
            }
            let before = file.metadata()?.len();
            if before <= PAGE as u64 {
                // Blanks behind a document are part of it.
                text.resize(text.len().max(before as usize), b' ');
                return file.write_all_at(&text, 0);
            }
        }
        let keepsake = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let end = match keepsake.and_then(|kept| kept.keepsake) {
            Some(keepsake) => end_with(&serde_json::to_string(&keepsake)?),
            None => b"}".to_vec(),
        };
        self.replace(dir, text, &end)
    }

    /// Puts record and end on disk as another file.
    fn replace(&self, dir: &Path, text: Vec<u8>, end: &[u8]) -> io::Result<()> {
        let path = self.set.record(dir);
        let draft = path.with_extension("tmp");
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&page_before_keepsake(text))?;
        file.write_all(end)?;
        fs::rename(&draft, &path)
    }

    /// Removes everything that is on disk about it.
    pub fn remove(&self, dir: &Path) {
        let _ = fs::remove_file(NotifySocket::path(dir, self.run));
        self.set.remove(dir);
    }

    /// Every record that can be read, and the paths of those that cannot. One that does not begin like
    /// a document is of nobody: its set waits for a run, or its keeper died before it was written.
    pub fn read_all(dir: &Path) -> io::Result<(Vec<Record>, Vec<PathBuf>)> {
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read(&path).ok();
            if text.as_ref().is_some_and(|text| text.first() != Some(&b'{')) {
                continue;
            }
            let record = text.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
            match record.zip(FileSet::of(&path)) {
                Some((record, set)) => records.push(Record { set, ..record }),
                None => unreadable.push(path),
            }
        }
        Ok((records, unreadable))
    }
}

/// The keepsake in the document of a run.
#[derive(Deserialize)]
struct Kept {
    keepsake: Option<String>,
}

/// The keepsake that was put on disk with the run of that set.
///
/// # Errors
/// When it cannot be read, or there is none.
pub fn keepsake(dir: &Path, set: FileSet) -> io::Result<String> {
    let kept: Kept = serde_json::from_slice(&fs::read(set.record(dir))?)?;
    kept.keepsake.map_or_else(|| fs::read_to_string(set.former_keepsake(dir)), Ok)
}

/// The document of a record, up to where it goes on with the keepsake.
fn page_before_keepsake(mut text: Vec<u8>) -> Vec<u8> {
    // Without its closing brace.
    text.pop();
    text.resize(text.len().max(PAGE), b' ');
    text
}

/// The end of the document, with a keepsake that is JSON already.
fn end_with(keepsake: &str) -> Vec<u8> {
    [KEEPSAKE, keepsake.as_bytes(), b"}"].concat()
}

fn has_keepsake_behind_page(file: &fs::File) -> bool {
    let mut there = [0; KEEPSAKE.len()];
    file.read_exact_at(&mut there, PAGE as u64).is_ok() && there == KEEPSAKE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::protocol::Sign;
    use crate::keeper::talk::Notifies;

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record {
            run: 7,
            set: FileSet(3),
            process: 1,
            restarts: 2,
            port: Some(3000),
            socket: Some(4),
            spread: Some(Spread { slot: 1, turn: 2, order: vec![4] }),
            boot: "b".into(),
            out_file: "/o".into(),
            err_file: "/e".into(),
            logs: Logs { combined_file: Some("/c".into()), ..Logs::default() },
            leaf: None,
            main: Some(MainRecord { pid: 1, start: 2, at: 3 }),
            ended: Some((Ending::Signal(9), 4)),
            forgotten: false,
            contact: Contact {
                signs: vec![(Sign::Message, 5)],
                notify: Some(Notifies { other: None }),
                ..Contact::default()
            },
        };
        record.create(dir.path(), "a \"secret\"").unwrap();
        record.write(dir.path()).unwrap();
        // A shorter text over a longer one.
        let record = Record { boot: String::new(), ..record };
        record.write(dir.path()).unwrap();
        fs::write(dir.path().join("8.json"), "{").unwrap();
        for (of_nobody, text) in [("9.json", ""), ("10.json", " "), ("11.json", "\0\0,\"keepsake\":\"\"}")] {
            fs::write(dir.path().join(of_nobody), text).unwrap();
        }
        let (read, broken) = Record::read_all(dir.path()).unwrap();
        assert_eq!((read[0].run, read[0].set, read[0].main), (7, FileSet(3), record.main));
        assert_eq!(read[0].contact, record.contact);
        assert_eq!((read[0].ended, read[0].port, &*read[0].boot), (record.ended, Some(3000), ""));
        assert_eq!((&read[0].logs, &read[0].spread), (&record.logs, &record.spread));
        assert_eq!(broken, [dir.path().join("8.json")]);
        assert_eq!(keepsake(dir.path(), FileSet(3)).unwrap(), "a \"secret\"");
        read[0].remove(dir.path());
        assert!(!FileSet(3).record(dir.path()).exists());
    }

    /// As it was before keepsake and record were one file.
    #[test]
    fn what_an_earlier_version_left_is_read_and_written_on() {
        let dir = tempfile::tempdir().unwrap();
        let record = plain("/o");
        fs::write(FileSet(3).record(dir.path()), serde_json::to_vec(&record).unwrap()).unwrap();
        fs::write(FileSet(3).former_keepsake(dir.path()), "former").unwrap();
        record.write(dir.path()).unwrap();
        check(dir.path(), &record, "former");
        let long = plain(&"o".repeat(2 * PAGE));
        long.write(dir.path()).unwrap();
        check(dir.path(), &long, "former");
        record.write(dir.path()).unwrap();
        check(dir.path(), &record, "former");
    }

    #[test]
    fn a_record_of_any_length_keeps_its_keepsake() {
        let dir = tempfile::tempdir().unwrap();
        let lengths = [1, PAGE, 2, 3 * PAGE, PAGE / 2];
        let kept = "k".repeat(3 * PAGE);
        plain("/o").create(dir.path(), &kept).unwrap();
        for length in lengths {
            let record = plain(&"o".repeat(length));
            record.write(dir.path()).unwrap();
            check(dir.path(), &record, &kept);
        }
        let dir = tempfile::tempdir().unwrap();
        let long = plain(&"o".repeat(PAGE));
        long.create(dir.path(), &kept).unwrap();
        check(dir.path(), &long, &kept);
    }

    fn check(dir: &Path, record: &Record, kept: &str) {
        let (read, broken) = Record::read_all(dir).unwrap();
        assert_eq!((read.len(), broken.len()), (1, 0));
        assert_eq!((&read[0].out_file, read[0].set), (&record.out_file, record.set));
        assert_eq!(keepsake(dir, record.set).unwrap(), kept);
    }

    fn plain(out_file: &str) -> Record {
        Record {
            run: 7,
            set: FileSet(3),
            process: 1,
            restarts: 0,
            port: None,
            socket: None,
            spread: None,
            boot: "b".into(),
            out_file: out_file.into(),
            err_file: "/e".into(),
            logs: Logs::default(),
            leaf: None,
            main: None,
            ended: None,
            forgotten: false,
            contact: Contact::default(),
        }
    }
}
