//! Where output goes (acceptance rows A5, D7, J23).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::disk::closed;
use crate::support::{Home, SOON, wait_until};

const BOTH: &str = "echo to out $NODE_APP_INSTANCE; sleep 0.1; echo to err >&2; exec sleep 1000\n";

fn holds(path: &std::path::Path, text: &str) {
    let read = || fs::read_to_string(path).unwrap_or_default();
    wait_until(&format!("{text:?} in {}", path.display()), SOON, || read() == text);
}

#[test]
fn a_combined_file_gets_both_in_order_besides_the_separate_ones_and_is_never_deleted() {
    let home = Home::new();
    let script = home.file("both.sh", BOTH);
    home.ok(&["start", &script, "--name", "app", "--log-file", "new/folder/app.log"]);
    let combined = home.work().join("new/folder/app.log");
    let logs = home.path().join("logs");
    holds(&combined, "to out 0\nto err\n");
    holds(&logs.join("app-out.log"), "to out 0\n");
    holds(&logs.join("app-error.log"), "to err\n");
    assert_eq!(fs::metadata(&combined).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(home.ok(&["info", "app"]).contains(combined.to_str().unwrap()));
    // Somebody else rotates it.
    fs::rename(&combined, home.work().join("new/folder/app.log.1")).unwrap();
    home.ok(&["restart", "app"]);
    holds(&combined, "to out 0\nto err\n");
    home.ok(&["delete", "app", "--force"]);
    wait_until("our own files are gone", SOON, || fs::read_dir(&logs).unwrap().next().is_none());
    holds(&combined, "to out 0\nto err\n");
}

#[test]
fn several_processes_have_a_file_each_or_one_together() {
    let home = Home::new();
    let script = home.file("both.sh", BOTH);
    home.ok(&["start", &script, "--name", "each", "-i", "2", "-l", "each.log", "-o", "out.txt"]);
    for instance in 0..2 {
        holds(&home.work().join(format!("each-{instance}.log")), &format!("to out {instance}\nto err\n"));
        holds(&home.work().join(format!("out-{instance}.txt")), &format!("to out {instance}\n"));
    }
    assert!(!home.path().join("logs/each-out-0.log").exists());
    home.ok(&["start", &script, "--name", "every", "-i", "2", "-l", "all.log", "--merge-logs"]);
    let lines = || {
        let text = fs::read_to_string(home.work().join("all.log")).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    wait_until("both write to it", SOON, || lines() == ["to err", "to err", "to out 0", "to out 1"]);
    let own = home.path().join("logs/every-out.log");
    assert_eq!(fs::read_to_string(&own).unwrap().lines().count(), 2);
    home.ok(&["delete", "every-0", "--force"]);
    assert!(own.exists(), "the other one writes to it still");
    home.ok(&["delete", "every", "--force"]);
    wait_until("with the last one it goes", SOON, || !own.exists());
}

#[test]
fn output_can_go_nowhere() {
    let home = Home::new();
    let script = home.file("both.sh", BOTH);
    home.ok(&["start", &script, "--name", "quiet", "--disable-logs"]);
    home.ok(&["start", &script, "--name", "half", "-o", "NULL", "-e", "/dev/null", "-l", "half.log"]);
    holds(&home.work().join("half.log"), "to out 0\nto err\n");
    assert!(fs::read_dir(home.path().join("logs")).unwrap().next().is_none());
    for name in ["quiet", "half"] {
        assert_eq!(home.process(name)["status"], "online");
        assert_eq!(home.run(&["logs", name]).code, 0);
    }
    home.ok(&["flush"]);
    holds(&home.work().join("half.log"), "");
}

#[test]
fn a_deleted_app_takes_all_segments_of_its_own_with_it() {
    let home = Home::new();
    let script = home.file("loud.sh", "seq 20000; exec sleep 1000\n");
    home.ok(&["start", &script, "--name", "app", "--log-max-size", "8K", "-l", "kept.log"]);
    let own = home.path().join("logs/app-out.log");
    wait_until("there are segments", SOON, || closed(&own).len() > 5);
    home.ok(&["delete", "app", "--force"]);
    let left = || {
        fs::read_dir(home.path().join("logs")).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>()
    };
    wait_until("they are gone", SOON, || left().is_empty());
    assert!(closed(&home.work().join("kept.log")).len() > 5);
}

#[test]
fn files_that_cannot_be_logs_are_refused_before_anything_is_there() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    std::os::unix::fs::symlink("/etc/passwd", home.work().join("link")).unwrap();
    let store = home.path().join("store.db");
    home.ok(&["status"]);
    for (option, file, word) in [
        ("-l", ".", "directory"),
        ("-o", "link", "symbolic link"),
        ("-e", "app.sh/x.log", "not a directory"),
        ("-l", store.to_str().unwrap(), "pmdaemon has its own files"),
        ("-l", "/proc/none/x.log", "x.log"),
    ] {
        let ran = home.run(&["start", &script, "--name", "app", option, file]);
        ran.refused(1, &[word]);
        assert!(home.processes().is_empty());
    }
    let answer = home.api().post(
        "/api/v1/apps",
        &serde_json::json!({"script": script, "logs": {"combined_file": "link"}, "cwd": home.work()}),
    );
    let problem = answer.is_problem(422, "invalid_value");
    assert!(problem.to_string().contains("/logs/combined_file"), "{problem}");
}

#[test]
fn how_times_are_shown_is_a_part_of_the_definition() {
    let home = Home::new();
    let script = home.file("both.sh", BOTH);
    home.ok(&["start", &script, "--name", "app", "--log-date-format", "YYYY-MM-DD"]);
    assert_eq!(home.json(&["info", "app", "--json"])["logs"]["date_format"], "YYYY-MM-DD");
    holds(&home.path().join("logs/app-out.log"), "to out 0\n");
    home.ok(&["start", &script, "--name", "app", "--time", "--force"]);
    assert_eq!(home.json(&["info", "app", "--json"])["logs"]["date_format"], "YYYY-MM-DDTHH:mm:ss");
}

#[test]
fn what_runs_on_after_its_log_was_moved_in_the_definition_is_read_where_it_writes() {
    let home = Home::new();
    let script = home.file("count.sh", "n=0\nwhile :; do echo \"line $n\"; n=$((n+1)); sleep 0.05; done\n");
    home.ok(&["start", &script, "--name", "app"]);
    home.wait_for_line("app", "line 1");
    let api = home.api();
    let moved = home.work().join("moved.log");
    let new = serde_json::json!({"script": script, "cwd": home.work(), "logs": {"out_file": moved}});
    let change = || {
        let request = api.request("PUT", "/api/v1/apps/app?then=keep").header("if-match", "*");
        let changed = api.send(request.json(&new));
        assert_eq!(changed.status, 200, "{changed:?}");
    };
    change();
    let before = home.path().join("logs/app-out.log");
    let shown = || home.process("app")["out_log"].as_str().unwrap().to_owned();
    assert_eq!(shown(), before.to_str().unwrap());
    home.wait_for_line("app", "line 10");
    // Also when another run was to replace it, which would have written to the other file.
    let script_of_before = std::fs::read_to_string(&script).unwrap();
    home.file("count.sh", "exit 3\n");
    assert_eq!(home.run(&["reload", "app"]).code, 1);
    assert_eq!(shown(), before.to_str().unwrap());
    home.file("count.sh", &script_of_before);
    // The reload that failed has taken the definition back.
    change();
    // Another daemon knows it from the keeper.
    let (_, daemon) = home.keeper_and_daemon();
    crate::support::proc::kill_hard(daemon);
    crate::support::home::wait_until_gone(&[daemon]);
    assert_eq!(shown(), before.to_str().unwrap());
    home.wait_for_line("app", "line 30");
    assert!(!moved.exists());
    home.ok(&["restart", "app"]);
    assert_eq!(shown(), moved.to_str().unwrap());
    wait_until("its next run writes there", SOON, || moved.exists());
    home.wait_for_line("app", "line 1");
}
