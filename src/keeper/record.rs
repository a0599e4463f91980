//! What is on disk about a run, so that the next keeper finds it: `run/<run>.json`, beside the
//! FIFOs `run/<run>.out` and `run/<run>.err`, and what the daemon wants to find again,
//! `run/<run>.app`. That has the app's definition with its environment, so it is as secret as the
//! store, and like that 0600 in a home of 0700. It is a file of its own because it never changes,
//! and because the keeper has no use for it in its memory.
//!
//! Written before the fork (a run that nobody knows of is worse than a record without a run) and
//! again whenever something of it becomes known. Always whole. Never synced: after a crash of the host the boot id says that none of it is true any more.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::poll::Which;
use super::protocol::{Ending, Logs};
use super::talk::{Contact, NotifySocket};

/// The smallest page of memory among the machines that Linux runs on.
const PAGE: usize = 4096;

/// One run, as the next keeper needs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Which life.
    pub run: u64,
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
    /// Where the record of that run is.
    pub fn path(dir: &Path, run: u64) -> PathBuf {
        dir.join(format!("{run}.json"))
    }

    /// Where the FIFO of that output is.
    pub fn fifo(dir: &Path, run: u64, which: Which) -> PathBuf {
        match which {
            Which::Out => dir.join(format!("{run}.out")),
            Which::Err => dir.join(format!("{run}.err")),
        }
    }

    /// Where the daemon's keepsake is.
    pub fn keepsake(dir: &Path, run: u64) -> PathBuf {
        dir.join(format!("{run}.app"))
    }

    /// Puts the daemon's keepsake on disk. Before the record, so that no record is without it.
    pub fn write_keepsake(dir: &Path, run: u64, text: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new();
        let path = Record::keepsake(dir, run);
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    }

    /// Puts it on disk in place of what was there, whole or not at all. What fits into one page is
    /// written over the old text by one call, which a death of the keeper does not interrupt (only a
    /// crash of the host does, and then nothing of it is true any more): a file less to make and to
    /// remove at each launch and each end.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let path = Record::path(dir, self.run);
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

    /// Removes the record, the FIFOs and the notify socket of a run.
    pub fn remove(dir: &Path, run: u64) {
        // The record last: as long as it is there, the next keeper cleans up what is left.
        for which in Which::BOTH {
            let _ = fs::remove_file(Record::fifo(dir, run, which));
        }
        let _ = fs::remove_file(Record::keepsake(dir, run));
        let _ = fs::remove_file(NotifySocket::path(dir, run));
        let _ = fs::remove_file(Record::path(dir, run));
    }

    /// Every record that can be read, and the paths of those that cannot.
    pub fn read_all(dir: &Path) -> io::Result<(Vec<Record>, Vec<PathBuf>)> {
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
                Some(record) => records.push(record),
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
        Record::write_keepsake(dir.path(), 7, "a secret").unwrap();
        // A shorter text over a longer one.
        let record = Record { boot: String::new(), ..record };
        record.write(dir.path()).unwrap();
        fs::write(dir.path().join("8.json"), "{").unwrap();
        let (read, broken) = Record::read_all(dir.path()).unwrap();
        assert_eq!(read[0].main, record.main);
        assert_eq!(read[0].contact, record.contact);
        assert_eq!((read[0].ended, read[0].port, &*read[0].boot), (record.ended, Some(3000), ""));
        assert_eq!(read[0].logs, record.logs);
        assert_eq!(broken, [dir.path().join("8.json")]);
        Record::remove(dir.path(), 7);
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["8.json"]);
    }
}
