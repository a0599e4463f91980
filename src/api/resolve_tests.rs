use super::*;
use crate::daemon::log_places::LogPlaces;
use crate::daemon::revisions::Revisions;
use crate::home::Home;
use crate::model::{AppSpec, Moment, Name, RestartPolicy, StopPolicy};
use crate::supervisor::{Command, Count, Input, Supervisor};

/// Namespace, name, script, instances.
fn listed(apps: &[(&str, &str, &str, u32)]) -> Snapshot {
    let mut brain = Supervisor::default();
    for (namespace, name, script, instances) in apps {
        let spec = AppSpec {
            roll: Default::default(),
            health: None,
            ready: Default::default(),
            hooks: Default::default(),
            name: Name::parse(name).unwrap(),
            namespace: Name::parse(namespace).unwrap(),
            script: (*script).to_owned(),
            interpreter: None,
            program: "/bin/true".into(),
            args: Vec::new(),
            cwd: "/srv/app".into(),
            inherited_env: Default::default(),
            env: Default::default(),
            env_sources: Default::default(),
            watch: None,
            schedule: None,
            stdin: false,
            labels: Default::default(),
            interpreter_args: Vec::new(),
            instances: *instances,
            numbered: *instances > 1,
            balance: None,
            port: None,
            spread: Default::default(),
            autostart: false,
            restart: RestartPolicy::default(),
            stop: StopPolicy::default(),
            resources: Default::default(),
            logs: Default::default(),
            depends_on: Vec::new(),
        };
        let create = Command::Create { spec: Arc::new(spec) };
        brain.step(Moment(0), Input::Command(create)).0.expect("created");
    }
    let mut snapshot = Snapshot::default();
    snapshot.update(&mut brain, &Revisions::default(), &LogPlaces::default(), &Home::at("/tmp/h"));
    snapshot
}

/// Ids 0 and 1: `web`; 2: `api`; 3: `blue:web`; 4: `blue:web-1`; 5: `blue`.
fn some() -> Snapshot {
    listed(&[
        ("default", "web", "server.js", 2),
        ("default", "api", "./api.py", 1),
        ("blue", "web", "server.js", 1),
        ("blue", "web-1", "/opt/one", 1),
        ("green", "blue", "node x.js", 1),
    ])
}

fn ids(snapshot: &Snapshot, reference: &str) -> Result<Vec<u32>, (u16, String)> {
    resolve(snapshot, reference)
        .map(|views| views.iter().map(|view| view.id.0).collect())
        .map_err(|e| (e.status.as_u16(), e.detail))
}

#[test]
fn the_first_meaning_that_fits_counts() {
    let some = some();
    let check = |reference: &str, expected: &[u32]| {
        assert_eq!(ids(&some, reference).as_deref(), Ok(expected), "{reference}");
    };
    check("all", &[0, 1, 2, 3, 4, 5]);
    check("2", &[2]);
    check("id:3", &[3]);
    check("api", &[2]);
    check("name:api", &[2]);
    check("default:web", &[0, 1]);
    check("blue:web", &[3]);
    check("web-0", &[0]);
    // An app of exactly that name goes before a process of another one.
    check("web-1", &[4]);
    check("default:web-1", &[1]);
    check("api-0", &[2]);
    check("/^web/", &[0, 1, 3, 4]);
    check("/-1$/", &[1, 4]);
    // A name goes before a namespace.
    check("blue", &[5]);
    check("ns:blue", &[3, 4]);
    check("green", &[5]);
    check("./api.py", &[2]);
    check("/srv/app/api.py", &[2]);
    check("/srv/app/../app/./api.py", &[2]);
    check("/opt/one", &[4]);
}

#[test]
fn what_means_nothing_or_too_much_is_refused_with_the_way_out() {
    let some = some();
    let check = |reference: &str, status: u16, words: &[&str]| {
        let (is, detail) = ids(&some, reference).expect_err(reference);
        assert_eq!(is, status, "{reference}: {detail}");
        for word in words {
            assert!(detail.contains(word), "{reference}: {detail}");
        }
    };
    check("web", 409, &["blue:web", "default:web"]);
    check("name:web", 409, &["blue:web", "default:web"]);
    check("server.js", 409, &["several apps"]);
    check("wbe", 404, &["did you mean web?"]);
    check("99", 404, &["no process with id 99"]);
    check("id:web", 404, &["id web"]);
    check("ns:red", 404, &["namespace \"red\""]);
    check("label:tier=web", 404, &["no app has the label tier=web"]);
    check("label:a b", 422, &["is not the name of a label"]);
    check("/nope/", 404, &["no name matches /nope/"]);
    check("/we(/", 422, &["/we(/ is not a pattern", "unclosed group"]);
    check("/(a{1000}){1000}/", 422, &["is not a pattern"]);
    check("red:web", 404, &["red:web"]);
    check("", 404, &["no app named"]);
}

#[test]
fn all_is_everything_also_when_there_is_nothing() {
    assert_eq!(ids(&Snapshot::default(), "all"), Ok(vec![]));
    let refused = resolve_app(&Snapshot::default(), "all").expect_err("no app");
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[test]
fn one_app_is_meant_by_each_of_its_processes() {
    let some = some();
    let app = |reference: &str| resolve_app(&some, reference).map(|views| views.len()).map_err(|e| e.code);
    assert_eq!(app("web-0"), Ok(2));
    assert_eq!(app("1"), Ok(2));
    assert_eq!(app("/^api$/"), Ok(1));
    assert_eq!(app("all"), Err("ambiguous_ref"));
    assert_eq!(app("ns:blue"), Err("ambiguous_ref"));
}

#[test]
fn a_process_that_was_alone_keeps_its_name_and_its_files_when_others_come() {
    let mut brain = Supervisor::default();
    let one = listed(&[("default", "web", "server.js", 1)]).processes[&ProcessId(0)].clone();
    brain.step(Moment(0), Input::Command(Command::Create { spec: one.spec.clone() })).0.expect("created");
    let scale = Command::Scale { app: one.app, count: Count::Exactly(3) };
    brain.step(Moment(0), Input::Command(scale)).0.expect("scaled");
    let mut three = Snapshot::default();
    three.update(&mut brain, &Revisions::default(), &LogPlaces::default(), &Home::at("/tmp/h"));
    let names: Vec<String> = three.processes.values().map(|view| view.name()).collect();
    assert_eq!(names, ["web", "web-1", "web-2"]);
    assert_eq!(three.processes[&ProcessId(0)].logs, one.logs);
    assert_ne!(three.processes[&ProcessId(1)].logs, one.logs);
    assert_eq!(ids(&three, "web-0"), Ok(vec![0]));
    assert_eq!(ids(&three, "web"), Ok(vec![0, 1, 2]));
}
