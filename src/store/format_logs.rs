//! The disk format of where logs go and how much of them is kept. The same rules as for
//! definitions: what an older version did not write has the default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{StoredPath, micros};
use crate::model::{ByteSize, LogPolicy, LogTarget, WhenFull};

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StoredLogs {
    out: StoredTarget,
    err: StoredTarget,
    combined: Option<StoredPath>,
    merge: bool,
    max_size: Option<u64>,
    max_files: Option<u32>,
    max_age_us: Option<u64>,
    drop: bool,
    date_format: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredTarget {
    Own,
    Null,
    File(StoredPath),
}

impl StoredTarget {
    fn new(target: &LogTarget) -> StoredTarget {
        match target {
            LogTarget::Own => StoredTarget::Own,
            LogTarget::Null => StoredTarget::Null,
            LogTarget::File(path) => StoredTarget::File(StoredPath::new(path)),
        }
    }

    fn into_model(self) -> LogTarget {
        match self {
            StoredTarget::Own => LogTarget::Own,
            StoredTarget::Null => LogTarget::Null,
            StoredTarget::File(path) => LogTarget::File(path.into_model()),
        }
    }
}

impl StoredLogs {
    /// What to write for `logs`.
    pub(super) fn new(logs: &LogPolicy) -> StoredLogs {
        let LogPolicy { out, err, combined, merge, max_size, max_files, max_age, when_full, date_format } =
            logs;
        StoredLogs {
            out: StoredTarget::new(out),
            err: StoredTarget::new(err),
            combined: combined.as_deref().map(StoredPath::new),
            merge: *merge,
            max_size: max_size.map(|size| size.0),
            max_files: *max_files,
            max_age_us: max_age.map(micros),
            drop: match when_full {
                WhenFull::Block => false,
                WhenFull::Drop => true,
            },
            date_format: date_format.clone(),
        }
    }

    /// The policy that was written.
    pub(super) fn into_model(self) -> LogPolicy {
        LogPolicy {
            out: self.out.into_model(),
            err: self.err.into_model(),
            combined: self.combined.map(StoredPath::into_model),
            merge: self.merge,
            max_size: self.max_size.map(ByteSize),
            max_files: self.max_files,
            max_age: self.max_age_us.map(Duration::from_micros),
            when_full: if self.drop { WhenFull::Drop } else { WhenFull::Block },
            date_format: self.date_format,
        }
    }
}

impl Default for StoredLogs {
    fn default() -> StoredLogs {
        StoredLogs::new(&LogPolicy::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_policy_comes_back_as_it_was_and_old_rows_have_the_default() {
        let all = LogPolicy {
            out: LogTarget::File("/l/o".into()),
            err: LogTarget::Null,
            combined: Some("/l/c".into()),
            merge: true,
            max_size: None,
            max_files: Some(3),
            max_age: Some(Duration::from_secs(7)),
            when_full: WhenFull::Drop,
            date_format: Some("YYYY".to_owned()),
        };
        for logs in [all, LogPolicy::default()] {
            let json = serde_json::to_string(&StoredLogs::new(&logs)).unwrap();
            assert_eq!(serde_json::from_str::<StoredLogs>(&json).unwrap().into_model(), logs);
        }
        assert_eq!(serde_json::from_str::<StoredLogs>("{}").unwrap().into_model(), LogPolicy::default());
    }
}
