//! Commands that take a file (rows J3 to J5 and J7).

use serde_json::json;

use crate::support::Home;

fn project(home: &Home) {
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    home.file(
        "ecosystem.config.js",
        "module.exports = { apps: [\n\
         { name: 'web', script: 'app.js', env: { A: '1' }, env_production: { A: '2' } },\n\
         { name: 'work', script: 'app.js' },\n] };\n",
    );
}

#[test]
fn j5_the_verbs_act_on_the_apps_of_a_file() {
    let home = Home::new();
    project(&home);
    // Without an argument it is the file of this directory.
    home.ok(&["start"]);
    let (web, work) = (home.pid("web"), home.pid("work"));
    let app = home.json(&["info", "web", "--json"]);
    assert_eq!((&app["kill_signal"], &app["kill_timeout_ms"]), (&json!("SIGINT"), &json!(1600)), "{app}");
    // What is unchanged and online is left alone.
    home.ok(&["start", "ecosystem.config.js"]);
    assert_eq!((home.pid("web"), home.pid("work")), (web, work));
    // Another environment is another definition, of one app only.
    home.ok(&["start", "ecosystem.config.js", "--env", "production", "--only", "web"]);
    assert_ne!(home.pid("web"), web);
    assert_eq!(home.pid("work"), work);
    home.ok(&["restart", "ecosystem.config.js", "--only", "work"]);
    assert_ne!(home.pid("work"), work);
    home.ok(&["stop", "ecosystem.config.js"]);
    assert!(home.processes().iter().all(|process| process["status"] == "stopped"));
    home.ok(&["startOrRestart", "ecosystem.config.js"]);
    let work = home.pid("work");
    home.ok(&["startOrReload", "ecosystem.config.js"]);
    assert_ne!(home.pid("work"), work);
    home.ok(&["delete", "ecosystem.config.js", "--only", "web"]);
    assert_eq!(home.processes().len(), 1);
}

#[test]
fn j3_a_mistake_names_file_app_and_field_and_nothing_starts() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let check = |apps: &str, words: &[&str]| {
        home.file(
            "apps.json",
            &format!("{{\"apps\": [{{\"name\": \"fine\", \"script\": \"app.js\"}}, {apps}]}}"),
        );
        home.run(&["start", "apps.json"]).refused(1, words);
    };
    check(
        r#"{"name": "bad", "script": "app.js", "instances": "lots"}"#,
        &["apps.json", "app bad", "instances", "lots"],
    );
    check(r#"{"name": "bad"}"#, &["app bad", "script", "is missing"]);
    check(
        r#"{"name": "bad", "script": "app.js", "max_memory_restart": true}"#,
        &["max_memory_restart", "not a size"],
    );
    check(r#"{"name": "bad", "script": "nosuch.js"}"#, &["bad", "nosuch.js"]);
    check(r#"{"name": "bad", "script": "app.js", "depends_on": ["nobody"]}"#, &["bad", "nobody"]);
    check(r#"{"name": "fine", "script": "app.js"}"#, &["two apps are named fine"]);
    check(r#"{"name": "bad", "script": "app.js", "cmd": "other.js"}"#, &["the same field"]);
    home.file("good.json", r#"[{"name": "web", "script": "app.js"}]"#);
    home.run(&["start", "good.json", "--only", "nobody"]).refused(1, &["no app nobody"]);
    home.file("last.json", r#"[{"name": "last", "script": "nosuch.js"}]"#);
    home.run(&["start", "good.json", "last.json"]).refused(1, &["last", "nosuch.js"]);
    assert!(home.processes().is_empty(), "nothing of files with a mistake starts");
    home.run(&["start", "nosuch.json"]).refused(1, &["nosuch.json is not there"]);
    home.run(&["start", "app.js", "--env", "production"]).refused(2, &["production=VALUE"]);
    home.file("broken.json", "{\"apps\": [");
    home.run(&["start", "broken.json"]).refused(1, &["broken.json is not JSON", "line 1"]);
}

#[test]
fn j3_an_unknown_key_is_told_with_the_nearest_one() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    home.file("apps.json", r#"{"apps": [{"name": "web", "script": "app.js", "max_memory_restrat": "1G"}]}"#);
    let ran = home.run(&["start", "apps.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.err.contains("\"max_memory_restrat\" is not a field")
            && ran.err.contains("max_memory_restart is the nearest"),
        "{ran:?}"
    );
}

#[test]
fn j4_javascript_that_fails_shows_its_own_stack() {
    let home = Home::new();
    home.file(
        "ecosystem.config.js",
        "function deep() { throw new Error('no such secret'); }\nmodule.exports = deep();\n",
    );
    let ran = home.run(&["start"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("at deep") && ran.err.contains("cannot be evaluated: no such secret"),
        "{ran:?}"
    );
    home.file("ecosystem.config.js", "console.log('chatter'); process.exit(3);\n");
    let ran = home.run(&["start"]);
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("ended node before"), "{ran:?}");
    let mut without_node = home.command(&["start"]);
    without_node.env("PATH", "/nowhere");
    let ran = crate::support::home::ran(&mut without_node);
    assert!(ran.code == 1 && ran.err.contains("there is no node in PATH"), "{ran:?}");
}

#[test]
fn j3_standard_input_is_json() {
    use std::io::Write;
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let mut command = home.command(&["start", "-"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(br#"[{"name": "piped", "script": "app.js"}]"#).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(home.process("piped")["status"], "online");
    let schema = home.json(&["schema"]);
    assert!(schema["$defs"]["app"]["properties"]["script"].is_object());
    assert_eq!(home.api().get("/api/v1/ecosystem-schema"), schema);
}
