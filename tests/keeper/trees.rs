use pmdaemon::keeper::protocol::{Ending, Order};

use crate::rig::{Rig, Trees, is_alive, until};

/// Children in every position in which they can hide: a session of their own, adopted by the
/// keeper, deaf to TERM, forking, and without the environment.
const HIDING: &str = "
    setsid sleep 1000 &
    (setsid sh -c 'trap \"\" TERM; sleep 1000 & wait' &)
    sh -c 'sleep 1000 & exit 0'
    (sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' &)
    (env -i PMDAEMON_RIG=$PMDAEMON_RIG PATH=$PATH setsid sleep 1000 &)
    echo ready
";

const BOTH: [Trees; 2] = [Trees::Cgroups, Trees::Scanned];

fn ready(rig: &Rig) {
    until("the tree is there", || rig.out().ends_with(b"ready\n") && rig.alive().len() >= 7);
}

#[test]
fn nobody_in_a_tree_survives_its_killing() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let run = rig.start(&format!("{HIDING} sleep 1000")).0;
        ready(&rig);
        rig.order(Order::KillTree { run });
        assert_eq!(rig.ended(run), Ending::Signal(9), "{trees:?}");
        assert!(rig.alive().is_empty(), "{trees:?}");
    }
}

#[test]
fn what_a_main_process_leaves_behind_is_reported_and_can_be_killed() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let run = rig.start(&format!("{HIDING} sleep 0.3; exit 3")).0;
        assert_eq!(rig.exited(run), (Ending::Code(3), false), "{trees:?}");
        rig.order(Order::KillTree { run });
        rig.tree_gone(run);
        assert!(rig.alive().is_empty(), "{trees:?}");
    }
}

#[test]
fn a_tree_that_ends_by_itself_is_reported() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let go = rig.path("go");
        let run = rig.start("(while [ ! -e go ]; do sleep 0.01; done; echo last words) & exit 0").0;
        assert_eq!(rig.exited(run), (Ending::Code(0), false), "{trees:?}");
        std::fs::write(go, "").unwrap();
        rig.tree_gone(run);
        assert_eq!(rig.out(), b"last words\n", "{trees:?}");
    }
}

#[test]
fn a_signal_to_the_tree_reaches_every_member_and_one_to_the_main_process_only_that() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let member = r#"trap "echo $0 >> got; exit" USR1; while :; do sleep 0.01; done"#;
        let script = format!(
            "setsid sh -c '{member}' child & trap 'echo main >> got' USR1; echo ready; \
                              while :; do sleep 0.01; done"
        );
        let (run, pid) = rig.start(&script);
        until("both are there", || rig.out() == b"ready\n" && rig.alive().len() >= 2);
        let got = rig.path("got");
        let words = move || {
            let text = std::fs::read_to_string(&got).unwrap_or_default();
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        rig.order(Order::Signal { run, signal: 10, tree: false });
        until("main got it", || words() == ["main"]);
        rig.order(Order::Signal { run, signal: 10, tree: true });
        until("both got it", || words() == ["child", "main", "main"]);
        assert!(is_alive(pid));
    }
}

#[test]
fn killing_one_tree_leaves_the_others_alone() {
    for trees in BOTH {
        let mut rig = Rig::with(trees);
        let (first, _) = rig.start("sleep 1000 & wait");
        let (_, other) = rig.start("exec sleep 1000");
        rig.order(Order::KillTree { run: first });
        assert_eq!(rig.ended(first), Ending::Signal(9));
        assert!(is_alive(other), "{trees:?}");
    }
}
