//! Looks at the files for whose changes apps are restarted (acceptance row J11).
//!
//! ```text
//!   picture ──▶ which apps are wanted up and watch ──▶ one Watch each, a thread that sleeps
//!                                                        │ the kernel tells (inotify): filter
//!                                                        │ quiet for the delay: one burst
//!   brain ◀── Fact::FilesChanged { app, first file } ◀───┘
//! ```
//!
//! An app that is stopped is not watched, and is again when it is started. Nothing is polled.
//! Directories that do not count get no watch of the kernel. What was changed while no daemon ran is
//! not noticed.

mod burst;
mod filter;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::mpsc;

pub(super) use filter::Filter;

use super::handle::Handle;
use super::own_events::Own;
use super::view::Snapshot;
use crate::model::{AppId, Fact, WatchPolicy};
use tree::{Seen, Tree};

/// What a watch has to say.
#[derive(Debug)]
enum Told {
    /// Files of that app were changed; the first of them.
    Changed(AppId, String),
    /// Not all is seen, for that reason.
    Limited(String),
}

/// What is to be watched for one app.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Wanted {
    name: String,
    policy: WatchPolicy,
    cwd: PathBuf,
    /// What the app and we write ourselves.
    own: Vec<PathBuf>,
}

/// One app that is watched, until this is dropped.
struct Watch {
    wanted: Wanted,
    end: Sender<Seen>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.end.send(Seen::End);
    }
}

/// Watches whatever is to be watched, until the daemon ends.
pub async fn for_ever(handle: Handle) {
    let mut pictures = handle.watch();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut watches: BTreeMap<AppId, Watch> = BTreeMap::new();
    let home = handle.home().path().to_owned();
    loop {
        let wanted = wanted(&pictures.borrow_and_update(), &home);
        watches.retain(|app, watch| wanted.get(app) == Some(&watch.wanted));
        for (app, wanted) in wanted {
            watches.entry(app).or_insert_with(|| begin(app, wanted, tell.clone()));
        }
        tokio::select! {
            changed = pictures.changed() => if changed.is_err() { return },
            Some(told) = told.recv() => match told {
                Told::Changed(app, file) => handle.learn(Fact::FilesChanged { app, file }).await,
                Told::Limited(sentence) => handle.tell(Own::WatchLimited, sentence).await,
            },
        }
    }
}

/// What the picture says.
fn wanted(picture: &Arc<Snapshot>, home: &std::path::Path) -> BTreeMap<AppId, Wanted> {
    let mut all: BTreeMap<AppId, Wanted> = BTreeMap::new();
    for (app, process) in &picture.watching {
        let Some(view) = picture.processes.get(process) else { continue };
        let Some(policy) = view.spec.watch.clone() else { continue };
        let wanted = all.entry(*app).or_insert_with(|| Wanted {
            name: view.spec.name.to_string(),
            policy,
            cwd: view.spec.cwd.clone(),
            own: vec![home.to_owned()],
        });
        wanted.own.extend(view.logs.all());
    }
    all
}

fn begin(app: AppId, wanted: Wanted, tell: mpsc::UnboundedSender<Told>) -> Watch {
    let (end, seen) = std::sync::mpsc::channel();
    let (of, sender) = (wanted.clone(), end.clone());
    let work = move || {
        let Wanted { name, policy, cwd, own } = of;
        let limited = |why: String| {
            // Nobody listens any more when the daemon ends.
            let _ = tell.send(Told::Limited(format!("{name} is watched only in part: {why}")));
        };
        let filter = match Filter::new(&policy, &cwd, own) {
            Ok(filter) => Arc::new(filter),
            Err(why) => return limited(why),
        };
        let mut tree = match Tree::new(filter, sender) {
            Ok(tree) => tree,
            Err(why) => return limited(why),
        };
        if let Err(why) = tree.begin(&policy.paths) {
            limited(why);
        }
        burst::watch(&mut tree, &seen, policy.delay, &limited, |file| {
            let shown = file.strip_prefix(&cwd).unwrap_or(file).display().to_string();
            let _ = tell.send(Told::Changed(app, shown));
        });
    };
    if let Err(e) = std::thread::Builder::new().name("file watch".to_owned()).spawn(work) {
        tracing::error!("{} is not watched: there can be no thread: {e}", wanted.name);
    }
    Watch { wanted, end }
}
