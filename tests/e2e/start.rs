//! `start`.

use std::time::Duration;

use crate::support::{Home, fixture, proc};

#[test]
fn start_prints_name_id_and_pid_of_what_runs() {
    let home = Home::new();
    home.ok(&["list"]);
    let ran = home.run(&["start", &fixture("server.js"), "--name", "myapp"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let pid = home.pid("myapp");
    assert_eq!(ran.out, format!("Started myapp (id 0, pid {pid}).\n"));
    assert_eq!(ran.err, "", "a daemon that is there is not talked about");
    assert!(proc::command_line(pid).contains("server.js"), "{}", proc::command_line(pid));
    println!("start took {:?}", ran.took);
    assert!(ran.took < Duration::from_secs(3), "{ran:?}");
    home.wait_for_line("myapp", "listening on");
}

#[test]
fn the_first_command_needs_no_set_up() {
    let home = Home::new();
    let ran = home.run(&["start", &fixture("loop.sh")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("Started loop (id 0, pid "), "{ran:?}");
    assert!(ran.err.starts_with("Started the pmdaemon daemon.\n"), "{ran:?}");
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!((mode(""), mode("token"), mode("pmdaemon.sock")), (0o700, 0o600, 0o600));
}

#[test]
fn python_shell_and_node_scripts_run_by_their_extension() {
    let home = Home::new();
    for (file, first) in
        [("server.py", "listening on"), ("loop.sh", "loop started"), ("server.js", "listening on")]
    {
        home.ok(&["start", &fixture(file), "--name", &file.replace('.', "-")]);
        home.wait_for_line(&file.replace('.', "-"), first);
    }
}

#[test]
fn arguments_and_variables_reach_the_app_untouched() {
    let home = Home::new();
    let script = home.file("echo.js", "console.log(JSON.stringify([process.argv.slice(2), process.env.WORD, process.cwd()])); setInterval(() => {}, 1000)");
    let args = ["start", &script, "--env", "WORD=a b=c", "--", "--x", "two words", "$HOME", ""];
    home.ok(&args);
    let work = home.work().canonicalize().unwrap();
    let expected = format!(r#"[["--x","two words","$HOME",""],"a b=c",{:?}]"#, work.to_str().unwrap());
    assert_eq!(home.wait_for_line("echo", "["), expected);
}

#[test]
fn start_of_several_instances_numbers_them() {
    let home = Home::new();
    let out = home.ok(&["start", &fixture("loop.sh"), "--name", "many", "--instances", "3"]);
    assert_eq!(out.lines().count(), 3, "{out}");
    let names: Vec<_> = home.processes().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["many-0", "many-1", "many-2"]);
}

#[test]
fn start_of_an_app_that_runs_changes_nothing() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh")]);
    let pid = home.pid("loop");
    assert_eq!(home.ok(&["start", "loop"]), "loop (id 0) is already online.\n");
    assert_eq!(home.pid("loop"), pid);
}

#[test]
fn json_is_all_that_stdout_gets_also_when_the_daemon_has_to_be_started() {
    let home = Home::new();
    let started = home.json(&["start", &fixture("loop.sh"), "--json"]);
    assert_eq!(started[0]["name"], "loop");
    assert_eq!(started[0]["pid"], home.pid("loop"));
    home.ok(&["kill"]);
    assert_eq!(home.processes()[0]["name"], "loop");
}
