//! What a process may use, and as whom it runs (acceptance rows B9, D4, J28, K20).

use super::ByteSize;

/// Limits of the processes of an app. Absent: what the keeper itself has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resources {
    /// When all processes of a run together use more memory than this, it is restarted.
    pub max_memory: Option<ByteSize>,
    /// Scheduling priority, from -20 (first) to 19 (last).
    pub nice: Option<i32>,
    /// Open files of each process, soft and hard limit.
    pub max_open_files: Option<u64>,
    /// Largest core dump in bytes; [`UNLIMITED`] is no limit, 0 is no dump.
    pub core_size: Option<u64>,
    /// Mask of permission bits that new files do not get; `022` if absent.
    pub umask: Option<u32>,
    /// The user to run as; absent: the daemon's.
    pub run_as: Option<RunAs>,
    /// Whether its programs can never gain rights by set-user-ID bits or file capabilities. Absent:
    /// see [`no_new_privileges`](Resources::no_new_privileges).
    pub no_new_privileges: Option<bool>,
}

impl Resources {
    /// Whether it never gains rights. Where nobody said: if root runs it as somebody else, since that
    /// is to give rights up. With its own rights it may use `sudo`, or a node that may bind port 80.
    pub fn no_new_privileges(&self) -> bool {
        self.no_new_privileges.unwrap_or(self.run_as.as_ref().is_some_and(|user| user.uid != 0))
    }
}

/// A core size without a limit.
pub const UNLIMITED: u64 = u64::MAX;

/// A user of this host, as the definition found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunAs {
    /// Name of the user: for supplementary groups, `USER` and `LOGNAME`.
    pub user: String,
    /// Number of the user.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Name of the primary group; its number as text, if it has no name.
    pub group: String,
    /// `HOME`.
    pub home: String,
}
