//! What is on disk about a run, so that the next keeper finds it: the record, beside the FIFOs and
//! what the daemon wants to find again, the keepsake, in one [`FileSet`]. The keepsake has the app's
//! definition with its environment, so it is as secret as the store, and like that 0600 in a home of
//! 0700. It is a file of its own because it never changes, and because the keeper has no use for it
//! in its memory.
//!
//! Written before the fork (a run that nobody knows of is worse than a record without a run) and
//! again whenever something of it becomes known. Always whole. Never synced: after a crash of the host the boot id says that none of it is true any more.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::protocol::{Ending, Logs};
use super::sets::FileSet;
use super::talk::{Contact, NotifySocket};

/// The smallest page of memory among the machines that Linux runs on.
const PAGE: usize = 4096;

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
    /// Puts the daemon's keepsake on disk. Before the record, so that no record is without it.
    pub fn write_keepsake(&self, dir: &Path, text: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new();
        let path = self.set.keepsake(dir);
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    }

    /// Puts it on disk in place of what was there, whole or not at all. What fits into one page is
    /// written over the old text by one call, which a death of the keeper does not interrupt (only a
    /// crash of the host does, and then nothing of it is true any more): a file less to make and to
    /// remove at each launch and each end.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let path = self.set.record(dir);
        let mut text = serde_json::to_vec(self)?;
        if text.len() <= PAGE
            && let Ok(file) = fs::OpenOptions::new().write(true).open(&path)
            && let Some(before) =
                file.metadata().ok().map(|meta| meta.len()).filter(|len| *len <= PAGE as u64)
        {
            // Blanks behind a document are part of it.
            text.resize(text.len().max(before as usize), b' ');
            return file.write_all_at(&text, 0);
        }
        let draft = path.with_extension("tmp");
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        fs::rename(&draft, &path)
    }

    /// Removes everything that is on disk about it.
    pub fn remove(&self, dir: &Path) {
        let _ = fs::remove_file(NotifySocket::path(dir, self.run));
        self.set.remove(dir);
    }

    /// Every record that can be read, and the paths of those that cannot. Empty ones wait for a run.
    pub fn read_all(dir: &Path) -> io::Result<(Vec<Record>, Vec<PathBuf>)> {
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read(&path).ok();
            if text.as_ref().is_some_and(Vec::is_empty) {
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
        record.write(dir.path()).unwrap();
        record.write_keepsake(dir.path(), "a secret").unwrap();
        // A shorter text over a longer one.
        let record = Record { boot: String::new(), ..record };
        record.write(dir.path()).unwrap();
        fs::write(dir.path().join("8.json"), "{").unwrap();
        let (read, broken) = Record::read_all(dir.path()).unwrap();
        assert_eq!((read[0].run, read[0].set, read[0].main), (7, FileSet(3), record.main));
        assert_eq!(read[0].contact, record.contact);
        assert_eq!((read[0].ended, read[0].port, &*read[0].boot), (record.ended, Some(3000), ""));
        assert_eq!(read[0].logs, record.logs);
        assert_eq!(broken, [dir.path().join("8.json")]);
        read[0].remove(dir.path());
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["8.json"]);
    }
}
