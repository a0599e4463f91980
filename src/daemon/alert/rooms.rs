//! How much room there is on the file systems of some places.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::sys::statvfs::statvfs;

use super::condition::disk::Room;

/// Of each file system, named by the first of the places on it, of which the home is the first of all. What
/// cannot be looked at is left out.
pub fn rooms(home: PathBuf, places: BTreeSet<PathBuf>) -> Vec<(PathBuf, Room)> {
    let mut seen = BTreeMap::new();
    for place in std::iter::once(home).chain(places) {
        let Ok(device) = std::fs::metadata(&place).map(|meta| meta.dev()) else { continue };
        let Ok(system) = statvfs(&place) else { continue };
        // As `df` counts: what is kept for root is neither free nor used.
        let used = system.blocks().saturating_sub(system.blocks_free());
        let free = system.blocks_available();
        let whole = used.saturating_add(free).saturating_mul(system.fragment_size());
        let room = Room { whole, free: free.saturating_mul(system.fragment_size()) };
        seen.entry(device).or_insert((place, room));
    }
    seen.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_looked_at_once_and_named_by_the_home() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("logs");
        std::fs::create_dir(&other).unwrap();
        let missing = dir.path().join("nosuch");
        let rooms = rooms(dir.path().to_owned(), [other, missing].into());
        assert_eq!(rooms.len(), 1, "{rooms:?}");
        assert_eq!(rooms[0].0, dir.path());
        assert!(rooms[0].1.free <= rooms[0].1.whole && rooms[0].1.whole > 0, "{rooms:?}");
    }
}
