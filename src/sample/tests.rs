//! Against real processes.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::time::{ClockId, clock_gettime};

use super::*;

/// A shell script in a session of its own. Everything in that session ends with the test.
struct Tree(Child);

impl Tree {
    fn of(script: &str) -> Tree {
        let child = Command::new("setsid")
            .args(["sh", "-c", script])
            .stdin(Stdio::null())
            .spawn()
            .expect("setsid and sh are installed");
        let tree = Tree(child);
        wait_for("the shell to be there", || ["sh", "sleep"].contains(&tree.comm().as_str()).then_some(()));
        tree
    }

    fn pid(&self) -> Pid {
        Pid(self.0.id() as i32)
    }

    fn comm(&self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.pid())).unwrap_or_default().trim().into()
    }

    fn root(&self, run: u64) -> Root {
        Root { run: RunId(run), pid: self.pid() }
    }

    fn kill(&mut self) {
        let _ = killpg(nix::unistd::Pid::from_raw(self.pid().0), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}

fn now() -> Moment {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap();
    Moment(time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1000)
}

#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match look() {
            Some(found) => return found,
            None if Instant::now() > deadline => panic!("waited 60 s for {what}"),
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn resident(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Holds about 30 MB in the shell that runs it.
const HOLD: &str = "x=$(head -c 30000000 /dev/zero | tr '\\0' a)";

/// CPU time of a process so far, as the kernel says it: of the clock that counts it, in nanoseconds and
/// not in ticks.
fn cpu_time(pid: Pid) -> Duration {
    let clock = ClockId::pid_cpu_clock_id(nix::unistd::Pid::from_raw(pid.0)).unwrap();
    clock_gettime(clock).unwrap().into()
}

/// However much of a core the host gives it.
#[test]
fn the_percentage_of_a_busy_loop_is_what_the_kernel_gave_it() {
    let tree = Tree::of("while :; do :; done");
    let mut sampler = Sampler::new();
    let mut sample = || {
        let (before, now) = (cpu_time(tree.pid()), now());
        let usage = sampler.sample(&[tree.root(1)], now)[&RunId(1)];
        // It goes on while we look: what was seen lies between these.
        (now, before, cpu_time(tree.pid()), usage)
    };
    let (begun, least_then, most_then, _) = sample();
    let used_enough = least_then + Duration::from_secs(1);
    wait_for("a second of CPU", || (cpu_time(tree.pid()) > used_enough).then_some(()));
    let (ended, least_now, most_now, usage) = sample();
    let span = ended.since(begun).as_secs_f64();
    let percent = |used: Duration| 100.0 * used.as_secs_f64() / span;
    // /proc shows it in ticks of 10 ms, each of both times cut off, and a tick late for who runs.
    let cut = Duration::from_millis(40);
    let least = percent((least_now - most_then).saturating_sub(cut));
    let most = percent(most_now - least_then + cut);
    assert!((least..=most).contains(&usage.cpu_percent), "{least} to {most}: {usage:?}");
    assert_eq!((usage.processes, usage.threads), (1, 1));
    let told = usage.cpu_time.total();
    assert!(told + cut >= least_now && told <= most_now, "{least_now:?} to {most_now:?}: {told:?}");
    assert!(usage.cpu_time.user > usage.cpu_time.system, "it computes: {usage:?}");
}

#[test]
fn an_idle_process_uses_next_to_nothing() {
    let tree = Tree::of("exec sleep 1000");
    let mut sampler = Sampler::new();
    sampler.sample(&[tree.root(1)], now());
    wait_for("less than 5 % over half a second", || {
        std::thread::sleep(Duration::from_millis(500));
        (sampler.sample(&[tree.root(1)], now())[&RunId(1)].cpu_percent < 5.0).then_some(())
    });
}

#[test]
fn memory_is_what_the_kernel_says() {
    let tree = Tree::of(&format!("{HOLD}; exec 0>&-; while :; do sleep 1000; done"));
    let mut sampler = Sampler::new();
    wait_for("30 MB and a sleeping child", || {
        let usage = *sampler.sample(&[tree.root(1)], now()).get(&RunId(1))?;
        (usage.memory_bytes > 30_000_000 && usage.processes == 2).then_some(())
    });
    let usage = sampler.sample(&[tree.root(1)], now())[&RunId(1)];
    let told = resident(tree.pid());
    let ratio = usage.memory_bytes as f64 / told as f64;
    assert!((0.8..1.2).contains(&ratio), "{usage:?}, VmRSS {told}");
}

#[test]
fn what_a_child_allocates_counts_for_the_parent() {
    let tree = Tree::of(&format!("({HOLD}; while :; do sleep 1000; done) & wait"));
    let mut sampler = Sampler::new();
    let usage = wait_for("the child's 30 MB in the parent's tree", || {
        let usage = *sampler.sample(&[tree.root(1)], now()).get(&RunId(1))?;
        (usage.memory_bytes > 30_000_000 && usage.processes == 3).then_some(usage)
    });
    assert_eq!(usage.threads, 3);
    assert!(resident(tree.pid()) < 15_000_000, "the parent itself is small");
}

#[test]
fn an_orphan_counts_while_it_stays_in_the_session() {
    let tree = Tree::of("(sleep 1000 &); exec sleep 1000");
    let mut sampler = Sampler::new();
    wait_for("both sleeps", || {
        (sampler.sample(&[tree.root(1)], now()).get(&RunId(1))?.processes == 2).then_some(())
    });
}

/// A shim, `env` or `nice` executes one program after the other: that it had no mark once says nothing.
#[test]
fn who_left_counts_also_if_the_main_process_was_seen_without_its_mark_at_first() {
    let mark = format!("test-{}", std::process::id());
    let left = "setsid --fork sh -c 'exec sleep 1000' && exec sleep 1001";
    let tree = Tree::of(&format!("kill -STOP $$; PMDAEMON_RUN={mark} exec sh -c \"{left}\""));
    let mut sampler = Sampler::new();
    wait_for("the shell to be stopped", || {
        let status = fs::read_to_string(format!("/proc/{}/stat", tree.pid())).unwrap();
        status.contains(") T ").then_some(())
    });
    assert_eq!(sampler.sample(&[tree.root(1)], now())[&RunId(1)].processes, 1);
    killpg(nix::unistd::Pid::from_raw(tree.pid().0), Signal::SIGCONT).unwrap();
    wait_for("both", || (sampler.sample(&[tree.root(1)], now())[&RunId(1)].processes == 2).then_some(()));
    let carriers = sampler.marks.carriers();
    let left = carriers[mark.as_bytes()].iter().find(|pid| **pid != tree.pid());
    let left = nix::unistd::Pid::from_raw(left.expect("it was counted").0);
    nix::sys::signal::kill(left, Signal::SIGKILL).unwrap();
}

#[test]
fn a_process_that_is_gone_has_no_entry() {
    let mut tree = Tree::of("exec sleep 1000");
    let stays = Tree::of("exec sleep 1000");
    let mut sampler = Sampler::new();
    let roots = [tree.root(1), stays.root(2)];
    assert_eq!(sampler.sample(&roots, now()).len(), 2);
    tree.kill();
    let left = sampler.sample(&roots, now());
    assert_eq!(left.keys().collect::<Vec<_>>(), [&RunId(2)]);
}

#[test]
fn a_zombie_has_no_entry() {
    let mut tree = Tree::of("exec sleep 1000");
    let mut sampler = Sampler::new();
    assert_eq!(sampler.sample(&[tree.root(1)], now()).len(), 1);
    tree.0.kill().unwrap();
    wait_for("nothing but a zombie", || sampler.sample(&[tree.root(1)], now()).is_empty().then_some(()));
}

#[test]
fn another_process_with_the_same_number_is_not_the_run() {
    let tree = Tree::of("exec sleep 1000");
    let mut sampler = Sampler::new();
    assert_eq!(sampler.sample(&[tree.root(1)], now()).len(), 1);
    // As if the run had been an earlier process with that number.
    sampler.runs.get_mut(&RunId(1)).unwrap().started -= 1;
    assert!(sampler.sample(&[tree.root(1)], now()).is_empty());
}

#[test]
fn a_kept_descriptor_never_speaks_of_a_later_process() {
    let mut tree = Tree::of("exec sleep 1000");
    let mut stats = Stats::new();
    let pid = tree.pid();
    assert_eq!(stats.read(pid).unwrap().pid, pid);
    assert_eq!(stats.kept(), 1);
    tree.kill();
    assert!(stats.read(pid).is_none_or(|later| later.started > 0 && later.session != pid));
}

#[test]
fn what_is_not_asked_for_is_forgotten() {
    let tree = Tree::of("exec sleep 1000");
    let mut sampler = Sampler::new();
    sampler.sample(&[tree.root(1)], now());
    assert_eq!((sampler.runs.len(), sampler.stats.kept()), (1, 1));
    sampler.sample(&[], now());
    assert_eq!((sampler.runs.len(), sampler.stats.kept()), (0, 0));
}

/// A leaf as the keeper makes them, or `None` where this user may not make one.
struct TestLeaf(PathBuf);

impl TestLeaf {
    fn new(run: u64) -> Option<TestLeaf> {
        let mount = leaf::Mount::find()?;
        let name = format!("pmdaemon-{:x}-r{run}", std::process::id());
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::"))?.to_owned();
        let directory = mount.directory(&own)?.join(name);
        match fs::create_dir(&directory) {
            Ok(()) => Some(TestLeaf(directory)),
            Err(e) => {
                eprintln!("not tested: cannot make {}: {e}", directory.display());
                None
            }
        }
    }

    fn tree(&self, script: &str) -> Tree {
        let tree = Tree::of(&format!("echo $$ > {}/cgroup.procs; {script}", self.0.display()));
        wait_for("the shell to be in the cgroup", || {
            fs::read_to_string(format!("/proc/{}/cgroup", tree.pid()))
                .ok()?
                .contains("pmdaemon-")
                .then_some(())
        });
        tree
    }
}

impl Drop for TestLeaf {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        let deadline = Instant::now() + Duration::from_secs(10);
        let _ = fs::remove_dir(self.0.join("below"));
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            let _ = fs::remove_dir(self.0.join("below"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn who_leaves_session_and_parents_still_counts_in_the_cgroup() {
    let Some(leaf) = TestLeaf::new(71) else { return };
    let tree = leaf.tree("setsid sh -c 'sleep 1000 & exec sleep 1000' & sleep 0.3; exec sleep 1000");
    let mut sampler = Sampler::new();
    wait_for("three sleeps", || {
        let usage = *sampler.sample(&[tree.root(71)], now()).get(&RunId(71))?;
        (usage.processes == 3).then_some(())
    });
    assert!(sampler.runs[&RunId(71)].leaf.is_some());
}

#[test]
fn a_thousand_processes_in_one_cgroup_are_all_counted() {
    let Some(leaf) = TestLeaf::new(76) else { return };
    // Their numbers take more than one page.
    let tree = leaf.tree("i=0; while [ $i -lt 1000 ]; do sleep 1000 & i=$((i+1)); done; wait");
    let mut sampler = Sampler::new();
    wait_for("the shell and its thousand children", || {
        (sampler.sample(&[tree.root(76)], now()).get(&RunId(76))?.processes == 1001).then_some(())
    });
}

#[test]
fn cgroups_that_the_app_made_below_count_too() {
    let Some(leaf) = TestLeaf::new(72) else { return };
    let below = leaf.0.join("below");
    fs::create_dir(&below).unwrap();
    let script =
        format!("sh -c 'echo $$ > {}/cgroup.procs; exec sleep 1000' & exec sleep 1000", below.display());
    let tree = leaf.tree(&script);
    wait_for("the child to move down", || {
        (!fs::read_to_string(below.join("cgroup.procs")).ok()?.is_empty()).then_some(())
    });
    let usage = Sampler::new().sample(&[tree.root(72)], now())[&RunId(72)];
    assert_eq!(usage.processes, 2);
}

#[test]
fn children_that_come_and_go_count_in_the_cgroup() {
    let Some(leaf) = TestLeaf::new(73) else { return };
    // Their parent does not wait for them, so no process shows their time afterwards.
    let tree = leaf
        .tree("while :; do (sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done' &); sleep 0.1; done");
    let mut sampler = Sampler::new();
    sampler.sample(&[tree.root(73)], now());
    wait_for("10 % at least", || {
        std::thread::sleep(Duration::from_millis(400));
        (sampler.sample(&[tree.root(73)], now()).get(&RunId(73))?.cpu_percent > 10.0).then_some(())
    });
}

#[test]
fn a_number_in_the_cgroup_of_another_run_is_not_this_run() {
    let Some(leaf) = TestLeaf::new(74) else { return };
    let tree = leaf.tree("exec sleep 1000");
    let usages = Sampler::new().sample(&[tree.root(75), tree.root(74)], now());
    assert_eq!(usages.keys().collect::<Vec<_>>(), [&RunId(74)]);
}

#[test]
fn the_host_shows_its_figures() {
    let mut sampler = HostSampler::new().unwrap();
    let host = sampler.sample().unwrap();
    assert_eq!(host.hostname, nix::unistd::gethostname().unwrap().to_str().unwrap());
    assert!(host.cpus >= 1);
    assert!(host.memory_used_bytes > 0 && host.memory_used_bytes < host.memory_total_bytes, "{host:?}");
    let told = fs::read_to_string("/proc/meminfo").unwrap();
    let total = told.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(host.memory_total_bytes, total * 1024);
    assert!(host.load_average.iter().all(|load| *load >= 0.0 && load.is_finite()));
    assert!(now().0.abs_diff(host.uptime.as_micros() as u64) < 5_000_000, "{host:?}");
}

#[test]
fn a_busy_core_shows_in_the_host() {
    let _tree = Tree::of("while :; do :; done");
    let mut sampler = HostSampler::new().unwrap();
    wait_for("half a core's share", || {
        std::thread::sleep(Duration::from_millis(300));
        let host = sampler.sample().unwrap();
        assert!((0.0..=100.5).contains(&host.cpu_percent), "{host:?}");
        (host.cpu_percent > 50.0 / f64::from(host.cpus)).then_some(())
    });
}
