//! What the keeper costs in memory that is its own: at the start, with 100 and with 500 runs.
//!
//! `cargo bench --bench keeper_memory`

#[allow(dead_code)]
#[path = "../keeper/rig.rs"]
mod rig;

use std::time::Instant;

use pmdaemon::keeper::protocol::Order;
use rig::Rig;

fn main() {
    let mut rig = Rig::new();
    println!(
        "{:>5} runs: {:>6} kB private dirty, {:>6} descriptors",
        0,
        private_dirty(&rig),
        descriptors(&rig)
    );
    let mut there = 0;
    for goal in [100, 500] {
        let began = Instant::now();
        let count = goal - there;
        let mut runs = Vec::new();
        for _ in 0..count {
            let launch = rig.program("/bin/sleep", &["1000"]);
            runs.push(launch.run);
            rig.order(Order::Launch(Box::new(launch)));
        }
        for run in runs {
            rig.spawned(run);
        }
        let each = began.elapsed() / count;
        there = goal;
        println!(
            "{there:>5} runs: {:>6} kB private dirty, {:>6} descriptors, {each:?} per launch",
            private_dirty(&rig),
            descriptors(&rig)
        );
    }
}

fn private_dirty(rig: &Rig) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", rig.keeper_pid())).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors(rig: &Rig) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", rig.keeper_pid())).unwrap().count()
}
