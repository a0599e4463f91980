//! References to processes.

use std::sync::{Arc, LazyLock};

use pmdaemon::api::resolve::{known, resolve, resolve_app};
use pmdaemon::daemon::log_places::LogPlaces;
use pmdaemon::daemon::revisions::Revisions;
use pmdaemon::daemon::view::Snapshot;
use pmdaemon::home::Home;
use pmdaemon::model::{AppSpec, Moment};
use pmdaemon::store::Keepsake;
use pmdaemon::supervisor::{Command, Input, Supervisor};
use serde_json::json;

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

/// Apps whose names, namespaces, scripts and labels can be taken for each other.
static THERE: LazyLock<Snapshot> = LazyLock::new(|| {
    let mut brain = Supervisor::default();
    for (namespace, name, script, instances) in [
        ("default", "web", "server.js", 2),
        ("default", "api", "./api.py", 1),
        ("blue", "web", "server.js", 1),
        ("blue", "web-1", "/opt/one", 1),
        ("green", "blue", "node x.js", 1),
    ] {
        let create = Command::Create { spec: app(namespace, name, script, instances) };
        brain.step(Moment(0), Input::Command(create)).0.expect("created");
    }
    let mut snapshot = Snapshot::default();
    snapshot.update(&mut brain, &Revisions::default(), &LogPlaces::default(), &Home::at("/tmp/h"));
    snapshot
});

/// As the store would have it: what is not said is as usual.
fn app(namespace: &str, name: &str, script: &str, instances: u32) -> Arc<AppSpec> {
    let spec = json!({
        "name": name, "namespace": namespace, "script": script, "instances": instances, "program": "/bin/true",
        "cwd": "/srv/app", "autostart": false, "labels": {"tier": name},
    });
    let stored = json!({"app": 0, "instance": 0, "spec": spec}).to_string();
    Keepsake::parse(&stored).expect("a definition").spec
}
