//! How much the services and the host use.
//!
//! [`Sampler`] looks at all runs in one pass and gives each its [`Usage`]: CPU, memory, processes
//! and threads of the whole tree. [`HostSampler`] gives the figures of the host.
//!
//! Which processes belong to a run:
//!
//! ```text
//!   in the keeper's cgroup pmdaemon-…-rRUN?  ── yes ─► every member of that cgroup   (leaf)
//!                                            └─ no ──► descendants of its main process,
//!                                                      members of its session, and who
//!                                                      carries its mark              (scan)
//! ```
//!
//! The scan of `/proc` is made once a pass and only when a run needs it. Descriptors of
//! `/proc/PID/stat` stay open ([`stat`]), which is what makes a sample cost microseconds, and
//! what makes it safe: such a descriptor speaks of one process, never of a later one with the
//! same number.
//!
//! What was measured is remembered by [`history`].
//!
//! Nothing here decides anything or reads a clock; the time comes in as an argument.

mod cpu;
mod files;
pub mod history;
mod host;
mod kills;
mod leaf;
mod mark;
mod own;
mod stat;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

pub use cpu::CpuTime;
pub use files::Files;
pub use host::{HostSampler, HostUsage};
pub use kills::Kills;
pub use own::{Own, max_files};

use crate::model::{Moment, Pid, RunId};
use cpu::Meter;
use leaf::{Leaf, Membership};
use mark::Marks;
use stat::{Stat, Stats};

/// Two samples that are closer than this are one: the kernel counts CPU time in ticks of 10 ms,
/// so a shorter interval would say more about the ticks than about the process.
const SHORTEST: Duration = Duration::from_millis(50);

/// A run to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Root {
    /// Which life.
    pub run: RunId,
    /// Its main process.
    pub pid: Pid,
}

/// What the whole tree of a run uses.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Usage {
    /// CPU time per time since the previous sample of this run, or since its start at the first
    /// one. 100 is one busy core.
    pub cpu_percent: f64,
    /// CPU time of this run so far.
    pub cpu_time: CpuTime,
    /// Resident memory, summed over all processes, in bytes.
    pub memory_bytes: u64,
    /// Processes, zombies not counted.
    pub processes: u32,
    /// Threads of those.
    pub threads: u32,
    /// Their descriptors, and what they have read and written.
    pub files: Files,
}

/// Samples runs. Remembers what it needs about each from one pass to the next.
#[derive(Debug)]
pub struct Sampler {
    stats: Stats,
    mount: Option<leaf::Mount>,
    marks: Marks,
    runs: HashMap<RunId, Tracked>,
}

#[derive(Debug)]
struct Tracked {
    root: Pid,
    /// Start time of the main process in ticks since boot: with the number, its identity.
    started: u64,
    leaf: Option<Leaf>,
    /// Without a cgroup, what those carry that left; once the main process was seen with it.
    mark: Option<Vec<u8>>,
    meter: Meter,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler::new()
    }
}

impl Sampler {
    /// A sampler that has not seen anything yet.
    pub fn new() -> Sampler {
        Sampler {
            stats: Stats::new(),
            mount: leaf::Mount::find(),
            marks: Marks::default(),
            runs: HashMap::new(),
        }
    }

    /// Looks at all `roots`; what is not among them is forgotten. `now` is the time of this pass.
    ///
    /// A run of which no process is left has no entry; nor has one whose main process is gone
    /// when it has no cgroup by which the rest could be recognised.
    pub fn sample(&mut self, roots: &[Root], now: Moment) -> BTreeMap<RunId, Usage> {
        let wanted: HashMap<RunId, Pid> = roots.iter().map(|root| (root.run, root.pid)).collect();
        self.runs.retain(|run, tracked| wanted.get(run) == Some(&tracked.root));
        for root in roots {
            if !self.runs.contains_key(&root.run)
                && let Some(tracked) = self.first_sight(root)
            {
                self.runs.insert(root.run, tracked);
            }
        }
        let needs_scan = self.runs.values().any(|tracked| tracked.leaf.is_none());
        let table = if needs_scan { self.stats.scan() } else { HashMap::new() };
        let children = tree::children(&table);
        self.marks.look(&table);
        let carriers = self.marks.carriers();

        let mut used = HashSet::new();
        let mut usages = BTreeMap::new();
        for (run, tracked) in &mut self.runs {
            let members = match &mut tracked.leaf {
                Some(leaf) => leaf.members().into_iter().filter_map(|pid| self.stats.read(pid)).collect(),
                None => {
                    if tracked.mark.is_none()
                        && let Some(main) = table.get(&tracked.root)
                    {
                        tracked.mark = self.marks.carried_by(main).map(<[u8]>::to_vec);
                    }
                    let marked = tracked.mark.as_deref().and_then(|mark| carriers.get(mark));
                    let marked = marked.map(Vec::as_slice).unwrap_or_default();
                    tree::members(&table, &children, tracked.root, tracked.started, marked)
                }
            };
            used.extend(members.iter().map(|stat| stat.pid));
            let usage_of_leaf = tracked.leaf.as_mut().and_then(Leaf::cpu_time);
            let cpu_percent = tracked.meter.measure(now, usage_of_leaf, &members);
            let alive: Vec<&Stat> = members.iter().filter(|stat| !stat.zombie).collect();
            if !alive.is_empty() {
                usages.insert(
                    *run,
                    Usage {
                        cpu_percent,
                        cpu_time: tracked.meter.total(),
                        memory_bytes: alive.iter().map(|stat| stat.memory).sum(),
                        processes: alive.len() as u32,
                        threads: alive.iter().map(|stat| stat.threads).sum(),
                        files: alive
                            .iter()
                            .map(|stat| Files::of(stat.pid))
                            .fold(Files::default(), Files::and),
                    },
                );
            }
        }
        self.stats.keep_only(&used);
        usages
    }

    /// Who the main process is and how its tree is recognised. `None` when there is no such
    /// process, or it is in the cgroup of another run: then its number was given away again.
    fn first_sight(&mut self, root: &Root) -> Option<Tracked> {
        let stat = self.stats.read(root.pid)?;
        let leaf = match leaf::membership(self.mount.as_ref(), root) {
            Membership::Own(leaf) => Some(leaf),
            Membership::Other => return None,
            Membership::Unknown => None,
        };
        // Alive before and after: the cgroup was that of this process.
        self.stats.read(root.pid).filter(|again| again.started == stat.started)?;
        let meter = Meter::since(stat.started_at());
        Some(Tracked { root: root.pid, started: stat.started, leaf, mark: None, meter })
    }
}
