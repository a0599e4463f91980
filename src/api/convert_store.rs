//! How the store is doing, for the API.

use super::{Api, convert};
use crate::store::{Backups, StoreError};
use crate::wire;

/// As it is now. Looks at directories, briefly.
pub fn store(api: &Api) -> wire::Store {
    let trouble = api.handle.recorder().may_write().err();
    let copies = Backups::at(api.handle.home().backup_dir()).list();
    let last = copies.first().and_then(|copy| jiff::Timestamp::try_from(copy.made?).ok());
    let loss = api.handle.noted_loss().and_then(|noted| {
        let kept = noted.kept.clone()?;
        std::fs::symlink_metadata(&kept).is_ok().then(|| wire::StoreLoss {
            at: convert::time(noted.at_ms),
            detail: noted.what.clone(),
            kept,
        })
    });
    wire::Store {
        status: trouble.as_deref().map_or("ok", word).to_owned(),
        detail: trouble.map(|error| error.to_string()),
        copies: copies.len() as i64,
        last_copy_at: last.map(|at| format!("{at:.3}")),
        loss,
    }
}

fn word(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full { .. } => "full",
        StoreError::ReadOnly { .. } => "read_only",
        StoreError::File { .. }
        | StoreError::Unsafe { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Refused { .. }
        | StoreError::Sql { .. }
        | StoreError::Closed => "failing",
    }
}
