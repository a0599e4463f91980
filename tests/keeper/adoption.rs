use std::fs;
use std::time::Instant;

use pmdaemon::keeper::protocol::{Ending, Order};

use crate::rig::{Rig, Trees, until};

const BOTH: [Trees; 2] = [Trees::Cgroups, Trees::Scanned];

/// Numbered lines as fast as a shell can, until there is a file `stop`.
const COUNTING: &str = "i=0; while [ ! -e stop ]; do echo line $i; i=$((i+1)); done; exit 3";

/// The kernel tells strangers how a process ended since 6.15.
fn is_right_or_unknown(end: Ending, right: Ending) -> bool {
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).filter_map(|number| number.parse::<u32>().ok());
    let tells = (numbers.next(), numbers.next()) >= (Some(6), Some(15));
    end == right || !tells && end == Ending::Unknown
}

#[test]
fn services_and_their_logs_go_on_while_keepers_die() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let (run, pid) = rig.start(COUNTING);
        for _ in 0..8 {
            let before = rig.out().len();
            until("more is written", || rig.out().len() > before + 10_000);
            rig.kill_keeper();
            let runs = rig.next_keeper();
            assert_eq!(runs.len(), 1);
            assert_eq!(runs[0].spawned.unwrap().0, pid);
            assert_eq!(runs[0].ended, None);
        }
        fs::write(rig.path("stop"), "").unwrap();
        let end = rig.ended(run);
        assert!(is_right_or_unknown(end, Ending::Code(3)), "{end:?}");
        let out = String::from_utf8(rig.out()).unwrap();
        for (i, line) in out.lines().enumerate() {
            assert_eq!(line, format!("line {i}"));
        }
        assert!(out.ends_with('\n'));
        rig.order(Order::Forget { run });
        until("nothing is left", || rig.run_dir().is_empty() && rig.leaves().is_empty());
    }
}

#[test]
fn the_end_of_an_adopted_run_is_seen_and_never_taken_for_a_success() {
    for (script, right) in [("exit 3", Ending::Code(3)), ("kill -9 $$", Ending::Signal(9))] {
        let mut rig = Rig::new();
        let run = rig.start(&format!("while [ ! -e stop ]; do sleep 0.01; done; {script}")).0;
        rig.kill_keeper();
        rig.next_keeper();
        let stopped = Instant::now();
        fs::write(rig.path("stop"), "").unwrap();
        let end = rig.ended(run);
        assert!(is_right_or_unknown(end, right), "{end:?}");
        // Not by giving up the wait for it, which takes 5 s.
        assert!(end == Ending::Unknown || stopped.elapsed().as_secs() < 4);
    }
}

#[test]
fn a_tree_of_an_earlier_keeper_can_be_signalled_and_killed() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let (run, _) =
            rig.start("setsid sleep 1000 & trap 'echo got' USR1; echo ready; while :; do sleep 0.01; done");
        until("it is ready", || rig.out() == b"ready\n");
        rig.kill_keeper();
        rig.next_keeper();
        rig.order(Order::Signal { run, signal: 10, tree: false });
        until("it got the signal", || rig.out() == b"ready\ngot\n");
        rig.order(Order::KillTree { run });
        let end = rig.ended(run);
        assert!(is_right_or_unknown(end, Ending::Signal(9)), "{end:?}");
        assert!(rig.alive().is_empty());
    }
}

#[test]
fn what_ended_while_no_keeper_was_there_is_unknown_and_kept_until_it_is_forgotten() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let (run, _) = rig.start("while [ ! -e stop ]; do sleep 0.01; done; exit 0");
        rig.kill_keeper();
        fs::write(rig.path("stop"), "").unwrap();
        until("it is gone", || rig.alive().is_empty());
        // It may still be a zombie, of which the end is known.
        let runs = rig.next_keeper();
        match runs[0].ended {
            Some((end, _)) => assert_eq!((end, runs[0].tree_empty), (Ending::Unknown, true)),
            None => assert!(is_right_or_unknown(rig.ended(run), Ending::Code(0))),
        }
        rig.order(Order::Forget { run });
        until("nothing is left", || rig.run_dir().is_empty() && rig.leaves().is_empty());
    }
}

#[test]
fn an_end_that_one_keeper_saw_is_known_to_the_next() {
    let mut rig = Rig::new();
    let run = rig.start("exit 42").0;
    assert_eq!(rig.ended(run), Ending::Code(42));
    rig.kill_keeper();
    let runs = rig.next_keeper();
    assert_eq!(runs[0].ended.unwrap().0, Ending::Code(42));
    assert!(runs[0].tree_empty);
}

#[test]
fn the_rest_of_a_tree_is_found_by_the_next_keeper() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let run = rig.start("setsid sleep 1000 & exit 1").0;
        assert_eq!(rig.exited(run), (Ending::Code(1), false));
        rig.kill_keeper();
        let runs = rig.next_keeper();
        assert!(!runs[0].tree_empty, "{trees:?}");
        rig.order(Order::KillTree { run });
        rig.tree_gone(run);
        assert!(rig.alive().is_empty());
    }
}

#[test]
fn a_run_whose_number_was_not_written_down_is_found_by_its_mark() {
    let mut rig = Rig::new();
    let (run, pid) = rig.start("sleep 1000 & wait");
    rig.kill_keeper();
    let (path, mut record) = rig.record(run);
    record["main"] = serde_json::Value::Null;
    fs::write(&path, record.to_string()).unwrap();
    let runs = rig.next_keeper();
    assert_eq!(runs[0].spawned.unwrap().0, pid);
}

#[test]
fn records_of_another_boot_and_records_without_a_run_are_removed() {
    let mut rig = Rig::new();
    let (run, _) = rig.start("sleep 1000");
    rig.kill_keeper();
    let path = |name: &str| rig.home().run_dir().join(name);
    let (own, mut record) = rig.record(run);
    record["main"] = serde_json::Value::Null;
    record["leaf"] = serde_json::Value::Null;
    record["run"] = 77.into();
    fs::write(path("77.json"), record.to_string()).unwrap();
    record["run"] = 78.into();
    record["boot"] = "another".into();
    fs::write(path("78.json"), record.to_string()).unwrap();
    fs::write(path("79.json"), "not a record").unwrap();
    for stray in ["78.out", "80.out", "81.tmp"] {
        fs::write(path(stray), "").unwrap();
    }
    let runs = rig.next_keeper();
    assert_eq!(runs.iter().map(|report| report.run).collect::<Vec<_>>(), [run]);
    let set = own.file_stem().unwrap().to_str().unwrap();
    let only_its_files = || rig.run_dir().iter().all(|name| name.starts_with(&format!("{set}.")));
    until("the files of others are removed", only_its_files);
}
