//! `plan` and `apply` (row K10).

use std::fs::File;
use std::io::Write;

use crate::support::{Home, SOON, wait_until};

fn write(home: &Home, apps: &str) {
    home.file("apps.json", &format!("{{\"apps\": [{apps}]}}"));
}

const APP: &str = r#"{"name": "web", "script": "app.js", "env": {"SECRET": "s3cr3t", "GONE": "1"}}"#;

#[test]
fn k10_a_plan_shows_the_difference_and_apply_does_just_that() {
    let home = Home::new();
    home.file("app.js", "console.log('has ' + process.env.GONE); setInterval(() => {}, 1000);\n");
    write(
        &home,
        &format!(
            "{APP}, {{\"name\": \"same\", \"script\": \"app.js\"}}, {{\"name\": \"old\", \"script\": \"app.js\"}}"
        ),
    );
    let plan = home.run(&["plan", "apps.json", "--exit-code"]);
    assert_eq!((plan.code, plan.out.as_str()), (3, "+ web\n+ same\n+ old\n"));
    assert!(home.processes().is_empty(), "a plan changes nothing");
    home.run(&["apply", "apps.json"]);
    assert!(home.processes().is_empty(), "without an answer nothing is done");
    home.ok(&["apply", "apps.json", "--yes"]);
    home.wait_for_line("web", "has 1");
    let (web, same) = (home.pid("web"), home.pid("same"));

    // A variable goes, a limit comes, and an app is not in the file any more.
    let changed = r#"{"name": "web", "script": "app.js", "env": {"SECRET": "other"}}"#;
    write(&home, &format!("{changed}, {{\"name\": \"same\", \"script\": \"app.js\", \"max_restarts\": 5}}"));
    let plan = home.ok(&["plan", "apps.json", "--prune"]);
    let expected = "~ web env.GONE *** → none (restart)\n~ web env.SECRET *** → *** (restart)\n\
                    ~ same max_restarts 16 → 5 (live)\n- old\n";
    assert_eq!(plan, expected);
    home.ok(&["apply", "apps.json", "--prune", "--yes"]);
    assert_ne!(home.pid("web"), web);
    assert_eq!(home.pid("same"), same, "what changes live goes on");
    home.wait_for_line("web", "has undefined");
    assert_eq!(home.json(&["info", "same", "--json"])["max_restarts"], 5);
    assert_eq!(home.processes().len(), 2, "old is removed");
    assert_eq!(home.ok(&["plan", "apps.json", "--prune", "--exit-code"]), "2 apps are as the file says.\n");
    for output in [home.ok(&["plan", "apps.json", "--json"]), plan] {
        assert!(!output.contains("s3cr3t"), "{output}");
    }
}

#[test]
fn k10_a_port_that_one_app_leaves_is_another_ones_in_the_same_apply() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [p, q, r] = listeners.map(|listener| listener.local_addr().unwrap().port());
    let apps = |ports: &[(&str, u16)]| {
        let app = |(name, port): &(&str, u16)| {
            format!("{{\"name\": \"{name}\", \"script\": \"app.js\", \"port\": {port}}}")
        };
        write(&home, &ports.iter().map(app).collect::<Vec<_>>().join(", "));
    };
    let port = |name: &str| home.process(name)["ports"][0].as_u64().map(|port| port as u16);
    apps(&[("a", p), ("b", q)]);
    home.ok(&["apply", "apps.json", "--yes"]);
    // The first one of the file gets what the second one leaves.
    apps(&[("a", q), ("b", r)]);
    home.ok(&["apply", "apps.json", "--yes"]);
    assert_eq!((port("a"), port("b")), (Some(q), Some(r)));
    // One that is not in the file any more leaves it, too.
    apps(&[("c", q), ("b", r)]);
    home.ok(&["apply", "apps.json", "--yes", "--prune"]);
    assert_eq!((port("c"), home.processes().len()), (Some(q), 2));
    // Neither can be the first.
    apps(&[("c", r), ("b", q)]);
    let before = (home.pid("c"), home.pid("b"));
    let ran = home.run(&["apply", "apps.json", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for words in
        [format!("c: port {r} is used by b"), format!("b: port {q} is used by c"), "stop it first".into()]
    {
        assert!(ran.err.contains(&words), "{words}: {ran:?}");
    }
    assert_eq!((home.pid("c"), home.pid("b")), before);
    home.ok(&["stop", "c"]);
    home.ok(&["apply", "apps.json", "--yes"]);
    assert_eq!((port("c"), port("b")), (Some(r), Some(q)));
}

#[test]
fn k10_what_was_changed_by_hand_is_in_the_plan() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    write(&home, r#"{"name": "web", "script": "app.js", "max_restarts": 5, "instances": 2}"#);
    home.ok(&["apply", "apps.json", "--yes"]);
    home.ok(&["scale", "web", "3"]);
    assert_eq!(home.ok(&["plan", "apps.json"]), "~ web instances 3 → 2 (live)\n");
    home.ok(&["apply", "apps.json", "--yes"]);
    assert_eq!(home.processes().len(), 2);
    home.ok(&["stop", "web"]);
    assert_eq!(home.ok(&["plan", "apps.json"]), "~ web is stopped (start)\n");
    home.ok(&["apply", "apps.json", "--yes"]);
    assert!(home.processes().iter().all(|process| process["status"] == "online"));
}

#[test]
fn k10_an_app_that_somebody_changes_before_the_answer_is_left_alone_and_the_others_are_not() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let app = |name: &str, restarts: u32| {
        format!("{{\"name\": \"{name}\", \"script\": \"app.js\", \"max_restarts\": {restarts}}}")
    };
    write(&home, &[app("web", 5), app("work", 5), app("old", 5), app("older", 5)].join(","));
    home.ok(&["apply", "apps.json", "--yes"]);
    write(&home, &[app("web", 6), app("work", 6)].join(","));
    // A terminal to answer on.
    let pty = nix::pty::openpty(None, None).unwrap();
    let (out, err) = (home.work().join("out"), home.work().join("err"));
    let mut command = home.command(&["apply", "apps.json", "--prune"]);
    command.stdin(pty.slave).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let told = || std::fs::read_to_string(&err).unwrap();
    wait_until("the question", SOON, || told().contains("Do this? [y/N]"));
    for changed in ["web", "old"] {
        home.ok(&["start", "app.js", "--name", changed, "--max-restarts", "7", "--force"]);
    }
    File::from(pty.master).write_all(b"y\n").unwrap();
    wait_until("its end", SOON, || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(1), "{}", told());
    for left in ["web", "old"] {
        assert!(told().contains(&format!("{left} is left as it is: somebody has changed it")), "{}", told());
        assert_eq!(home.json(&["info", left, "--json"])["max_restarts"], 7);
    }
    assert_eq!(home.json(&["info", "work", "--json"])["max_restarts"], 6);
    let names: Vec<_> = home.processes().iter().map(|process| process["name"].clone()).collect();
    assert_eq!(names, ["web", "work", "old"], "older is removed");
}

#[test]
fn k10_the_api_tells_the_same_plan_and_refuses_the_whole_for_one_mistake() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    let cwd = home.work();
    home.ok(&["list"]);
    let order = |script: &str| {
        serde_json::json!({"apps": [
        {"script": "app.js", "name": "a", "cwd": cwd}, {"script": script, "name": "b", "cwd": cwd}]})
    };
    let plan = home.api().post("/api/v1/plans", &order("app.js"));
    assert_eq!(plan.status, 200);
    assert_eq!(plan.json()["steps"][1]["action"], "create");
    let same = home.api().post("/api/v1/plans", &order("app.js"));
    assert_eq!(plan.json()["digest"], same.json()["digest"]);
    home.file("other.js", "setInterval(() => {}, 1000);\n");
    let other = home.api().post("/api/v1/plans", &order("other.js"));
    assert_ne!(plan.json()["digest"], other.json()["digest"], "it would define another app");
    let refused = home.api().post("/api/v1/plans", &order("nosuch.js"));
    let problem = refused.is_problem(422, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/apps/1/script", "{problem}");
}
