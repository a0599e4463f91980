//! Many writes, one restart: a burst is over when nothing was written for the delay.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::tree::{Seen, Tree};

/// A tree in which something is written all the time has no end of a burst: then it ends after this.
const LONGEST: Duration = Duration::from_secs(10);

struct Burst {
    first: PathBuf,
    begun: Instant,
    last: Instant,
}

impl Burst {
    fn over(&self, delay: Duration) -> Instant {
        (self.last + delay).min(self.begun + delay.max(LONGEST))
    }
}

/// Watches until the end. `changed` is told the first file of each burst, `limited` why not all is
/// seen.
pub fn watch(
    tree: &mut Tree,
    seen: &Receiver<Seen>,
    delay: Duration,
    limited: &dyn Fn(String),
    changed: impl Fn(&Path),
) {
    let mut burst: Option<Burst> = None;
    loop {
        let next = match &burst {
            None => seen.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(burst) => seen.recv_timeout(burst.over(delay).saturating_duration_since(Instant::now())),
        };
        let file = match next {
            Ok(Seen::There(path)) if is_directory(&path) => told(tree.add(&path), limited),
            Ok(Seen::There(path)) => Some(path).filter(|path| tree.counts(path)),
            Ok(Seen::Gone(path)) => {
                tree.remove(&path);
                Some(path).filter(|path| tree.counts(path))
            }
            Ok(Seen::Overflow) => told(tree.look_again(), limited),
            Err(RecvTimeoutError::Timeout) => {
                burst.take().iter().for_each(|burst| changed(&burst.first));
                None
            }
            Ok(Seen::End) | Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Some(file) = file {
            let now = Instant::now();
            burst.get_or_insert(Burst { first: file, begun: now, last: now }).last = now;
        }
        if burst.as_ref().is_some_and(|burst| burst.over(delay) <= Instant::now()) {
            burst.take().iter().for_each(|burst| changed(&burst.first));
        }
    }
}

/// Where a link leads does not count.
fn is_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn told(found: Result<Option<PathBuf>, String>, limited: &dyn Fn(String)) -> Option<PathBuf> {
    found.unwrap_or_else(|why| {
        limited(why);
        None
    })
}
