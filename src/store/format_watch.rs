//! The disk format of which files are watched.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{StoredPath, micros};
use crate::model::WatchPolicy;

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredWatch {
    paths: Vec<StoredPath>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    extensions: Vec<String>,
    delay_us: u64,
}

impl StoredWatch {
    /// What to write for `policy`.
    pub(super) fn new(policy: &WatchPolicy) -> StoredWatch {
        let WatchPolicy { paths, ignore, extensions, delay } = policy;
        StoredWatch {
            paths: paths.iter().map(|path| StoredPath::new(path)).collect(),
            ignore: ignore.clone(),
            extensions: extensions.clone(),
            delay_us: micros(*delay),
        }
    }

    /// The policy that was written.
    pub(super) fn into_model(self) -> WatchPolicy {
        WatchPolicy {
            paths: self.paths.into_iter().map(StoredPath::into_model).collect(),
            ignore: self.ignore,
            extensions: self.extensions,
            delay: Duration::from_micros(self.delay_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_comes_back_as_it_was() {
        let policy = WatchPolicy {
            paths: vec!["/srv/web".into()],
            ignore: vec!["logs".to_owned()],
            extensions: vec!["js".to_owned()],
            delay: Duration::from_millis(250),
        };
        let json = serde_json::to_string(&StoredWatch::new(&policy)).unwrap();
        assert_eq!(serde_json::from_str::<StoredWatch>(&json).unwrap().into_model(), policy);
    }
}
