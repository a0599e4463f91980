//! What `set`, `unset` and `rollback` do to what runs: it is replaced one after the other where that
//! interrupts nobody, and who runs by the right version already is left alone.

use serde_json::json;

use super::balance::start as start_balanced;
use super::shared_port::{self, Load, NODE, free_port, pids};
use crate::support::{Home, SOON, fixture, wait_until};

/// Answers, unless it is told to fail.
fn may_fail() -> String {
    format!("if (process.env.BAD) {{ console.error('bad indeed'); process.exit(3); }}\n{NODE}")
}

/// Changes variables and goes back under load: everybody is replaced each time, and no request fails.
/// Then a variable that the program does not bear.
fn changes_without_a_failure(home: &Home, front: u16) {
    let load = Load::three_kinds(front, 2);
    load.more(30);
    for line in [&["set", "web:LEVEL", "two"][..], &["unset", "web:LEVEL"], &["rollback", "web"]] {
        let before = pids(home);
        let ran = home.run(line);
        assert_eq!(ran.code, 0, "{ran:?}");
        let after = pids(home);
        assert!(after.is_disjoint(&before) && after.len() == before.len(), "{line:?}: {before:?} {after:?}");
        load.more(30);
    }
    let before = pids(home);
    let ran = home.run(&["set", "web:BAD", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in
        ["the reload ended at web-0", "exit code 3", "the definition of before is back", "bad indeed"]
    {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    assert_eq!(pids(home), before, "what ran goes on");
    home.run(&["get", "web:BAD"]).refused(1, &["no variable BAD"]);
    load.more(30);
    load.end().is_clean();
}

/// A definition that the second process does not bear: the first, which runs by it already, goes back.
#[test]
fn k5_who_was_replaced_before_the_reload_failed_is_taken_back_with_the_definition() {
    let home = Home::new();
    let port = free_port();
    let bad = "process.env.BAD && process.env.NODE_APP_INSTANCE === '1'";
    let script = format!("if ({bad}) {{ console.error('bad indeed'); process.exit(3); }}\n{NODE}");
    shared_port::start(&home, &home.file("app.js", &script), "web", 2, port, &["--listen-mode", "shared"]);
    let before = [home.pid("web-0"), home.pid("web-1")];
    let load = Load::three_kinds(port, 2);
    load.more(10);
    let ran = home.run(&["set", "web:BAD", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in [
        "the reload ended at web-1",
        "exit code 3",
        "replaced before, and taken back again: web-0",
        "the definition of before is back",
        "bad indeed",
    ] {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    load.more(10);
    load.end().is_clean();
    assert_eq!(home.pid("web-1"), before[1], "it was never replaced");
    let again = home.pid("web-0");
    assert_ne!(again, before[0]);
    let environment = std::fs::read(format!("/proc/{again}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("BAD="), "it runs as before");
    let plan = home.ok(&["info", "web"]);
    assert!(!plan.contains("BAD"), "{plan}");
    // What was not to bring another definition has nothing to go back to.
    let script = script.replace("process.env.BAD", "true");
    home.file("app.js", &script);
    let ran = home.run(&["reload", "web"]);
    assert!(ran.code == 1 && ran.err.contains("replaced before, and left so: web-0"), "{ran:?}");
}

#[test]
fn variables_and_rollbacks_of_processes_that_share_a_port_interrupt_nobody() {
    let home = Home::new();
    let port = free_port();
    let more = ["--listen-mode", "shared", "--env", "LEVEL=one"];
    shared_port::start(&home, &home.file("app.js", &may_fail()), "web", 2, port, &more);
    changes_without_a_failure(&home, port);
}

#[test]
fn variables_and_rollbacks_behind_a_balancer_interrupt_nobody() {
    let home = Home::new();
    let front = start_balanced(&home, &may_fail(), 2, &["--env", "LEVEL=one"]);
    changes_without_a_failure(&home, front);
}

#[test]
fn who_runs_by_the_version_that_is_gone_back_to_is_left_alone() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2", "--env", "LEVEL=one"]);
    let api = home.api();
    api.post("/api/v1/apps/web/env?then=keep", &json!({"set": {"LEVEL": "two"}}));
    home.ok(&["restart", "web-1"]);
    let before = [home.pid("web-0"), home.pid("web-1")];
    let told = home.ok(&["rollback", "web"]);
    assert!(told.contains("web-0 (id 0) is online and goes on."), "{told}");
    assert!(told.contains("web-1 (id 1) is online by it."), "{told}");
    wait_until("the other runs anew", SOON, || home.process("web-1")["status"] == "online");
    assert_eq!(home.pid("web-0"), before[0]);
    assert_ne!(home.pid("web-1"), before[1]);
    assert_eq!(home.process("web-0")["restarts"], 0);
    // What is no matter of a run ends none.
    let patch = api.request("PATCH", "/api/v1/apps/web?then=keep").json(&json!({"kill_timeout_ms": 2000}));
    assert_eq!(api.send(patch).status, 200);
    let before = [home.pid("web-0"), home.pid("web-1")];
    home.ok(&["rollback", "web"]);
    assert_eq!([home.pid("web-0"), home.pid("web-1")], before);
}
