//! The kernel's watches of the directories that count, one each.
//!
//! Each watched path is seen from its parent as well, so that a file that an editor replaces, or a
//! directory that is made anew, is found again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::filter::Filter;

/// What there is to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// That was written, made or moved here.
    There(PathBuf),
    /// That is not there any more.
    Gone(PathBuf),
    /// More happened than the kernel could tell.
    Overflow,
    /// Look no longer.
    End,
}

/// The watches of one app.
pub struct Tree {
    watcher: RecommendedWatcher,
    filter: Arc<Filter>,
    directories: BTreeSet<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Tree {
    /// Without a watch. What is seen goes there.
    ///
    /// # Errors
    /// A sentence, when the kernel allows no more instances of inotify.
    pub fn new(filter: Arc<Filter>, seen: Sender<Seen>) -> Result<Tree, String> {
        let sieve = Arc::clone(&filter);
        let handler = move |event: notify::Result<notify::Event>| match event {
            Ok(event) => told(&event, &sieve).into_iter().for_each(|it| _ = seen.send(it)),
            Err(e) => tracing::warn!("while files are watched: {e}"),
        };
        let watcher = notify::recommended_watcher(handler).map_err(|e| {
            format!("{e}: if there are too many instances of inotify, raise fs.inotify.max_user_instances with sysctl")
        })?;
        Ok(Tree { watcher, filter, directories: BTreeSet::new(), roots: Vec::new() })
    }

    /// Watches these paths, and all that is in them.
    ///
    /// # Errors
    /// A sentence, when not all can be watched; the others are.
    pub fn begin(&mut self, roots: &[PathBuf]) -> Result<(), String> {
        self.roots = roots.to_vec();
        for root in roots {
            if let Some(parent) = root.parent() {
                self.watch(parent)?;
            }
            self.add(root)?;
        }
        Ok(())
    }

    /// Watches a directory with all that is in it and counts. Answers with a file that is in it
    /// already.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn add(&mut self, directory: &Path) -> Result<Option<PathBuf>, String> {
        let mut found = None;
        let mut left = vec![directory.to_owned()];
        while let Some(directory) = left.pop() {
            if !directory.is_dir() || !self.filter.passes(&directory) {
                continue;
            }
            // First: what comes after that is told, what was there before is found below.
            self.watch(&directory)?;
            // It may be gone again.
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => left.push(entry.path()),
                    Ok(_) if found.is_none() && self.filter.counts(&entry.path()) => {
                        found = Some(entry.path())
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// That path is gone, with all that was in it.
    pub fn remove(&mut self, path: &Path) {
        let below = self.directories.range(path.to_owned()..).take_while(|other| other.starts_with(path));
        for directory in below.cloned().collect::<Vec<_>>() {
            self.directories.remove(&directory);
            // The kernel has forgotten it already, unless it was moved away.
            let _ = self.watcher.unwatch(&directory);
        }
    }

    /// Looks at everything again. Answers with what it is about.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn look_again(&mut self) -> Result<Option<PathBuf>, String> {
        let roots = self.roots.clone();
        self.begin(&roots)?;
        Ok(roots.into_iter().next())
    }

    /// Whether a change of that file counts.
    pub fn counts(&self, file: &Path) -> bool {
        self.filter.counts(file)
    }

    fn watch(&mut self, directory: &Path) -> Result<(), String> {
        match self.watcher.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => _ = self.directories.insert(directory.to_owned()),
            Err(notify::Error { kind: ErrorKind::MaxFilesWatch, .. }) => return Err(too_many()),
            // Gone again, or not for us to read.
            Err(e) => tracing::warn!("{} is not watched: {e}", directory.display()),
        }
        Ok(())
    }
}

fn too_many() -> String {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap_or_default();
    format!(
        "the limit of inotify watches is reached (fs.inotify.max_user_watches is {}): raise it with sysctl, or leave \
         directories out with --ignore-watch",
        limit.trim()
    )
}

/// What an event of the kernel says about files that count.
fn told(event: &notify::Event, filter: &Filter) -> Vec<Seen> {
    if event.need_rescan() {
        return vec![Seen::Overflow];
    }
    let seen: fn(PathBuf) -> Seen = match event.kind {
        EventKind::Create(_)
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Name(RenameMode::To))
        | EventKind::Access(AccessKind::Close(AccessMode::Write)) => Seen::There,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Seen::Gone,
        // Reading is no change, nor are rights; a move is told twice more, by its two halves.
        EventKind::Any | EventKind::Access(_) | EventKind::Modify(_) | EventKind::Other => return Vec::new(),
    };
    event.paths.iter().filter(|path| filter.passes(path)).cloned().map(seen).collect()
}
