//! Secrets: kept encrypted, given to programs when they start, shown to nobody (row K17).

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::home::{fed, files_with};
use crate::support::{Home, SOON, proc, wait_for, wait_until};

const FIRST: &str = "first-7d1c-value";
const SECOND: &str = "second-9a2e-value";

fn set(home: &Home, name: &str, value: &str, options: &[&str]) {
    let ran = fed(&mut home.command(&[&["secret", "set", name], options].concat()), &format!("{value}\n"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains(value) && !ran.err.contains(value), "{ran:?}");
}

/// A variable of a process that runs.
fn variable(home: &Home, app: &str, name: &str) -> Option<String> {
    let environ = std::fs::read(format!("/proc/{}/environ", home.pid(app))).ok()?;
    let text = String::from_utf8(environ).ok()?;
    text.split('\0').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))
}

#[test]
fn k17_a_secret_reaches_the_program_and_nobody_else_and_a_new_value_comes_with_the_next_start() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    set(&home, "DB", FIRST, &[]);
    let url = "URL=pg://u:${secret:DB}@db/x";
    home.ok(&["start", &script, "--name", "web", "--env", url, "--env", "KEY_FILE=${secret-file:DB}"]);
    assert_eq!(variable(&home, "web", "URL"), Some(format!("pg://u:{FIRST}@db/x")));
    let file = variable(&home, "web", "KEY_FILE").unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), FIRST);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(Path::new(&file)), mode(Path::new(&file).parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&home.path().join("secrets.key")), 0o600);
    // Nothing at rest has it but the file that was asked for.
    assert_eq!(files_with(&home.path(), FIRST), [Path::new(&file)]);

    let api = home.api();
    for path in
        ["/api/v1/secrets", "/api/v1/apps", "/api/v1/events?limit=1000", "/api/v1/audit", "/apps/web/config"]
    {
        let answer = api.send(api.request("GET", path));
        assert!(answer.status == 200 && !answer.text.contains(FIRST), "{path}: {answer:?}");
    }
    for words in [["info", "web"], ["why", "web"], ["secret", "list"], ["events", "web"]] {
        assert!(!home.ok(&words).contains(FIRST), "{words:?}");
    }
    for pid in home.living() {
        assert!(!proc::command_line(pid).contains(FIRST), "the arguments of {pid}");
    }
    let audit = home.ok(&["audit", "--json"]);
    assert!(audit.contains("\"secrets.update\"") && audit.contains("\"default:DB\""), "{audit}");
    let listed = home.json(&["secret", "list", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[0]["used_by"]), (&json!("DB"), &json!(["web"])));

    // What runs keeps its value; the next start has the new one, also of a crash, and of another daemon.
    set(&home, "DB", SECOND, &[]);
    assert_eq!(variable(&home, "web", "URL"), Some(format!("pg://u:{FIRST}@db/x")));
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || {
        home.run(&["list"]).code == 0 && home.keeper_and_daemon().1 != daemon
    });
    let before = home.pid("web");
    proc::kill_hard(before);
    wait_for("its next run", SOON, || {
        let process = home.process("web");
        process["pid"].as_i64().filter(|pid| *pid != before && process["status"] == "online")
    });
    assert_eq!(variable(&home, "web", "URL"), Some(format!("pg://u:{SECOND}@db/x")));
    wait_until("the file of the run before is gone", SOON, || !Path::new(&file).exists());
    // Its name is shown to who may define the app, and nothing else of it.
    let shown = home.ok(&["env", "web", "--show"]);
    assert!(shown.contains("${secret:DB}") && !shown.contains(SECOND), "{shown}");
    home.run(&["secret", "rm", "DB"]).refused(1, &["used by web"]);
    home.ok(&["delete", "web", "--force"]);
    home.ok(&["secret", "rm", "DB"]);
    assert_eq!(home.json(&["secret", "list", "--json"]), json!([]));
    wait_until("no file is left", SOON, || files_with(&home.path(), SECOND).is_empty());
}

#[test]
fn k17_a_secret_that_is_not_there_is_one_sentence_before_anything_happens() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    let start = |value: &str| home.run(&["start", &script, "--name", "web", "--env", value]);
    start("DB=${secret:DB}").refused(1, &["no secret DB", "pmdaemon secret set DB"]);
    start("DB=hidden ${secret:a b}").refused(1, &["${secret:NAME}"]);
    assert_eq!(home.processes(), Vec::<Value>::new());
    let empty = fed(&mut home.command(&["secret", "set", "DB"]), "");
    assert!(empty.code == 1 && empty.err.contains("standard input"), "{empty:?}");
    home.run(&["secret", "rm", "DB"]).refused(1, &["no secret DB"]);
    // Each namespace has its own.
    set(&home, "DB", FIRST, &["--namespace", "blue"]);
    start("DB=${secret:DB}").refused(1, &["namespace default"]);
    home.ok(&["start", &script, "--name", "web", "--namespace", "blue", "--env", "DB=${secret:DB}"]);
    assert_eq!(variable(&home, "web", "DB").as_deref(), Some(FIRST));
    // In a file as well.
    set(&home, "DB", SECOND, &[]);
    let eco =
        home.file("eco.json", r#"[{"name": "api", "script": "app.sh", "env": {"DB": "${secret:DB}"}}]"#);
    home.ok(&["start", &eco]);
    assert_eq!(variable(&home, "api", "DB").as_deref(), Some(SECOND));
    assert_eq!(home.run(&["plan", &eco, "--exit-code"]).code, 0);
}

#[test]
fn k17_a_definition_that_names_a_secret_that_is_not_there_ends_nothing() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web", "--env", "DB=plain"]);
    let pid = home.pid("web");
    home.run(&["set", "web:DB", "${secret:DB}"]).refused(1, &["no secret DB"]);
    assert_eq!((home.pid("web"), variable(&home, "web", "DB").as_deref()), (pid, Some("plain")));
    set(&home, "DB", FIRST, &[]);
    home.ok(&["set", "web:DB", "${secret:DB}"]);
    home.ok(&["set", "web:DB", "plain"]);
    home.ok(&["secret", "rm", "DB"]);
    let pid = home.pid("web");
    home.run(&["rollback", "web"]).refused(1, &["no secret DB"]);
    assert_eq!((home.pid("web"), variable(&home, "web", "DB").as_deref()), (pid, Some("plain")));
}

#[test]
fn k17_an_app_that_uses_a_secret_is_named_once() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    set(&home, "DB", FIRST, &[]);
    for name in ["web", "api"] {
        home.ok(&["start", &script, "--name", name, "--env", "DB=${secret:DB}"]);
    }
    home.ok(&["scale", "web", "2"]);
    assert_eq!(home.json(&["secret", "list", "--json"])[0]["used_by"], json!(["api", "web"]));
}

#[test]
fn k17_of_a_run_that_cannot_be_launched_no_secret_is_left() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    let gone = home.work().join("gone");
    std::fs::create_dir(&gone).unwrap();
    set(&home, "DB", FIRST, &[]);
    let (cwd, env) = (gone.to_str().unwrap(), "KEY_FILE=${secret-file:DB}");
    home.ok(&["start", &script, "--name", "web", "--cwd", cwd, "--env", env]);
    let file = variable(&home, "web", "KEY_FILE").unwrap();
    assert_eq!(files_with(&home.path(), FIRST), [Path::new(&file)]);
    std::fs::remove_dir(&gone).unwrap();
    proc::kill_hard(home.pid("web"));
    wait_until("it cannot be launched", SOON, || home.process("web")["status"] == "errored");
    let why = home.ok(&["why", "web"]);
    assert!(why.contains(cwd), "{why}");
    wait_until("no file is left", SOON, || files_with(&home.path(), FIRST).is_empty());
}

/// Who runs as somebody else has a file that he may read, and nobody besides.
#[test]
fn k17_a_file_is_of_the_user_that_the_app_runs_as() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root runs programs as somebody else");
        return;
    }
    let home = Home::new();
    let (nobody, daemon) = ("nobody", "daemon");
    set(&home, "DB", FIRST, &[]);
    // It says what it reads; whether its place can be listed; and whether another user reads it.
    let line = "cat \"$KEY_FILE\"; echo; ls \"$(dirname \"$KEY_FILE\")\" 2>&1; exec sleep 1000";
    let start = |name: &str, user: &str| {
        let env = "KEY_FILE=${secret-file:DB}";
        home.ok(&[
            "start", "sh", "--name", name, "--cwd", "/", "--uid", user, "--env", env, "--", "-c", line,
        ]);
        variable(&home, name, "KEY_FILE").unwrap()
    };
    let file = start("web", nobody);
    home.wait_for_line("web", FIRST);
    home.wait_for_line("web", "Permission denied");
    let (found, around) = (std::fs::metadata(&file).unwrap(), Path::new(&file).parent().unwrap());
    let around = std::fs::metadata(around).unwrap();
    let uid = nix::unistd::User::from_name(nobody).unwrap().unwrap().uid.as_raw();
    assert_eq!((found.uid(), found.mode() & 0o777), (uid, 0o600));
    assert_eq!((around.uid(), around.mode() & 0o777), (0, 0o710));
    let read = |user: &str| {
        let as_user = format!("--reuid={user}");
        let mut command = std::process::Command::new("setpriv");
        command
            .args([as_user.as_str(), "--clear-groups", "--regid=nogroup", "cat", &file])
            .output()
            .unwrap()
            .status
    };
    assert!(read(nobody).success() && !read(daemon).success());
    home.ok(&["restart", "web"]);
    assert_ne!(variable(&home, "web", "KEY_FILE").unwrap(), file);
    wait_until("the file of the run before is gone", SOON, || !Path::new(&file).exists());
    let file = variable(&home, "web", "KEY_FILE").unwrap();
    home.ok(&["delete", "web", "--force"]);
    wait_until("no file is left", SOON, || !Path::new(&file).parent().unwrap().exists());
}

#[test]
fn k17_checks_by_command_have_the_secrets_that_env_files_refer_to() {
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    home.file("web.env", "TOKEN=${secret:DB}\n");
    set(&home, "DB", FIRST, &[]);
    home.file("check.sh", &format!("test \"$TOKEN\" = {FIRST}\n"));
    let line = ["start", &script, "--name", "web", "--env-file", "web.env"];
    let check = ["--health-check-script", "check.sh", "--health-check-interval", "200ms"];
    home.ok(&[&line[..], &check].concat());
    wait_until("it is well", SOON, || home.process("web")["health"] == "healthy");
    assert_eq!(variable(&home, "web", "TOKEN").as_deref(), Some(FIRST));
}

#[test]
fn k17_secrets_of_other_namespaces_are_not_there() {
    let home = Home::new();
    set(&home, "DB", FIRST, &["--namespace", "blue"]);
    let token =
        home.ok(&["token", "create", "shop", "--role", "deployer", "--namespace", "shop"]).trim().to_owned();
    let api = home.api();
    let listed = api.send(api.bare("GET", "/api/v1/secrets").bearer_auth(&token));
    assert_eq!(listed.json()["items"], json!([]));
    for (method, status) in [("PUT", 403), ("DELETE", 404)] {
        let request =
            api.bare(method, "/api/v1/secrets/blue/DB").bearer_auth(&token).json(&json!({"value": "x"}));
        assert_eq!(api.send(request).status, status, "{method}");
    }
    let own = api.bare("PUT", "/api/v1/secrets/shop/DB").bearer_auth(&token).json(&json!({"value": "x"}));
    assert_eq!(api.send(own).status, 204);
}
