use nix::sys::signal::Signal;
use pmdaemon::keeper::protocol::{Ending, Order, Report};

use crate::rig::{Rig, Trees, is_alive, until};

#[test]
fn an_exit_code_is_reported_as_it_is() {
    let mut rig = Rig::new();
    for code in [0, 1, 75, 255] {
        let run = rig.start(&format!("exit {code}")).0;
        assert_eq!(rig.ended(run), Ending::Code(code));
    }
}

#[test]
fn an_end_by_signal_is_reported_with_its_number() {
    let mut rig = Rig::new();
    let run = rig.start("kill -SEGV $$").0;
    assert_eq!(rig.ended(run), Ending::Signal(11));
    let run = rig.start("sleep 1000").0;
    rig.order(Order::Signal { run, signal: 15, tree: false });
    assert_eq!(rig.exited(run).0, Ending::Signal(15));
}

#[test]
fn a_signal_to_a_run_that_is_over_or_unknown_does_nothing() {
    let mut rig = Rig::new();
    let run = rig.start("exit 3").0;
    assert_eq!(rig.ended(run), Ending::Code(3));
    for run in [run, 999] {
        rig.order(Order::Signal { run, signal: 9, tree: true });
        rig.order(Order::KillTree { run });
        rig.order(Order::Forget { run });
    }
    let run = rig.start("exit 4").0;
    assert_eq!(rig.ended(run), Ending::Code(4));
}

#[test]
fn nothing_is_left_of_a_run_that_is_forgotten() {
    for trees in [Trees::Cgroups, Trees::Scanned] {
        let mut rig = Rig::with(trees);
        let run = rig.start("echo x").0;
        assert_eq!(rig.ended(run), Ending::Code(0));
        assert!(!rig.run_dir().is_empty());
        rig.order(Order::Forget { run });
        until("it is forgotten", || rig.run_dir().is_empty() && rig.leaves().is_empty());
    }
}

#[test]
fn a_run_that_is_forgotten_before_its_tree_is_gone_goes_with_the_tree() {
    let mut rig = Rig::new();
    let run = rig.start("sleep 1000 & exit 0").0;
    assert_eq!(rig.exited(run), (Ending::Code(0), false));
    rig.order(Order::Forget { run });
    rig.order(Order::KillTree { run });
    until("it is gone", || rig.run_dir().is_empty() && rig.leaves().is_empty() && rig.alive().is_empty());
}

#[test]
fn many_runs_at_once_all_report_how_they_ended() {
    let mut rig = Rig::new();
    let runs: Vec<_> = (0..40)
        .map(|code| {
            let launch = rig.script(&format!("exit {code}"));
            let run = launch.run;
            rig.order(Order::Launch(Box::new(launch)));
            (run, code)
        })
        .collect();
    for (run, code) in runs {
        assert_eq!(rig.ended(run), Ending::Code(code));
    }
}

#[test]
fn an_order_to_quit_ends_the_keeper_and_leaves_what_runs() {
    let mut rig = Rig::new();
    let pid = rig.start("exec sleep 1000").1;
    rig.order(Order::Quit);
    assert_eq!(rig.keeper_ended(), Some(0));
    assert!(is_alive(pid));
}

#[test]
fn a_termination_signal_is_passed_on_to_the_daemon() {
    let mut rig = Rig::new();
    rig.signal_keeper(Signal::SIGHUP);
    rig.signal_keeper(Signal::SIGTERM);
    let signal = rig.wait_for(|report| match report {
        Report::QuitAsked { signal } => Some(*signal),
        _ => None,
    });
    assert_eq!(signal, 15);
    let run = rig.start("exit 5").0;
    assert_eq!(rig.ended(run), Ending::Code(5));
}

#[test]
fn without_a_daemon_a_termination_signal_ends_every_service_and_the_keeper() {
    for trees in [Trees::Cgroups, Trees::Scanned] {
        let mut rig = Rig::with(trees);
        rig.start("echo out; setsid sleep 1000 & sleep 1000");
        until("both are there", || rig.alive().len() >= 3 && rig.out() == b"out\n");
        rig.drop_line();
        // The keeper must have noticed that the line is gone before it is asked.
        until("the line is closed", || {
            let line = std::fs::read_link(format!("/proc/{}/fd/3", rig.keeper_pid()));
            !line.is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
        });
        rig.signal_keeper(Signal::SIGINT);
        assert_eq!(rig.keeper_ended(), Some(0));
        assert!(rig.alive().is_empty());
    }
}
