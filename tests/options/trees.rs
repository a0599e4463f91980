//! Whole trees: nothing survives a stop, everything counts, and nothing of a hundred services stays
//! (rows A8, B1, B2, A5 and A6).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{Home, SOON, fixture, proc, wait_for, wait_until};

/// Two descendants that left: each takes 40 MiB and one CPU as long as it lives. The main process
/// only waits.
const BUSY: &str = r#"
import os, sys, time
def burn(name):
    ballast = bytearray(b'1') * (40 << 20)
    with open(name, 'w') as told: told.write(str(os.getpid()))
    while True: sum(range(10000))
if os.fork() == 0:
    os.setsid()
    burn('setsid')
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        burn('twice')
    os._exit(0)
while True: time.sleep(1000)
"#;

fn both(check: impl Fn(&Home)) {
    check(&Home::new());
    check(&Home::without_cgroups());
}

/// Row 35 of the security checklist.
#[test]
fn a8_nobody_survives_a_stop_with_cgroups_and_without() {
    both(|home| {
        home.ok(&["start", &fixture("forker.py"), "--kill-timeout", "300ms"]);
        home.wait_for_line("forker", "forked");
        let tree = home.living_as("forker.py");
        assert_eq!(tree.len(), 3, "{tree:?}");
        home.ok(&["stop", "forker"]);
        assert!(!tree.iter().any(|pid| proc::lives(*pid)), "{tree:?}");
        assert_eq!(home.living_as("forker.py"), [0i64; 0]);
    });
}

#[test]
fn b1_b2_those_who_left_count_in_cpu_and_memory_with_cgroups_and_without() {
    both(|home| {
        let script = home.file("busy.py", BUSY);
        home.ok(&["start", &script, "--name", "busy"]);
        let pid = |name: &str| -> Option<i64> {
            std::fs::read_to_string(home.work().join(name)).ok()?.parse().ok()
        };
        let left = wait_for("both are busy", SOON, || Some([pid("setsid")?, pid("twice")?]))
            .map(|pid| (pid, proc::stat(pid)));
        for (pid, stat) in left {
            assert_ne!(stat.expect("it lives").parent, 0, "{pid}");
        }
        let main = home.pid("busy");
        wait_until("use of the whole tree", SOON * 2, || {
            let process = home.process("busy");
            let memory = process["memory_bytes"].as_i64().unwrap_or(0);
            let cpu = process["cpu_percent"].as_f64().unwrap_or(0.0);
            memory > proc::resident(main).unwrap_or(0) + (80 << 20) && cpu > 20.0
        });
        home.ok(&["stop", "busy"]);
        assert_eq!(home.living_as("busy.py"), [0i64; 0]);
    });
}

/// The cgroups of that home, wherever the hierarchy is.
fn leaves(home: &Path) -> Vec<PathBuf> {
    let mark = std::fs::canonicalize(home)
        .unwrap()
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with(&format!("pmdaemon-{mark:08x}-")) {
                    found.push(entry.path());
                }
                dirs.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn a6_after_delete_all_nothing_of_a_hundred_services_is_left() {
    let home = Home::new();
    home.file("serve.sh", "sleep 1000 &\nsleep 1001\n");
    home.ok(&[
        "start",
        "serve.sh",
        "--name",
        "s",
        "-i",
        "100",
        "--port",
        "auto:23000-23999",
        "--kill-timeout",
        "5s",
    ]);
    wait_until("a hundred trees", SOON * 2, || {
        home.living_as("sleep 1000").len() == 100 && home.living_as("sleep 1001").len() == 100
    });
    assert!(home.json(&["ports", "--json"]).to_string().contains("23000"));
    let (run, logs) = (home.path().join("run"), home.path().join("logs"));
    let entries =
        |dir: &Path| std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect::<Vec<_>>();
    assert!(entries(&run).len() >= 100);
    let ran = home.run(&["delete", "all", "--force"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("deleted 100"), "{}", ran.out.lines().last().unwrap_or_default());
    println!("deleted within {:?}", ran.took);
    let (keeper, daemon) = home.keeper_and_daemon();
    let mut living = home.living();
    living.sort_unstable();
    let mut ours = [keeper, daemon];
    ours.sort_unstable();
    assert_eq!(living, ours, "processes");
    assert_eq!(home.ok(&["list"]), "no processes\n");
    assert!(!home.json(&["ports", "--json"]).to_string().contains("2300"), "ports");
    // Its own files and its cgroup are removed after the answer, at once.
    wait_until("no FIFO and no record is left", Duration::from_secs(5), || entries(&run).is_empty());
    wait_until("no log is left", Duration::from_secs(5), || entries(&logs).is_empty());
    wait_until("no cgroup is left", Duration::from_secs(5), || leaves(&home.path()).is_empty());
}
