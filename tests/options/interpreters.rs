//! Who runs a script (row A1), and every form in which something can be started.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::home::ran;
use crate::support::{Home, SOON, wait_until};

/// Tells how it was called, and stays.
const JS: &str = "console.log(JSON.stringify([process.execArgv, process.argv.slice(2)]));\n\
                  setInterval(() => {}, 1000);\n";

/// A directory with these commands of this machine, and nothing else.
fn only(home: &Home, commands: &[&str]) -> String {
    let dir = home.mark().join("bin");
    std::fs::create_dir_all(&dir).unwrap();
    for name in commands {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
        let path = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(path.trim(), dir.join(name)).unwrap();
    }
    dir.display().to_string()
}

#[test]
fn a1_every_form_of_start_runs_what_it_says() {
    let home = Home::new();
    home.file("app.js", JS);
    std::fs::create_dir(home.work().join("bin")).unwrap();
    let server = home.file("bin/server", "#!/bin/sh\necho \"server $*\"\nexec sleep 1000\n");
    std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o755)).unwrap();
    home.ok(&["start", "app.js"]);
    home.wait_for_line("app", "[[],[]]");
    home.ok(&["start", "./bin/server", "--", "--flag", "a b"]);
    home.wait_for_line("server", "server --flag a b");
    home.ok(&["start", "node app.js --port 3000", "--name", "line"]);
    home.wait_for_line("line", r#"[[],["--port","3000"]]"#);
    home.ok(&["start", "node app.js --port 3000 && true", "--name", "shell"]);
    home.wait_for_line("shell", r#"[[],["--port","3000"]]"#);
    home.ok(&[
        "start",
        "python3",
        "--name",
        "files",
        "--port",
        "auto:22000-22999",
        "--",
        "-c",
        "print('hi')",
    ]);
    home.wait_for_line("files", "hi");
}

#[test]
fn a1_a_command_that_is_there_under_another_name_only_is_told() {
    let home = Home::new();
    let path = only(&home, &["python3", "sh"]);
    let ran = ran(home.command(&["start", "python", "--", "-m", "http.server"]).env("PATH", &path));
    ran.refused(1, &["no command \"python\" in PATH", "did you mean python3?"]);
}

#[test]
fn a1_arguments_of_the_interpreter_stand_before_the_script() {
    let home = Home::new();
    home.file("app.js", JS);
    let args = ["--interpreter-args", "--trace-warnings --no-deprecation", "--node-args=--trace-exit"];
    home.ok(&[&["start", "app.js"], args.as_slice(), &["--", "x"]].concat());
    home.wait_for_line("app", r#"[["--trace-warnings","--no-deprecation","--trace-exit"],["x"]]"#);
    let info = home.ok(&["info", "app"]);
    assert!(info.contains("--trace-warnings --no-deprecation --trace-exit"), "{info}");
    let pm2 = home.api().get("/api/processes");
    assert_eq!(pm2[0]["pm2_env"]["node_args"][2], "--trace-exit", "{pm2}");
    home.run(&["start", "sleep", "--node-args=-x", "--", "9"]).refused(1, &["no interpreter runs sleep"]);
    home.run(&["start", "app.js", "--name", "b", "--node-args", "'open"]).refused(1, &["never closed"]);
    let answer = home.api().post(
        "/api/processes",
        &serde_json::json!({"script": "app.js", "name": "pm2", "node_args": "--trace-warnings --no-deprecation",
            "cwd": home.work()}),
    );
    assert_eq!(answer.status, 201, "{answer:?}");
    home.wait_for_line("pm2", r#"[["--trace-warnings","--no-deprecation"],[]]"#);
}

#[test]
fn a1_typescript_is_run_by_what_can_run_it_or_refused_with_what_to_install() {
    let home = Home::new();
    home.file("app.ts", "const who: string = 'typed';\nconsole.log(who);\nsetInterval(() => {}, 1000);\n");
    let path = only(&home, &["node", "sh"]);
    let version = Command::new("node").arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let mut numbers = version.trim_start_matches('v').split('.').map(|n| n.trim().parse::<u32>().unwrap());
    let strips = (numbers.next().unwrap(), numbers.next().unwrap()) >= (22, 6);
    let ran = ran(home.command(&["start", "app.ts"]).env("PATH", &path));
    if strips {
        assert_eq!(ran.code, 0, "{ran:?}");
        home.wait_for_line("app", "typed");
    } else {
        ran.refused(1, &["app.ts needs node 22.6 or newer, bun or tsx", "install bun or tsx"]);
        assert_eq!(home.ok(&["list"]), "no processes\n");
    }
}

#[test]
fn a1_perl_runs_and_what_is_not_installed_is_refused_with_its_name() {
    let home = Home::new();
    let nothing = only(&home, &["sh"]);
    for (file, needs) in [("x.rb", "ruby"), ("x.php", "php"), ("x.pl", "perl"), ("x.tsx", "bun or tsx")] {
        home.file(file, "$| = 1; print \"perl runs\\n\"; sleep 1000;\n");
        let ran = ran(home.command(&["start", file]).env("PATH", &nothing));
        ran.refused(1, &[file, &format!("needs {needs}"), "--interpreter"]);
    }
    home.ok(&["start", "x.pl"]);
    home.wait_for_line("x", "perl runs");
    wait_until("it is online", SOON, || home.process("x")["status"] == "online");
}
