//! The disk format of limits, and of who a process runs as. The same rules as for definitions:
//! what an older version did not write is absent.

use serde::{Deserialize, Serialize};

use crate::model::{ByteSize, OverMemory, Resources, RunAs};

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct StoredResources {
    max_memory: Option<u64>,
    nice: Option<i32>,
    max_open_files: Option<u64>,
    core_size: Option<u64>,
    umask: Option<u32>,
    run_as: Option<StoredRunAs>,
    no_new_privileges: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct StoredRunAs {
    user: String,
    uid: u32,
    gid: u32,
    group: String,
    home: String,
}

/// Why a run was ended: a part of column `process.record`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredOverMemory {
    used: u64,
    limit: u64,
}

impl StoredResources {
    /// What to write for `resources`.
    pub(super) fn new(resources: &Resources) -> StoredResources {
        let Resources { max_memory, nice, max_open_files, core_size, umask, run_as, no_new_privileges } =
            resources;
        StoredResources {
            max_memory: max_memory.map(|size| size.0),
            nice: *nice,
            max_open_files: *max_open_files,
            core_size: *core_size,
            umask: *umask,
            run_as: run_as.clone().map(|RunAs { user, uid, gid, group, home }| StoredRunAs {
                user,
                uid,
                gid,
                group,
                home,
            }),
            no_new_privileges: *no_new_privileges,
        }
    }

    /// The limits that were written.
    pub(super) fn into_model(self) -> Resources {
        Resources {
            max_memory: self.max_memory.map(ByteSize),
            nice: self.nice,
            max_open_files: self.max_open_files,
            core_size: self.core_size,
            umask: self.umask,
            run_as: self.run_as.map(|StoredRunAs { user, uid, gid, group, home }| RunAs {
                user,
                uid,
                gid,
                group,
                home,
            }),
            no_new_privileges: self.no_new_privileges,
        }
    }
}

impl StoredOverMemory {
    /// What to write for `over`.
    pub(super) fn new(over: OverMemory) -> StoredOverMemory {
        StoredOverMemory { used: over.used.0, limit: over.limit.0 }
    }

    /// The reason that was written.
    pub(super) fn into_model(self) -> OverMemory {
        OverMemory { used: ByteSize(self.used), limit: ByteSize(self.limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_back_as_they_were_and_old_rows_have_none() {
        let run_as = RunAs {
            user: "www".to_owned(),
            uid: 33,
            gid: 34,
            group: "web".to_owned(),
            home: "/var/www".to_owned(),
        };
        let all = Resources {
            max_memory: Some(ByteSize(1 << 30)),
            nice: Some(-5),
            max_open_files: Some(4096),
            no_new_privileges: Some(false),
            core_size: Some(crate::model::resources::UNLIMITED),
            umask: Some(0o27),
            run_as: Some(run_as),
        };
        for resources in [all, Resources::default()] {
            let json = serde_json::to_string(&StoredResources::new(&resources)).unwrap();
            assert_eq!(serde_json::from_str::<StoredResources>(&json).unwrap().into_model(), resources);
        }
        assert_eq!(serde_json::from_str::<StoredResources>("{}").unwrap().into_model(), Resources::default());
    }
}
