//! Many terminals that run the first command at the same instant.

use std::sync::Barrier;

use crate::support::{Home, fixture};

const ROUNDS: usize = 20;
const TERMINALS: usize = 4;

#[test]
fn first_commands_at_the_same_instant_start_one_keeper_and_one_daemon() {
    for round in 0..ROUNDS {
        let home = Home::new();
        let script = fixture("loop.sh");
        let barrier = Barrier::new(TERMINALS);
        std::thread::scope(|scope| {
            for terminal in 0..TERMINALS {
                let (home, script, barrier) = (&home, &script, &barrier);
                scope.spawn(move || {
                    let name = format!("app{terminal}");
                    barrier.wait();
                    let ran = home.run(&["start", script, "--name", &name]);
                    assert_eq!(ran.code, 0, "round {round}: {ran:?}");
                });
            }
        });
        let mut names: Vec<String> =
            home.processes().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["app0", "app1", "app2", "app3"], "round {round}");
        let (keeper, daemon) = home.keeper_and_daemon();
        assert_eq!(home.living_as("pmdaemon keeper --detached"), [keeper], "round {round}");
        assert_eq!(home.living_as("pmdaemon daemon"), [daemon], "round {round}");
        assert_eq!(home.living_as("loop.sh").len(), TERMINALS, "round {round}");
    }
}

#[test]
fn the_same_name_from_two_terminals_is_defined_once() {
    let home = Home::new();
    let script = fixture("loop.sh");
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let start = || home.run(&["start", &script, "--name", "web"]).code;
        let all = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(home.processes().len(), 1);
    assert_eq!(home.living_as("loop.sh").len(), 1);
}
