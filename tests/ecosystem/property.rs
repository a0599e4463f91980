//! Whatever was there before, after `apply` everything is as the file says, and nothing that was so
//! already is touched (row K10).

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::Home;

/// Pairs of files that are tried.
const CASES: u32 = 12;

/// One app without its name.
fn app() -> impl Strategy<Value = Value> {
    let env = prop::collection::btree_map(prop::sample::select(vec!["X", "Y", "Z"]), "[12]", 0..3);
    let limits = (prop::option::of(1..3_i64), prop::option::of(1000..1003_i64), prop::option::of(1..3_i64));
    let rest = (any::<bool>(), prop::option::of(prop::sample::select(vec!["10M", "1G"])));
    (1000..1003_u32, env, 1..4_i64, limits, rest).prop_map(
        |(seconds, env, instances, (restarts, timeout, delay), (auto, memory))| {
            let mut app = Map::new();
            app.insert("script".into(), json!("sleep"));
            app.insert("args".into(), json!([seconds.to_string()]));
            app.insert("env".into(), json!(env));
            app.insert("instances".into(), json!(instances));
            app.insert("autorestart".into(), json!(auto));
            let given = [("max_restarts", restarts), ("kill_timeout", timeout), ("restart_delay", delay)];
            app.extend(given.into_iter().filter_map(|(key, value)| Some((key.into(), json!(value?)))));
            app.extend(memory.map(|memory| ("max_memory_restart".into(), json!(memory))));
            app.into()
        },
    )
}

/// A file: apps by name.
fn file() -> impl Strategy<Value = BTreeMap<&'static str, Value>> {
    prop::collection::btree_map(prop::sample::select(vec!["ant", "bee", "cat", "dog"]), app(), 1..4)
}

fn apply(home: &Home, apps: &BTreeMap<&str, Value>) {
    let named = apps.iter().map(|(name, app)| {
        let mut app = app.clone();
        app["name"] = json!(name);
        app
    });
    home.file("apps.json", &json!({"apps": named.collect::<Vec<_>>()}).to_string());
    home.ok(&["apply", "apps.json", "--prune", "--yes"]);
}

/// What runs of an app: in the order of its instances, the command line of each and its variables.
fn running(process: &Value) -> Value {
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{}/{what}", process["pid"])).unwrap();
    let variables = read("environ");
    let own =
        variables.split('\0').filter(|line| ["X=", "Y=", "Z="].iter().any(|name| line.starts_with(name)));
    json!([process["instance"], process["status"], read("cmdline"), own.collect::<Vec<_>>()])
}

/// Definitions by name, with what really runs of each. Not part of it is what counts up: ids, pids,
/// revisions. Nor are names of instances: the first one keeps its own when others join it.
fn state(home: &Home) -> BTreeMap<String, Value> {
    let apps = home.api().get("/api/v1/apps");
    let apps = apps["items"].as_array().unwrap().iter().map(|app| {
        let mut app = app.clone();
        let members = app.as_object_mut().unwrap();
        for counts_up in ["id", "revision", "cwd"] {
            members.remove(counts_up);
        }
        let mut processes = members.remove("processes").unwrap().as_array().unwrap().clone();
        processes.sort_by_key(|process| process["instance"].as_i64());
        let name = app["name"].as_str().unwrap().to_owned();
        (name, json!([app, processes.iter().map(running).collect::<Vec<_>>()]))
    });
    apps.collect()
}

fn pids(home: &Home) -> BTreeMap<(String, i64), i64> {
    let of = |process: &Value| {
        let place = (process["app"].as_str().unwrap().to_owned(), process["instance"].as_i64().unwrap());
        (place, process["pid"].as_i64().unwrap())
    };
    home.processes().iter().map(of).collect()
}

#[test]
fn k10_apply_leads_to_the_same_from_anywhere_and_touches_nothing_that_is_so() {
    let (one, other) = (Home::new(), Home::new());
    let mut runner = TestRunner::new(Config { cases: CASES, max_shrink_iters: 20, ..Config::default() });
    let tried = runner.run(&(file(), file()), |(before, after)| {
        apply(&one, &before);
        let old = pids(&one);
        apply(&one, &after);
        let new = pids(&one);
        for (name, app) in &after {
            if before.get(name) == Some(app) {
                let kept = |pids: &BTreeMap<(String, i64), i64>| {
                    pids.iter()
                        .filter(|((app, _), _)| app == name)
                        .map(|(k, v)| (k.clone(), *v))
                        .collect::<Vec<_>>()
                };
                prop_assert_eq!(kept(&old), kept(&new), "{} is as it was", name);
            }
        }
        if !other.processes().is_empty() {
            other.ok(&["delete", "all", "--force"]);
        }
        apply(&other, &after);
        prop_assert_eq!(state(&one), state(&other));
        let planned = one.run(&["plan", "apps.json", "--prune", "--exit-code"]);
        prop_assert_eq!(planned.code, 0, "{:?}", planned);
        Ok::<(), TestCaseError>(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

#[test]
fn j15_a_changed_variable_is_changed_and_a_removed_one_is_gone_after_reload_of_the_file() {
    let home = Home::new();
    let write = |env: Value| {
        let app = json!({"name": "web", "script": "sleep", "args": ["1000"], "instances": 2, "env": env});
        home.file("apps.json", &json!({"apps": [app]}).to_string());
    };
    let variables =
        || -> Vec<Value> { home.processes().iter().map(|process| running(process)[3].clone()).collect() };
    write(json!({"X": "1", "Y": "1"}));
    home.ok(&["start", "apps.json"]);
    assert_eq!(variables(), [json!(["X=1", "Y=1"]), json!(["X=1", "Y=1"])]);
    write(json!({"X": "2", "Z": "1"}));
    home.ok(&["reload", "apps.json"]);
    assert_eq!(variables(), [json!(["X=2", "Z=1"]), json!(["X=2", "Z=1"])]);
    write(json!({}));
    home.ok(&["reload", "apps.json"]);
    assert_eq!(variables(), [json!([]), json!([])]);
}
