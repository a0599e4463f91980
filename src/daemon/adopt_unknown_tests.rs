//! The two pictures, laid side by side.

use std::sync::Arc;

use super::*;
use crate::keeper::protocol::Ending;
use crate::model::{AppSpec, Name, RunId};
use crate::store::AuditHead;

fn spec(name: &str) -> Arc<AppSpec> {
    let text = format!(
        r#"{{"app":0,"instance":0,"spec":{{"name":"{name}","script":"s","program":"/p","cwd":"/"}}}}"#
    );
    Keepsake::parse(&text).unwrap().spec
}

fn run(run: u64, process: u32) -> RunReport {
    RunReport {
        run,
        process,
        restarts: 3,
        port: None,
        shared: false,
        spawned: Some((100, 5)),
        ended: None,
        tree_empty: false,
        awaits: None,
        ready: None,
        signs: Vec::new(),
        status: None,
        channel_lost: None,
        offers: Vec::new(),
        files: None,
        logs: Vec::new(),
    }
}

fn saved(apps: &[(u32, &str)], processes: &[(u32, u32, Goal)]) -> Saved {
    Saved {
        revisions: Default::default(),
        revisions_of_runs: Default::default(),
        apps: apps.iter().map(|(id, name)| (AppId(*id), spec(name))).collect(),
        processes: processes
            .iter()
            .map(|(id, app, goal)| Remembered {
                goal: *goal,
                ..Remembered::new(ProcessId(*id), AppId(*app), 0)
            })
            .collect(),
        next_app: AppId(2),
        next_process: ProcessId(2),
        next_run: RunId(1),
        next_event: 1,
        tokens: Vec::new(),
        sessions: Vec::new(),
        users: Vec::new(),
        operations: Vec::new(),
        next_operation: crate::model::OperationId(1),
        audit: AuditHead { next: 1, hash: String::new() },
        installation: String::new(),
        settings: BTreeMap::new(),
    }
}

/// Every keepsake is of that app.
fn of(app: u32, name: &str) -> impl Fn(u64) -> Result<Keepsake, String> {
    let spec = spec(name);
    move |_| Ok(Keepsake { app: AppId(app), spec: spec.clone(), instance: 0 })
}

fn rows(saved: &Saved) -> Vec<(u32, u32, Goal)> {
    saved.processes.iter().map(|row| (row.id.0, row.app.0, row.goal)).collect()
}

#[test]
fn what_runs_and_is_not_known_is_wanted_up_under_its_old_ids() {
    let mut store = saved(&[], &[]);
    let taken = take_up(&mut store, &[run(9, 7)], of(5, "web"));
    assert_eq!(rows(&store), [(7, 5, Goal::Up)]);
    assert_eq!((store.next_app, store.next_process), (AppId(6), ProcessId(8)));
    assert_eq!((taken.names, store.processes[0].restarts), (vec!["web".to_owned()], 3));
    assert_eq!(store.apps[&AppId(5)].name, Name::parse("web").unwrap());
    let is_done = |change: &Change| matches!(change, Change::PutSetting { name, .. } if name == DONE);
    assert!(taken.changes.iter().any(is_done));
}

#[test]
fn it_is_done_once() {
    let mut store = saved(&[], &[]);
    store.settings.insert(DONE.to_owned(), "yes".to_owned());
    let taken = take_up(&mut store, &[run(9, 7)], of(5, "web"));
    assert!(store.processes.is_empty() && taken.changes.is_empty());
}

#[test]
fn what_an_old_copy_says_to_be_down_and_runs_is_wanted_up_and_the_rest_is_as_it_says() {
    let ended = RunReport { ended: Some((Ending::Code(0), 6)), ..run(11, 3) };
    let mut store = saved(
        &[(1, "web")],
        &[(0, 1, Goal::Down), (1, 1, Goal::Up), (2, 1, Goal::Gone), (3, 1, Goal::Down), (4, 1, Goal::Up)],
    );
    take_up(&mut store, &[run(8, 0), run(9, 1), run(10, 2), ended], of(1, "web"));
    let goals: Vec<Goal> = store.processes.iter().map(|row| row.goal).collect();
    assert_eq!(goals, [Goal::Up, Goal::Up, Goal::Gone, Goal::Down, Goal::Up]);
}

#[test]
fn an_app_of_the_copy_gives_way_to_one_of_its_name_that_runs() {
    let mut store = saved(&[(1, "web"), (0, "api")], &[(0, 1, Goal::Up), (1, 0, Goal::Down)]);
    let taken = take_up(&mut store, &[run(9, 7)], of(5, "web"));
    assert_eq!(rows(&store), [(1, 0, Goal::Down), (7, 5, Goal::Up)]);
    assert_eq!(store.apps.keys().copied().collect::<Vec<_>>(), [AppId(0), AppId(5)]);
    assert!(taken.illegible.is_empty());
}

#[test]
fn an_instance_of_the_copy_gives_way_to_its_successor_and_the_definition_stays() {
    let mut store = saved(&[(1, "web")], &[(0, 1, Goal::Up)]);
    take_up(&mut store, &[run(9, 7)], of(1, "other"));
    assert_eq!(rows(&store), [(7, 1, Goal::Up)]);
    assert_eq!(store.apps[&AppId(1)].name, Name::parse("web").unwrap());
}

#[test]
fn the_newest_run_of_a_process_counts() {
    let mut store = saved(&[], &[]);
    let keepsake = |run: u64| {
        let name = if run == 12 { "new" } else { "old" };
        Ok(Keepsake { app: AppId(5), spec: spec(name), instance: 0 })
    };
    take_up(&mut store, &[run(12, 7), run(9, 7)], keepsake);
    assert_eq!(store.apps[&AppId(5)].name, Name::parse("new").unwrap());
}

#[test]
fn a_run_of_which_nothing_is_known_is_left_alone() {
    let mut store = saved(&[], &[]);
    let taken = take_up(&mut store, &[run(9, 7)], |_| Err("torn".to_owned()));
    assert_eq!(taken.illegible, [9]);
    assert!(store.processes.is_empty());
}
