//! Words of PM2 that mean the same here (rows J2 and J22).

use std::time::Duration;

use serde_json::json;

use crate::support::{Home, SOON, wait_until};

#[test]
fn j2_the_words_of_pm2_are_understood() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let line = "start app.js -n web -i 2 --max-memory-restart 200M -k 1600 --restart-delay 100 --no-autorestart \
                --stop-exit-codes 0 3 --filter-env SECRET --node-args=--trace-warnings --namespace blue --env A=1 \
                --no-vizion --no-pmx -f";
    let args: Vec<&str> = line.split_whitespace().collect();
    let ran = home.run(&args);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("Without effect in pmdaemon: --no-pmx --no-vizion."), "{ran:?}");
    let app = home.json(&["info", "web", "--json"]);
    for (member, value) in [
        ("instances", json!(2)),
        ("max_memory_bytes", json!(200 << 20)),
        ("kill_timeout_ms", json!(1600)),
        ("restart_delay_ms", json!(100)),
        ("autorestart", json!(false)),
        ("stop_exit_codes", json!([0, 3])),
        ("namespace", json!("blue")),
        ("interpreter_args", json!(["--trace-warnings"])),
    ] {
        assert_eq!(app[member], value, "{member}: {app}");
    }
    // Once more with -f: another definition, and a restart.
    let before = home.pid("web-0");
    home.ok(&["start", "app.js", "--name", "web", "--namespace", "blue", "-f", "--kill-timeout", "300"]);
    assert_eq!(home.json(&["info", "web", "--json"])["kill_timeout_ms"], 300);
    assert_ne!(home.pid("web-0"), before);
    home.ok(&["start", "app.js", "-n", "later", "--no-autostart"]);
    assert_eq!(home.process("later")["status"], "stopped");
    if nix::unistd::geteuid().is_root() {
        home.ok(&["start", "sleep", "-n", "nobody", "--cwd", "/", "-u", "nobody", "--", "1000"]);
        assert_eq!(home.json(&["info", "nobody", "--json"])["user"], "nobody");
    }
}

#[test]
fn j2_a_port_after_p_is_refused_with_the_option_that_is_meant() {
    let home = Home::new();
    home.run(&["start", "app.js", "-p", "3000"]).refused(1, &["--port 3000"]);
    home.run(&["start", "app.js", "--pid", "/run/app.pid"]).refused(1, &["no pid file is written"]);
    assert!(!home.path().exists(), "no daemon was started for that");
}

#[test]
fn j22_a_back_off_grows_by_half_and_still_ends_in_errored() {
    let home = Home::new();
    let script = home.file("crash.sh", "date +%s%N >> times\nexit 1\n");
    let options = ["--exp-backoff-restart-delay", "200", "--max-restarts", "4"];
    home.run(&[&["start", &script, "--name", "crash"], options.as_slice()].concat()).started_but("crash");
    wait_until("it is given up", SOON, || home.process("crash")["status"] == "errored");
    let times = std::fs::read_to_string(home.work().join("times")).unwrap();
    let times: Vec<u64> = times.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(times.len(), 4, "{times:?}");
    for (pair, least) in times.windows(2).zip([200, 300, 450]) {
        let gap = Duration::from_nanos(pair[1] - pair[0]);
        assert!(gap >= Duration::from_millis(least), "{gap:?} is less than {least} ms: {times:?}");
    }
    assert!(home.ok(&["info", "crash"]).contains("growing from 200ms, at most 15s"));
    let two = ["--exp-backoff-restart-delay", "1s", "--restart-delay", "1s"];
    assert_eq!(home.run(&[&["start", &script], two.as_slice()].concat()).code, 2);
    home.run(&["start", &script, "--exp-backoff-restart-delay", "16s"]).refused(1, &["15000"]);
}
