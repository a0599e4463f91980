//! A network and a file tree of one's own, so that a test may use addresses and paths that belong
//! to everybody: port 9615, /var/log. For root only.

use std::path::Path;
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
    // SIOCSIFFLAGS, IFF_UP: what `ip link set lo up` does, where there is no `ip`.
    let up = "import fcntl, socket, struct\n\
              fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 1))";
    let up = Command::new("python3").args(["-c", up]).status().expect("python3 is installed");
    assert!(up.success(), "the loopback device does not come up");
    true
}

/// From here on this thread, and every process that it starts, sees a file tree that has `new`
/// directories besides what was there, and an empty /var/log. It is gone with the last of them.
#[must_use]
pub fn own_root(new: &[&str]) -> bool {
    if unshare(CloneFlags::CLONE_NEWNS).is_err() {
        eprintln!("not tested: only root can have mounts of its own");
        return false;
    }
    let none = None::<&str>;
    let tmpfs = |place: &str| mount(Some("own"), place, Some("tmpfs"), MsFlags::empty(), none).unwrap();
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    tmpfs("/mnt");
    for entry in std::fs::read_dir("/").unwrap().flatten() {
        let (old, kind) = (entry.path(), entry.file_type().unwrap());
        let place = Path::new("/mnt").join(entry.file_name());
        if new.iter().any(|dir| Path::new(dir).starts_with(&old)) || old == Path::new("/mnt") {
            continue;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&old).unwrap(), place).unwrap();
        } else if kind.is_dir() {
            std::fs::create_dir(&place).unwrap();
            mount(Some(&old), &place, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).unwrap();
        }
    }
    nix::unistd::chroot("/mnt").unwrap();
    nix::unistd::chdir("/").unwrap();
    new.iter().for_each(|dir| std::fs::create_dir_all(dir).unwrap());
    tmpfs("/var/log");
    true
}
