//! `status`.

use crate::support::{Home, fixture, proc};

#[test]
fn status_tells_the_true_pids_of_daemon_and_keeper() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let (keeper, daemon) = home.keeper_and_daemon();
    assert!(proc::command_line(keeper).contains("pmdaemon keeper"));
    assert!(proc::command_line(daemon).ends_with("pmdaemon daemon"));
    assert_eq!(proc::stat(daemon).unwrap().parent, keeper);
    let status = home.json(&["status", "--json"]);
    assert_eq!(status["daemon"]["home"], home.path().to_str().unwrap());
    assert_eq!(status["daemon"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["processes_by_status"], serde_json::json!({"online": 1}));
    let text = home.ok(&["status"]);
    assert!(text.contains(&format!("pid {daemon}")) && text.contains("1 online"), "{text}");
}

#[test]
fn the_first_command_tells_the_address_that_is_really_served() {
    for _ in 0..10 {
        let home = Home::new();
        let ran = home.run(&["list"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.err.contains("no address"), "{ran:?}");
        let told = ran.err.split("http://").nth(1).map(|rest| rest.split_whitespace().next().unwrap());
        if let Some(told) = told {
            assert_eq!(told, home.api().address.to_string());
        }
    }
}
