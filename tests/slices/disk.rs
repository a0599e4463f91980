//! The disk under the home is full, or turns read-only. Services go on, nothing is half-done, and
//! everything heals. Each test has a file system of its own, which only root can mount.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use serde_json::json;

use crate::support::{Home, SOON, fixture, proc, wait_until};

/// A home on a small file system that nobody else sees.
struct SmallDisk {
    home: Home,
}

impl SmallDisk {
    /// None when we may not mount anything.
    fn new() -> Option<SmallDisk> {
        if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
            eprintln!("not tested: only root can mount a small disk");
            return None;
        }
        // Of this thread, and of the programs that it starts.
        mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None).unwrap();
        let home = Home::new();
        fs::create_dir(home.path()).unwrap();
        let options = Some("size=16m,mode=700");
        mount(Some("tmpfs"), &home.path(), Some("tmpfs"), MsFlags::empty(), options).unwrap();
        Some(SmallDisk { home })
    }

    fn filler(&self) -> PathBuf {
        self.home.path().join("filler")
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.filler()).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.filler());
        // Before the disk goes, and again, in vain, with the home.
        let _ = self.home.run(&["kill"]);
        let _ = umount2(&self.home.path(), MntFlags::MNT_DETACH);
    }
}

#[test]
fn a15_on_a_full_disk_services_go_on_changes_are_refused_and_everything_heals() {
    let Some(disk) = SmallDisk::new() else { return };
    let home = &disk.home;
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "worker"]);
    let (web, worker, daemons) = (home.pid("web"), home.pid("worker"), home.keeper_and_daemon());
    let api = home.api();
    disk.fill();

    // Refused as a whole, by every way in.
    for command in [vec!["delete", "web", "--force"], vec!["restart", "all"], vec!["kill"]] {
        let refused = home.run(&command);
        refused.refused(1, &["nothing was changed", "the disk is full", home.path().to_str().unwrap()]);
    }
    let new = home.run(&["start", &fixture("loop.sh"), "--name", "new"]);
    new.refused(1, &["nothing was changed", "the disk is full"]);
    let scaled = api.send(api.request("PUT", "/api/v1/apps/web/scale").json(&json!({ "instances": 3 })));
    scaled.is_problem(507, "store_unavailable");
    assert_eq!((home.pid("web"), home.pid("worker")), (web, worker), "and reads go on");
    assert_eq!(home.processes().len(), 2);
    // But who fills the disk can be stopped.
    home.run(&["stop", "web"]).refused(1, &["the change is in effect", "the disk is full"]);
    wait_until("web ends", SOON, || !proc::lives(web));
    let stopped = api.send(api.request("POST", "/api/v1/apps/web/stop"));
    stopped.is_problem(507, "not_saved_yet");
    // Nothing has to be saved for it.
    home.ok(&["signal", "CONT", "worker"]);
    let ready = api.send(api.bare("GET", "/readyz"));
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (503, r#"{"status":"unavailable"}"#));
    let told = api.send(api.request("GET", "/readyz"));
    assert_eq!(told.status, 503);
    let reasons = told.json()["reasons"].clone();
    assert!(reasons[0].as_str().is_some_and(|reason| reason.contains("the disk is full")), "{reasons}");
    let status = home.json(&["status", "--json"]);
    assert_eq!(status["store"]["status"], "full", "{status}");
    assert!(home.ok(&["status"]).contains("nothing can be saved: the disk is full"));
    assert_eq!(home.run(&["doctor"]).code, 1);

    // What crashes meanwhile cannot be started, and is not given up either.
    proc::kill_hard(worker);
    wait_until("worker is tried again", SOON, || home.process("worker")["status"] == "restarting");
    wait_until("its reason is told", SOON, || {
        let reason = home.process("worker")["reason"].as_str().unwrap_or_default().to_lowercase();
        reason.starts_with("starts again in ") && reason.contains("no space left")
    });

    disk.free();
    wait_until("worker runs again", SOON, || home.process("worker")["status"] == "online");
    wait_until("a change is taken again", SOON, || home.run(&["stop", "web"]).code == 0);
    assert_eq!(home.keeper_and_daemon(), daemons, "nobody died of it");
    wait_until("it is told", SOON, || {
        let events = home.json(&["events", "--json", "--lines", "1000"]);
        let mut own = events.as_array().unwrap().iter().filter(|event| event["name"] == "pmdaemon");
        let kinds: Vec<_> = own.by_ref().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        kinds == ["store.failed", "store.healed"]
    });
    assert_eq!(home.json(&["status", "--json"])["store"]["status"], "ok");

    // What was answered is what is saved.
    proc::kill_hard(daemons.1);
    wait_until("another daemon", SOON, || home.keeper_and_daemon().1 != daemons.1);
    assert_eq!(home.process("web")["status"], "stopped");
    assert_eq!(home.process("worker")["status"], "online");
}

#[test]
fn a_daemon_that_cannot_begin_on_a_full_disk_says_so_and_is_back_when_there_is_room() {
    let Some(disk) = SmallDisk::new() else { return };
    let home = &disk.home;
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let (web, (_, daemon)) = (home.pid("web"), home.keeper_and_daemon());
    disk.fill();
    proc::kill_hard(daemon);
    wait_until("it is gone", SOON, || !proc::lives(daemon));
    home.run(&["list"]).refused(1, &["the disk is full: free some space", home.path().to_str().unwrap()]);
    assert!(proc::lives(web));
    disk.free();
    wait_until("it is back", SOON, || home.run(&["list"]).code == 0);
    assert_eq!(home.pid("web"), web);
}

/// A home on a file system that can be made read-only while files are open for writing, and
/// writable again: a subvolume of btrfs, the only one that lets us.
struct Switched {
    home: Home,
    disk: PathBuf,
}

impl Switched {
    /// None when we may not mount anything, or btrfs is not there.
    fn new() -> Option<Switched> {
        if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
            eprintln!("not tested: only root can mount a disk");
            return None;
        }
        mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None).unwrap();
        let home = Home::new();
        let (image, disk) = (home.work().join("image"), home.work().join("disk"));
        fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
        fs::create_dir(&disk).unwrap();
        fs::create_dir(home.path()).unwrap();
        let (volume, path) = (disk.join("home"), home.path());
        let steps: [(&str, Vec<&std::ffi::OsStr>); 4] = [
            ("mkfs.btrfs", vec!["-q".as_ref(), "-f".as_ref(), image.as_ref()]),
            ("mount", vec!["-o".as_ref(), "loop".as_ref(), image.as_ref(), disk.as_ref()]),
            ("btrfs", vec!["subvolume".as_ref(), "create".as_ref(), volume.as_ref()]),
            ("mount", vec!["--bind".as_ref(), volume.as_ref(), path.as_ref()]),
        ];
        for (program, args) in steps {
            let ran = std::process::Command::new(program).args(args).output();
            if !ran.is_ok_and(|ran| ran.status.success()) {
                eprintln!("not tested: {program} does not work here (install btrfs-progs)");
                return None;
            }
        }
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Some(Switched { home, disk })
    }

    fn read_only(&self, yes: bool) {
        let mut btrfs = std::process::Command::new("btrfs");
        btrfs.args(["property", "set", "-ts"]).arg(self.disk.join("home")).args(["ro", &yes.to_string()]);
        assert!(btrfs.status().unwrap().success());
        let written = fs::write(self.home.path().join("probe"), "");
        assert_eq!(written.is_err(), yes, "{written:?}");
    }
}

impl Drop for Switched {
    fn drop(&mut self) {
        let _ = self.home.run(&["kill"]);
        let _ = umount2(&self.home.path(), MntFlags::MNT_DETACH);
        let _ = umount2(&self.disk, MntFlags::MNT_DETACH);
    }
}

#[test]
fn a15_a_home_that_was_read_only_heals_and_nobody_has_died_of_it() {
    let Some(disk) = Switched::new() else { return };
    let home = &disk.home;
    let counter = home.file("count.sh", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done\n");
    home.ok(&["start", &counter, "--name", "web"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "worker"]);
    let (web, worker, daemons) = (home.pid("web"), home.pid("worker"), home.keeper_and_daemon());
    let api = home.api();
    // What is on disk already is clean then: the next change of it has to ask the file system.
    nix::unistd::sync();
    disk.read_only(true);

    for command in [vec!["delete", "web", "--force"], vec!["restart", "all"], vec!["kill"]] {
        home.run(&command).refused(1, &["nothing was changed", "read-only", "mount it writable again"]);
    }
    let new = home.run(&["start", &fixture("loop.sh"), "--name", "new"]);
    new.refused(1, &["nothing was changed", "read-only"]);
    api.send(api.request("POST", "/api/v1/apps/web/restart")).is_problem(503, "store_unavailable");
    assert_eq!(home.json(&["status", "--json"])["store"]["status"], "read_only");
    assert_eq!((home.pid("web"), home.pid("worker")), (web, worker));
    assert!(home.ok(&["list"]).contains("worker"), "and reads go on");
    // What crashes meanwhile cannot be started, and is not given up either.
    proc::kill_hard(worker);
    wait_until("worker is tried again", SOON, || home.process("worker")["status"] == "restarting");
    assert_eq!(home.keeper_and_daemon(), daemons, "nobody died of it");

    disk.read_only(false);
    wait_until("worker runs again", SOON, || home.process("worker")["status"] == "online");
    wait_until("it is told", SOON, || {
        let events = home.json(&["events", "--json", "--lines", "1000"]);
        let own = events.as_array().unwrap().iter().filter(|event| event["name"] == "pmdaemon");
        own.map(|event| event["type"].as_str().unwrap()).eq(["store.failed", "store.healed"])
    });
    assert_eq!(home.json(&["status", "--json"])["store"]["status"], "ok");
    let begun = home.ok(&["logs", "web", "--raw", "--lines", "1"]);
    wait_until("output is written again", SOON, || {
        home.ok(&["logs", "web", "--raw", "--lines", "1"]) != begun
    });
    wait_until("a change is taken again", SOON, || home.run(&["stop", "web"]).code == 0);
    let out = home.ok(&["logs", "web", "--raw", "--lines", "100000"]);
    let numbers: Vec<usize> = out.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "no line was lost");
    assert_eq!(home.keeper_and_daemon(), daemons);
}

#[test]
fn a15_on_a_disk_that_turns_read_only_services_go_on_and_changes_are_refused() {
    if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
        return eprintln!("not tested: only root can mount a disk");
    }
    mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None).unwrap();
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    let Some(device) = ext4(&home) else { return eprintln!("not tested: there is no loop device") };
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let (web, daemons) = (home.pid("web"), home.keeper_and_daemon());
    let api = home.api();
    // What the kernel does when the disk fails. From here on, for good.
    let _ = fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "played");
    wait_until("changes are refused", SOON, || {
        let refused = home.run(&["reset", "web"]);
        refused.code == 1 && refused.err.contains("nothing was changed") && refused.err.contains("read-only")
    });
    api.send(api.request("POST", "/api/v1/apps/web/restart")).is_problem(503, "store_unavailable");
    assert_eq!(home.json(&["status", "--json"])["store"]["status"], "read_only");
    assert!(proc::lives(web));
    assert_eq!((home.process("web")["name"].as_str(), home.keeper_and_daemon()), (Some("web"), daemons));
    // Not with `kill`, which would have to save something.
    wait_until("the end of everything", SOON, || {
        let living = home.living();
        living.iter().copied().for_each(proc::kill_hard);
        living.is_empty()
    });
    umount2(&home.path(), MntFlags::MNT_DETACH).unwrap();
}

/// A file system in a file, mounted as the home; the name of its device.
fn ext4(home: &Home) -> Option<String> {
    let image = home.work().join("image");
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    let run = |program: &str, args: &[&str]| {
        let ran = std::process::Command::new(program).args(args).output();
        ran.ok().filter(|ran| ran.status.success()).map(|ran| String::from_utf8(ran.stdout).unwrap())
    };
    let (image, at) = (image.to_str().unwrap(), home.path().to_str().unwrap().to_owned());
    run("mkfs.ext4", &["-q", "-F", image])?;
    run("mount", &["-o", "loop,errors=remount-ro", image, &at])?;
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&at, fs::Permissions::from_mode(0o700)).unwrap();
    let device = run("findmnt", &["-no", "SOURCE", &at])?;
    Some(device.trim().trim_start_matches("/dev/").to_owned())
}
