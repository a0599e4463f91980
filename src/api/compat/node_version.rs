//! The version of Node that runs a program, which PM2 shows with it.
//!
//! Each file is asked once, and again when it is another one: as the user as whom the app runs, because
//! what others can change must not run as us.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::daemon::node;
use crate::daemon::view::ProcessView;

/// What is known of so many files; with more, all of it is asked anew.
const MOST: usize = 256;

/// A file as it is now, and by whom it is asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Node {
    file: PathBuf,
    inode: (u64, u64),
    changed: (i64, i64),
    user: Option<(u32, u32)>,
}

/// What they have said. Who says nothing is not asked again.
static SAID: LazyLock<Mutex<HashMap<Node, Option<String>>>> = LazyLock::new(Mutex::default);

/// Asks those that were not asked yet.
pub async fn learn(views: &[Arc<ProcessView>]) {
    let mut unknown: Vec<Node> = views.iter().filter_map(|view| node_of(view)).collect();
    unknown.retain(|node| !said().contains_key(node));
    if unknown.is_empty() {
        return;
    }
    let ask = move || {
        for node in unknown {
            if !said().contains_key(&node) {
                let version = node::version(&node.file, node.user);
                let mut said = said();
                if said.len() >= MOST {
                    said.clear();
                }
                said.insert(node, version);
            }
        }
    };
    // What nobody knows is left out.
    let _ = tokio::task::spawn_blocking(ask).await;
}

/// The version of the Node that runs that one or, if it does not run, would; if it is known.
pub fn of(view: &ProcessView) -> Option<String> {
    said().get(&node_of(view)?)?.clone()
}

fn node_of(view: &ProcessView) -> Option<Node> {
    if !node::is_node(&view.spec.program) {
        return None;
    }
    let file = match view.state.pid() {
        Some(pid) => fs::read_link(format!("/proc/{pid}/exe")).ok()?,
        None => fs::canonicalize(&view.spec.program).ok()?,
    };
    let user = view.spec.resources.run_as.as_ref().map(|user| (user.uid, user.gid));
    node_at(file, user)
}

/// That file, if it is there: what runs may have been replaced on the disk.
fn node_at(file: PathBuf, user: Option<(u32, u32)>) -> Option<Node> {
    if !node::is_node(&file) {
        return None;
    }
    let meta = fs::metadata(&file).ok()?;
    let (inode, changed) = ((meta.dev(), meta.ino()), (meta.mtime(), meta.mtime_nsec()));
    Some(Node { file, inode, changed, user })
}

fn said() -> MutexGuard<'static, HashMap<Node, Option<String>>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_at_the_same_place_is_another_node_and_a_deleted_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node");
        fs::write(&file, "a").unwrap();
        let first = node_at(file.clone(), None).unwrap();
        assert_eq!(node_at(file.clone(), None), Some(first.clone()));
        assert_ne!(node_at(file.clone(), Some((1, 1))), Some(first.clone()), "asked by another user");
        let draft = dir.path().join("draft");
        fs::write(&draft, "b").unwrap();
        fs::rename(&draft, &file).unwrap();
        assert_ne!(node_at(file.clone(), None), Some(first));
        assert_eq!(node_at(dir.path().join("node (deleted)"), None), None);
        let python = dir.path().join("python3");
        fs::write(&python, "a").unwrap();
        assert_eq!(node_at(python, None), None);
    }
}
