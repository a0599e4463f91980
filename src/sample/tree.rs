//! Who belongs to a run that has no cgroup of its own.

use std::collections::{HashMap, HashSet};

use super::stat::Stat;
use crate::model::Pid;

/// All processes by who their parent is.
pub(super) fn children(table: &HashMap<Pid, Stat>) -> HashMap<Pid, Vec<Pid>> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for stat in table.values() {
        children.entry(stat.parent).or_default().push(stat.pid);
    }
    children
}

/// The main process, if it is the one that was started then, what is in its session when that
/// session is its own, those who carry its mark, and the descendants of all of them. Empty when it
/// is gone.
pub(super) fn members(
    table: &HashMap<Pid, Stat>,
    children: &HashMap<Pid, Vec<Pid>>,
    root: Pid,
    started: u64,
    marked: &[Pid],
) -> Vec<Stat> {
    let Some(main) = table.get(&root).filter(|stat| stat.started == started) else { return Vec::new() };
    let mut open = vec![root];
    open.extend(marked);
    if main.session == root {
        open.extend(table.values().filter(|stat| stat.session == root).map(|stat| stat.pid));
    }
    let mut seen = HashSet::new();
    let mut members = Vec::new();
    while let Some(pid) = open.pop() {
        if seen.insert(pid) {
            members.extend(table.get(&pid).cloned());
            open.extend(children.get(&pid).into_iter().flatten());
        }
    }
    members
}
