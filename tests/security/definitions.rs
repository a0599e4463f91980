//! What of a definition is for admins alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::home::ran;
use crate::support::{Api, Home, SOON, wait_until};

/// Somebody who may define apps and is no admin.
struct Deployer {
    home: Home,
    api: Api,
    token: String,
}

/// `roots`: what `PMDAEMON_LOG_ROOTS` says, if anything.
fn deployer(roots: Option<&str>) -> Deployer {
    let home = Home::new();
    let mut first = home.command(&["token", "create", "ci", "--role", "deployer"]);
    if let Some(roots) = roots {
        first.env("PMDAEMON_LOG_ROOTS", roots);
    }
    let token = String::from_utf8(first.output().unwrap().stdout).unwrap().trim().to_owned();
    let api = home.api();
    Deployer { home, api, token }
}

impl Deployer {
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self.api.bare(method, path).header("If-Match", "*");
        self.api.send(request.bearer_auth(&self.token).json(body))
    }

    fn define(&self, name: &str, more: &Value) -> Answer {
        let mut app = json!({"script": "sleep", "args": ["1000"], "name": name});
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send("POST", "/api/v1/apps", &app)
    }
}

#[test]
fn row_25_only_admins_have_log_files_anywhere() {
    let place = tempfile::tempdir().unwrap();
    let (logs, etc) = (place.path().join("logs"), place.path().join("etc"));
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::create_dir_all(&etc).unwrap();
    std::os::unix::fs::symlink(&etc, logs.join("way")).unwrap();
    let somebody = deployer(Some(logs.to_str().unwrap()));
    let log = |path: &str| json!({"logs": {"out_file": path}});
    for path in [
        etc.join("a.log"),
        logs.join("../etc/a.log"),
        logs.join("way/a.log"),
        logs.join("way/../../etc/a.log"),
        "/var/log/pmdaemon-test.log".into(),
    ] {
        let path = path.to_str().unwrap();
        let problem = somebody.define("a", &log(path)).is_problem(403, "forbidden_log_place");
        assert!(problem["detail"].as_str().unwrap().contains("PMDAEMON_LOG_ROOTS"), "{path}: {problem}");
        let order = json!({"apps": [{"script": "sleep", "name": "a", "logs": {"combined_file": path}}]});
        somebody.send("POST", "/api/v1/plans", &order).is_problem(403, "forbidden_log_place");
    }
    assert!(somebody.home.processes().is_empty() && std::fs::read_dir(&etc).unwrap().next().is_none());
    // %2e is a name like any other.
    let odd = logs.join("%2e%2e/a.log");
    let speaks = json!({"script": "echo hello; exec sleep 1000", "args": [], "logs": {"out_file": odd}});
    assert_eq!(somebody.define("odd", &speaks).status, 201);
    wait_until("its log", SOON, || odd.exists());
    // What an admin said may stay, and nothing else.
    let theirs = etc.join("theirs.log");
    let theirs = theirs.to_str().unwrap();
    somebody.home.ok(&["start", "sleep", "--name", "b", "-o", theirs, "--", "1000"]);
    let change = |path: &str| json!({"script": "sleep", "args": ["2000"], "logs": {"out_file": path}});
    assert_eq!(somebody.send("PUT", "/api/v1/apps/b", &change(theirs)).status, 200);
    let other = etc.join("other.log");
    somebody
        .send("PUT", "/api/v1/apps/b", &change(other.to_str().unwrap()))
        .is_problem(403, "forbidden_log_place");
}

#[test]
fn row_31_only_admins_have_other_code_loaded_into_what_runs_as_root() {
    if !nix::unistd::geteuid().is_root() {
        // Then nothing runs as root.
        return;
    }
    let somebody = deployer(None);
    let names = ["LD_PRELOAD", "LD_AUDIT", "NODE_OPTIONS", "PYTHONPATH", "BASH_ENV"];
    for name in names {
        let problem =
            somebody.define("a", &json!({"env": {name: "/tmp/x"}})).is_problem(403, "forbidden_variable");
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
        let inherited =
            somebody.define("a", &json!({"inherited_env": {"PATH": "/usr/bin:/bin", name: "/tmp/x"}}));
        inherited.is_problem(403, "forbidden_variable");
        let answer = somebody.define(
            &format!("as-nobody-{}", name.to_lowercase()),
            &json!({
                "env": {name: "/tmp/x"}, "user": "nobody", "cwd": "/", "autostart": false
            }),
        );
        assert_eq!(answer.status, 201, "{name}: {answer:?}");
    }
    assert_eq!(somebody.home.processes().len(), names.len());
    // What an admin said may stay as it is.
    somebody.home.ok(&["start", "sleep", "--name", "b", "--env", "NODE_OPTIONS=--no-warnings", "--", "1000"]);
    let change =
        |options: &str| json!({"script": "sleep", "args": ["2000"], "env": {"NODE_OPTIONS": options}});
    assert_eq!(somebody.send("PUT", "/api/v1/apps/b", &change("--no-warnings")).status, 200);
    somebody
        .send("PUT", "/api/v1/apps/b", &change("--require /tmp/x.js"))
        .is_problem(403, "forbidden_variable");
    let variables = json!({"variables": {"PATH": "/usr/bin:/bin", "LD_PRELOAD": "/tmp/x.so"}});
    somebody.send("PUT", "/api/v1/apps/b/inherited-env", &variables).is_problem(403, "forbidden_variable");
}

#[test]
fn row_33_root_runs_nothing_that_others_can_change_unless_told() {
    if !nix::unistd::geteuid().is_root() {
        // Then whoever starts an app is the one who may change it.
        return;
    }
    let home = Home::new();
    let script = home.file("app.sh", "exec sleep 1000\n");
    let mode = |path: &str, mode: u32| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let start = |name: &str| home.run(&["start", &script, "--name", name]);

    mode(&script, 0o666);
    start("web")
        .refused(1, &["app.sh can be changed by everybody", "chmod o-w", "PMDAEMON_WRITABLE_SCRIPTS"]);
    let problem =
        home.api().post("/api/v1/apps", &json!({"script": script})).is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/script", "{problem}");
    mode(&script, 0o644);
    std::os::unix::fs::chown(&script, Some(65_534), None).unwrap();
    start("web").refused(1, &["app.sh belongs to", "chown root"]);
    // The user as whom it runs may change what it runs.
    home.ok(&["start", &script, "--name", "theirs", "--uid", "65534", "--cwd", "/", "--no-autostart"]);
    home.ok(&["delete", "theirs", "--force"]);
    std::os::unix::fs::chown(&script, Some(0), None).unwrap();

    // The directory in which it runs, and a file with its variables.
    let open = home.work().join("open");
    std::fs::create_dir(&open).unwrap();
    mode(open.to_str().unwrap(), 0o777);
    let cwd = ["start", &script, "--name", "web", "--cwd", open.to_str().unwrap()];
    home.run(&cwd).refused(1, &["open can be changed by everybody"]);
    let variables = home.file("app.env", "A=1\n");
    mode(&variables, 0o646);
    home.run(&["start", &script, "--name", "web", "--env-file", &variables]).refused(1, &["app.env can be"]);
    assert_eq!(home.processes(), Vec::<Value>::new());

    // What runs already goes on, and is not restarted.
    assert_eq!(start("web").code, 0);
    let pid = home.pid("web");
    mode(&script, 0o646);
    let api = home.api();
    for verb in [&["restart", "web"][..], &["reload", "web"], &["scale", "web", "2"], &["set", "web:A", "2"]]
    {
        home.run(verb).refused(1, &["web cannot be started", "left as it is"]);
    }
    assert_eq!(home.pid("web"), pid);
    home.ok(&["stop", "web"]);
    home.run(&["start", "web"]).refused(1, &["web cannot be started", "chmod o-w"]);
    let singly = json!({"action": "start", "refs": ["web"], "strategy": {"max_parallel": 1}});
    api.post("/api/v1/operations?wait=15s", &singly).is_problem(422, "cannot_execute");
    assert_eq!(home.process("web")["status"], "stopped");

    // Told so, it runs anything.
    let told = Home::new();
    let script = told.file("app.sh", "exec sleep 1000\n");
    mode(&script, 0o666);
    let start = ["start", &script, "--name", "web"];
    let unclear = ran(told.command(&start).env("PMDAEMON_WRITABLE_SCRIPTS", "yes"));
    unclear.refused(1, &["PMDAEMON_WRITABLE_SCRIPTS is \"yes\"", "use allow"]);
    assert_eq!(ran(told.command(&start).env("PMDAEMON_WRITABLE_SCRIPTS", "allow")).code, 0);
}
