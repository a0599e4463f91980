//! What it costs to sample 200 processes: `cargo bench --bench sampling`.
//!
//! Once as the keeper runs them where it may make cgroups, once without, where each pass scans
//! `/proc`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use pmdaemon::model::{Moment, Pid, RunId};
use pmdaemon::sample::{Root, Sampler};

const PROCESSES: u64 = 200;
const PASSES: u32 = 50;

/// A sleep, and the cgroup that it was put in.
struct Sleeper {
    child: Child,
    leaf: Option<PathBuf>,
}

impl Sleeper {
    fn start(run: u64, cgroups: Option<&Path>) -> Sleeper {
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep is installed");
        let leaf = cgroups.and_then(|cgroups| {
            let leaf = cgroups.join(format!("pmdaemon-{:x}-r{run}", std::process::id()));
            std::fs::create_dir(&leaf).ok()?;
            std::fs::write(leaf.join("cgroup.procs"), child.id().to_string()).ok()?;
            Some(leaf)
        });
        Sleeper { child, leaf }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.leaf.as_ref().is_some_and(|leaf| std::fs::remove_dir(leaf).is_err()) {
            if Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn now() -> Moment {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("there is a boot clock");
    Moment(time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1000)
}

fn cpu_time() -> Duration {
    let used = getrusage(UsageWho::RUSAGE_SELF).expect("own usage");
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros((micros(used.user_time()) + micros(used.system_time())) as u64)
}

fn measure(name: &str, cgroups: Option<&Path>) {
    let sleepers: Vec<Sleeper> = (1..=PROCESSES).map(|run| Sleeper::start(run, cgroups)).collect();
    if cgroups.is_some() && sleepers.iter().any(|sleeper| sleeper.leaf.is_none()) {
        println!("{name}: not measured, cgroups cannot be made here");
        return;
    }
    let pid = |sleeper: &Sleeper| Pid(sleeper.child.id() as i32);
    let roots: Vec<Root> =
        (1..).zip(&sleepers).map(|(run, sleeper)| Root { run: RunId(run), pid: pid(sleeper) }).collect();
    let mut sampler = Sampler::new();
    assert_eq!(sampler.sample(&roots, now()).len(), roots.len());
    let before = cpu_time();
    for _ in 0..PASSES {
        assert_eq!(sampler.sample(&roots, now()).len(), roots.len());
    }
    let each = (cpu_time() - before).as_secs_f64() * 1e6 / f64::from(PASSES) / PROCESSES as f64;
    println!("{name}: {each:.1} µs of CPU per process and sample");
}

fn main() {
    measure("scan of /proc", None);
    let mount = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new);
    let mount = mount.into_iter().find(|path| path.join("cgroup.procs").exists());
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    match mount.zip(own) {
        Some((mount, own)) => measure("cgroup of its own", Some(&mount.join(own))),
        None => println!("cgroup of its own: not measured, there is no cgroup v2"),
    }
}
