//! A network and a file tree of one's own, so that a test may use addresses and paths that belong
//! to everybody: port 9615, /var/log. For root only.

use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// From here on this thread, and every process that it starts, has a network in which nobody
/// listens yet. False without the right to have one.
#[must_use]
pub fn own_network() -> bool {
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        eprintln!("not tested: only root can have a network of its own");
        return false;
    }
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("ip of iproute2");
    assert!(up.success(), "the loopback device does not come up");
    true
}

/// From here on this thread, and every process that it starts, sees an empty directory there.
#[must_use]
pub fn own_directory(path: &str) -> bool {
    if unshare(CloneFlags::CLONE_NEWNS).is_err() {
        eprintln!("not tested: only root can have mounts of its own");
        return false;
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    mount(Some("own"), path, Some("tmpfs"), MsFlags::empty(), none).unwrap();
    true
}
