//! References to processes.

use std::sync::{Arc, LazyLock};

use pmdaemon::api::resolve::{known, resolve, resolve_app};
use pmdaemon::daemon::revisions::Revisions;
use pmdaemon::daemon::view::Snapshot;
use pmdaemon::home::Home;
use pmdaemon::model::{AppSpec, Moment, Name, RestartPolicy, StopPolicy};
use pmdaemon::supervisor::{Command, Input, Supervisor};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match resolve(&THERE, text) {
        Ok(found) => {
            assert!(!found.is_empty(), "{text:?} means nothing");
            let ids: Vec<u32> = found.iter().map(|view| view.id.0).collect();
            assert!(ids.is_sorted_by(|a, b| a < b), "{text:?}: {ids:?}");
            assert_eq!(known(&THERE, &[text.to_owned()]).len(), ids.len(), "{text:?}");
            for view in &found {
                let one = resolve(&THERE, &format!("id:{}", view.id.0)).unwrap_or_default();
                assert!(one.len() == 1 && one[0].id == view.id, "{text:?}");
            }
        }
        Err(refused) => {
            assert!(matches!(refused.status.as_u16(), 404 | 409 | 422), "{text:?}: {refused:?}");
            assert!(!refused.detail.is_empty());
        }
    }
    if let Ok(app) = resolve_app(&THERE, text) {
        assert!(app.iter().all(|view| view.app == app[0].app), "{text:?}");
    }
}

/// Apps whose names, namespaces and scripts can be taken for each other.
static THERE: LazyLock<Snapshot> = LazyLock::new(|| {
    let mut brain = Supervisor::default();
    for (namespace, name, script, instances) in [
        ("default", "web", "server.js", 2),
        ("default", "api", "./api.py", 1),
        ("blue", "web", "server.js", 1),
        ("blue", "web-1", "/opt/one", 1),
        ("green", "blue", "node x.js", 1),
    ] {
        let create = Command::Create { spec: Arc::new(app(namespace, name, script, instances)) };
        brain.step(Moment(0), Input::Command(create)).0.expect("created");
    }
    let mut snapshot = Snapshot::default();
    snapshot.update(&mut brain, &Revisions::default(), &Home::at("/tmp/h"));
    snapshot
});

fn app(namespace: &str, name: &str, script: &str, instances: u32) -> AppSpec {
    AppSpec {
        health: None,
        ready: Default::default(),
        name: Name::parse(name).expect("a name"),
        namespace: Name::parse(namespace).expect("a name"),
        script: script.to_owned(),
        interpreter: None,
        program: "/bin/true".into(),
        args: Vec::new(),
        cwd: "/srv/app".into(),
        inherited_env: Default::default(),
        env: Default::default(),
        env_sources: Default::default(),
        watch: None,
        schedule: None,
        interpreter_args: Vec::new(),
        instances,
        numbered: instances > 1,
        balance: None,
        port: None,
        autostart: false,
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        resources: Default::default(),
        logs: Default::default(),
        depends_on: Vec::new(),
    }
}
