//! How much is kept of logs (acceptance row K14): compresses closed segments, and removes those
//! that are too many, too old, or more than all logs together may take, the oldest first.
//!
//! A thread of low priority, which decides from what is on the disk and remembers nothing. Nobody
//! waits for it: the keeper closes segments by itself, and readers keep open what they read. It
//! never touches an active segment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::handle::Handle;
use super::log_disk::{self, Folder, Segment};
use super::log_losses::Losses;
use super::view::Snapshot;
use crate::home::Home;
use crate::keeper;
use crate::model::log_segment::{Part, closed_path, compressed_path, index_path, number_of, part_of};

/// How often it is looked whether a directory has changed.
const PAUSE: Duration = Duration::from_secs(1);
/// Age and budget are looked at this often in any case.
const AT_LEAST: Duration = Duration::from_secs(60);
/// So many segments are compressed before it is looked again what is to be removed.
const COMPRESSED_AT_ONCE: usize = 4;
/// Level of compression: about a tenth of the size, at some hundred megabytes a second.
const LEVEL: i32 = 3;
/// The most that logs may take unless somebody says otherwise, in bytes.
const MOST: u64 = 4 << 30;

/// What is kept of one log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Keep {
    files: Option<u32>,
    age: Option<Duration>,
}

impl Keep {
    /// Two who share a log keep what either of them wants.
    fn or(self, other: Keep) -> Keep {
        Keep {
            files: self.files.zip(other.files).map(|(a, b)| a.max(b)),
            age: self.age.zip(other.age).map(|(a, b)| a.max(b)),
        }
    }
}

/// What all logs take together, and what they may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// At the latest look, in bytes of the disk.
    pub used: u64,
    /// The most that they may take, in bytes.
    pub budget: u64,
}

/// Begins the work, which ends with the process, by the budget in bytes that somebody wants, if anybody does. Answers with what each look finds; nothing before
/// the first.
///
/// # Errors
/// When there can be no thread.
pub fn start(
    home: Home,
    handle: Handle,
    mut budget: watch::Receiver<Option<u64>>,
) -> io::Result<watch::Receiver<Option<Space>>> {
    let (found, space) = watch::channel(None);
    let work = move || {
        keeper::yield_to_others();
        let mut before = (Vec::new(), Instant::now());
        let mut losses = Losses::default();
        loop {
            losses.tell(&handle);
            let logs = logs_of(&handle.snapshot());
            let now = state(&home, &logs);
            // Without a sender it stays as it is.
            let is_other = budget.has_changed().unwrap_or(false);
            if before.0 != now || before.1.elapsed() > AT_LEAST || is_other {
                // What the round itself changes is looked at again.
                before = (now, Instant::now());
                let most = *budget.borrow_and_update();
                let (space, removed) = round(&home, &logs, most);
                losses.add(removed, space.budget);
                found.send_replace(Some(space));
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    };
    std::thread::Builder::new().name("retention".to_owned()).spawn(work)?;
    Ok(space)
}

/// What all logs may take together unless somebody says otherwise: a tenth of the file system, and no
/// more than 4 GiB.
pub fn default_budget(dir: &Path) -> u64 {
    let tenth = nix::sys::statvfs::statvfs(dir).map(|fs| fs.blocks() * fs.fragment_size() / 10);
    tenth.unwrap_or(MOST).min(MOST)
}

fn logs_of(snapshot: &Snapshot) -> BTreeMap<PathBuf, Keep> {
    let mut logs = BTreeMap::new();
    for view in snapshot.processes.values() {
        let keep = Keep { files: view.spec.logs.max_files, age: view.spec.logs.max_age };
        for log in view.logs.all() {
            logs.entry(log).and_modify(|other: &mut Keep| *other = other.or(keep)).or_insert(keep);
        }
    }
    logs
}

/// Changes when a file comes or goes in a directory of logs.
fn state(home: &Home, logs: &BTreeMap<PathBuf, Keep>) -> Vec<(PathBuf, Option<SystemTime>)> {
    let changed = |dir: &PathBuf| fs::metadata(dir).and_then(|meta| meta.modified()).ok();
    let dirs = logs.keys().filter_map(|log| log.parent().map(Path::to_owned)).chain([home.log_dir()]);
    let dirs: BTreeSet<PathBuf> = dirs.collect();
    dirs.into_iter().map(|dir| (changed(&dir), dir)).map(|(changed, dir)| (dir, changed)).collect()
}

/// Looks at everything once. Answers also what the budget has removed.
fn round(home: &Home, logs: &BTreeMap<PathBuf, Keep>, budget: Option<u64>) -> (Space, Vec<Segment>) {
    let mut dirs: BTreeSet<PathBuf> =
        logs.keys().filter_map(|log| log.parent().map(Path::to_owned)).collect();
    dirs.insert(home.log_dir());
    // Of namespaces whose apps are gone, too.
    dirs.extend(Folder::read(&home.log_dir()).map(|folder| folder.folders()).unwrap_or_default());
    let (mut kept, mut active) = (Vec::new(), 0);
    for dir in &dirs {
        let Ok(folder) = Folder::read(dir) else { continue };
        let known = logs.iter().filter(|(log, _)| log.parent() == Some(dir));
        for (log, keep) in known {
            let Some((_, name)) = log_disk::place(log) else { continue };
            clean(log, &folder);
            active += folder.active(name).unwrap_or(0);
            kept.extend(remove_needless(folder.segments(name), *keep));
        }
        if dir.starts_with(home.log_dir()) {
            // Nobody's any more. Only the budget removes them.
            let strays = folder.logs().into_iter().filter(|name| !logs.contains_key(&dir.join(name)));
            kept.extend(strays.flat_map(|name| folder.segments(&name)));
        }
    }
    let budget = budget.unwrap_or_else(|| default_budget(&home.log_dir()));
    let used = |kept: &[Segment]| active + kept.iter().map(|segment| segment.bytes).sum::<u64>();
    let before = used(&kept);
    let (kept, removed) = remove_over(kept, before, budget);
    for segment in kept.iter().filter(|segment| segment.plain).take(COMPRESSED_AT_ONCE) {
        if let Err(e) = compress(segment) {
            // It stays as it is, and is tried again.
            tracing::debug!("cannot compress segment {} of {}: {e}", segment.number, segment.log.display());
        }
    }
    (Space { used: used(&kept), budget }, removed)
}

/// Removes what a daemon that died in the middle of something has left of that log.
fn clean(log: &Path, folder: &Folder) {
    let Some((dir, name)) = log_disk::place(log) else { return };
    for other in folder.beginning(name) {
        let draft = other.strip_suffix(".tmp").and_then(|stem| part_of(name, stem));
        let stale = match (draft, part_of(name, other)) {
            (Some((_, Part::Compressed)), _) => true,
            (_, Some((number, Part::Closed))) => compressed_path(log, number).exists(),
            (_, Some((number, Part::Index))) => is_of_nothing(log, number),
            (_, Some((_, Part::Compressed)) | None) => false,
        };
        if stale {
            let _ = log_disk::remove_file(&dir.join(other));
        }
    }
}

/// An index whose segment is gone. Asked in this order: a keeper that is closing the segment moves
/// the index first, and there is a newer active index only after the segment has been moved.
fn is_of_nothing(log: &Path, number: u64) -> bool {
    let mut header = [0; 16];
    let read = File::open(index_path(log)).and_then(|mut file| io::Read::read_exact(&mut file, &mut header));
    let active = read.ok().and_then(|()| number_of(header));
    active.is_some_and(|active| active > number)
        && !closed_path(log, number).exists()
        && !compressed_path(log, number).exists()
}

/// Removes those that are too many or too old; the others, in order.
fn remove_needless(mut segments: Vec<Segment>, keep: Keep) -> Vec<Segment> {
    let now = SystemTime::now();
    let many = keep.files.map_or(0, |files| segments.len().saturating_sub(files as usize));
    let old = |segment: &Segment| {
        let age = now.duration_since(segment.modified).unwrap_or_default();
        keep.age.is_some_and(|limit| age > limit)
    };
    let needless = segments.iter().enumerate().take_while(|(at, segment)| *at < many || old(segment)).count();
    remove(segments.drain(..needless));
    segments
}

/// Removes the oldest until all take no more than `budget`; the others, the oldest first, and those.
fn remove_over(mut segments: Vec<Segment>, mut used: u64, budget: u64) -> (Vec<Segment>, Vec<Segment>) {
    segments.sort_by_key(|segment| (segment.modified, segment.number));
    let over = segments.iter().take_while(|segment| {
        let is_over = used > budget;
        used = used.saturating_sub(if is_over { segment.bytes } else { 0 });
        is_over
    });
    let over = over.count();
    if over > 0 {
        tracing::info!("all logs together were over {budget} bytes: {over} old segments are removed");
    }
    let kept = segments.split_off(over);
    (kept, remove(segments.into_iter()))
}

/// Answers which are gone.
fn remove(segments: impl Iterator<Item = Segment>) -> Vec<Segment> {
    let is_removed = |segment: &Segment| {
        let removed = segment.remove();
        if let Err(e) = &removed {
            tracing::warn!("cannot remove segment {} of {}: {e}", segment.number, segment.log.display());
        }
        removed.is_ok()
    };
    segments.filter(is_removed).collect()
}

/// Puts the compressed segment in place of the plain one. At any moment one of the two is there,
/// whole.
fn compress(segment: &Segment) -> io::Result<()> {
    let plain = closed_path(&segment.log, segment.number);
    let compressed = compressed_path(&segment.log, segment.number);
    let mut draft = compressed.clone().into_os_string();
    draft.push(".tmp");
    let done = write_compressed(&plain, Path::new(&draft), &compressed);
    if done.is_err() {
        let _ = fs::remove_file(&draft);
    }
    done
}

fn write_compressed(plain: &Path, draft: &Path, compressed: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut source = options.read(true).custom_flags(nix::libc::O_NOFOLLOW).open(plain)?;
    let meta = source.metadata()?;
    log_disk::remove_file(draft)?;
    let mut options = fs::OpenOptions::new();
    let target = options.write(true).create_new(true).mode(0o600).open(draft)?;
    let mut encoder = zstd::Encoder::new(target, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(meta.len()))?;
    io::copy(&mut source, &mut encoder)?;
    let target = encoder.finish()?;
    // Its age counts from the last line, not from now.
    target.set_modified(meta.modified()?)?;
    target.sync_all()?;
    let _removing = log_disk::changing();
    if !plain.exists() {
        return Err(io::Error::other("it was removed meanwhile"));
    }
    fs::rename(draft, compressed)?;
    if let Some(dir) = compressed.parent() {
        File::open(dir)?.sync_all()?;
    }
    fs::remove_file(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log_segment::header;

    fn segment(dir: &Path, number: u64, bytes: usize, age: u64) -> PathBuf {
        let log = dir.join("a.log");
        let path = closed_path(&log, number);
        fs::write(&path, vec![b'x'; bytes]).unwrap();
        fs::write(index_path(&path), header(number)).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        path
    }

    fn home(dir: &Path) -> (Home, PathBuf) {
        let home = Home::at(dir.join("home"));
        home.create().unwrap();
        let logs = home.log_dir();
        fs::write(logs.join("a.log"), "active\n").unwrap();
        fs::write(logs.join("a.log.idx"), header(100)).unwrap();
        (home, logs)
    }

    fn keep(files: Option<u32>, age: Option<u64>) -> Keep {
        Keep { files, age: age.map(Duration::from_secs) }
    }

    /// Rounds until one changes nothing; the numbers that are left.
    fn work(home: &Home, keep: Option<Keep>, budget: u64) -> Vec<u64> {
        let log = home.log_dir().join("a.log");
        let logs: BTreeMap<PathBuf, Keep> = keep.map(|keep| (log, keep)).into_iter().collect();
        for _ in 0..20 {
            round(home, &logs, Some(budget));
        }
        let folder = Folder::read(&home.log_dir()).unwrap();
        folder.segments("a.log").iter().map(|segment| segment.number).collect()
    }

    #[test]
    fn closed_segments_are_compressed_and_keep_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let (home, logs) = home(dir.path());
        let plain = segment(&logs, 7, 100_000, 5000);
        let time = fs::metadata(&plain).unwrap().modified().unwrap();
        assert_eq!(work(&home, Some(keep(None, None)), u64::MAX), [7]);
        let compressed = compressed_path(&logs.join("a.log"), 7);
        assert!(!plain.exists() && index_path(&plain).exists());
        let bytes = zstd::decode_all(File::open(&compressed).unwrap()).unwrap();
        assert_eq!(bytes, vec![b'x'; 100_000]);
        assert_eq!(fs::metadata(&compressed).unwrap().modified().unwrap(), time);
        assert_eq!(fs::read(logs.join("a.log")).unwrap(), b"active\n");
    }

    #[test]
    fn too_many_and_too_old_ones_go_the_oldest_first() {
        let check = |keep: Keep, expected: &[u64]| {
            let dir = tempfile::tempdir().unwrap();
            let (home, logs) = home(dir.path());
            for number in 1..=5 {
                segment(&logs, number, 10, 1000 * (6 - number));
            }
            assert_eq!(work(&home, Some(keep), u64::MAX), expected, "{keep:?}");
            let indexes = Folder::read(&logs).unwrap();
            assert_eq!(
                indexes.beginning("a.log.00").filter(|name| name.ends_with("idx")).count(),
                expected.len()
            );
        };
        check(keep(None, None), &[1, 2, 3, 4, 5]);
        check(keep(Some(2), None), &[4, 5]);
        check(keep(Some(0), None), &[]);
        check(keep(Some(4), Some(2500)), &[4, 5]);
    }

    #[test]
    fn all_together_take_no_more_than_the_budget() {
        let dir = tempfile::tempdir().unwrap();
        let (home, logs) = home(dir.path());
        for number in 1..=5 {
            let bytes: Vec<u8> =
                (0..100_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
            fs::write(segment(&logs, number, 0, 0), bytes).unwrap();
        }
        let left = work(&home, Some(keep(None, None)), 1 << 20);
        assert!(left == [4, 5] || left == [3, 4, 5], "{left:?}");
        assert_eq!(work(&home, None, 0), [0_u64; 0], "also what is nobody's any more");
        assert!(logs.join("a.log").exists(), "the active one is never touched");
    }

    #[test]
    fn what_a_dead_daemon_left_in_the_middle_is_put_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (home, logs) = home(dir.path());
        let log = logs.join("a.log");
        let plain = segment(&logs, 1, 10, 0);
        fs::write(compressed_path(&log, 1), zstd::encode_all(&b"whole"[..], 3).unwrap()).unwrap();
        fs::write(logs.join("a.log.000002.zst.tmp"), "half").unwrap();
        fs::write(index_path(&closed_path(&log, 3)), header(3)).unwrap();
        assert_eq!(work(&home, Some(keep(None, None)), u64::MAX), [1]);
        assert!(!plain.exists() && !logs.join("a.log.000002.zst.tmp").exists());
        assert!(!index_path(&closed_path(&log, 3)).exists());
        // A rotation that was not completed: its index is the keeper's.
        fs::rename(index_path(&log), index_path(&closed_path(&log, 100))).unwrap();
        work(&home, Some(keep(None, None)), u64::MAX);
        assert!(index_path(&closed_path(&log, 100)).exists());
    }

    #[test]
    fn two_who_share_a_log_keep_what_either_wants() {
        assert_eq!(keep(Some(3), Some(5)).or(keep(Some(2), Some(9))), keep(Some(3), Some(9)));
        assert_eq!(keep(None, Some(5)).or(keep(Some(2), None)), keep(None, None));
    }
}
