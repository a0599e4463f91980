//! The store on a real file.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{
    AppId, AppSpec, ByteSize, End, Goal, Name, Namespaces, OverMemory, ProcessId, ReadyBy, ReadyPolicy,
    Reason, Rest, RestartPolicy, Role, RunId, Signal, StopPolicy,
};
use crate::supervisor::Remembered;

pub(super) fn spec(name: &str) -> Arc<AppSpec> {
    Arc::new(AppSpec {
        name: Name::parse(name).unwrap(),
        namespace: Name::parse("shop").unwrap(),
        script: "server.js".into(),
        interpreter: Some("node".into()),
        program: "/usr/bin/node".into(),
        args: vec!["server.js".into(), "--port=0 ' \" ü".into()],
        cwd: "/srv/shop".into(),
        inherited_env: BTreeMap::from([("PATH".into(), "/bin".into())]),
        env: BTreeMap::from([("SECRET".into(), "s3cr3t\n".into())]),
        env_sources: Default::default(),
        watch: None,
        schedule: None,
        stdin: false,
        labels: Default::default(),
        interpreter_args: Vec::new(),
        instances: 2,
        numbered: true,
        balance: None,
        port: None,
        spread: Default::default(),
        autostart: false,
        restart: RestartPolicy {
            auto: false,
            max_unstable: 3,
            min_uptime: Duration::from_micros(1_500_001),
            delay: Duration::from_millis(250),
            backoff: None,
            stop_exit_codes: vec![0, 143],
        },
        stop: StopPolicy {
            signal: Signal::parse("INT").unwrap(),
            timeout: Duration::from_secs(3),
            with_message: false,
        },
        roll: Default::default(),
        health: None,
        ready: Default::default(),
        hooks: Default::default(),
        resources: Default::default(),
        logs: Default::default(),
        depends_on: Vec::new(),
    })
}

pub(super) fn process(id: u32, app: u32) -> Remembered {
    Remembered { goal: Goal::Up, restarts: 4, ..Remembered::new(ProcessId(id), AppId(app), 0) }
}

pub(super) fn event(seq: u64, process: u32) -> EventRow {
    EventRow {
        seq,
        at_ms: 1_700_000_000_000 + seq,
        app: Some(AppId(1)),
        process: Some(ProcessId(process)),
        run: Some(RunId(seq)),
        kind: "exited".into(),
        name: "web".into(),
        namespace: "shop".into(),
        detail: "exit code 3 after 2 s".into(),
        end: Some(End::Code(3)),
        asked: false,
        revision: None,
    }
}

pub(super) fn token(jti: &str) -> TokenRow {
    TokenRow {
        jti: jti.into(),
        subject: "local".into(),
        role: Role::Deployer,
        namespaces: Namespaces::All,
        made_by: None,
        last_used_ms: None,
        expires_at_ms: 2_000_000_000_000,
        created_at_ms: 1_700_000_000_000,
        revoked: false,
    }
}

pub(super) fn session(hash: &str, parent: Option<&str>) -> SessionRow {
    SessionRow {
        id_hash: hash.into(),
        subject: "local".into(),
        role: Role::Admin,
        namespaces: Namespaces::All,
        parent_jti: parent.map(Into::into),
        origin: "http://127.0.0.1:9615".into(),
        created_at_ms: 1_700_000_000_000,
        last_seen_ms: 1_700_000_060_000,
        expires_at_ms: 1_700_043_200_000,
    }
}

/// A home for one store.
pub(super) struct Place(pub(super) tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    pub(super) fn open(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// What would be found if whoever has it open died now.
    pub(super) fn after_a_death(&self) -> Saved {
        let other = Place::new();
        for part in ["store.db", "store.db-wal"] {
            std::fs::copy(self.0.path().join(part), other.0.path().join(part)).unwrap();
        }
        other.open().load().unwrap()
    }
}

/// Writes `changes` to a new store, and loads what another opening finds.
fn written(changes: &[Change]) -> Saved {
    let place = Place::new();
    place.open().apply(changes).unwrap();
    place.open().load().unwrap()
}

#[test]
fn a_new_store_is_empty_and_has_a_name_that_stays() {
    let (place, other) = (Place::new(), Place::new());
    let first = place.open().load().unwrap();
    assert!(first.apps.is_empty() && first.processes.is_empty() && first.tokens.is_empty());
    assert_eq!((first.next_app, first.next_process), (AppId(0), ProcessId(0)));
    assert_eq!((first.next_run, first.next_event), (RunId(1), 1));
    assert_eq!(first.installation.len(), 32);
    assert_eq!(place.open().load().unwrap().installation, first.installation);
    assert_ne!(other.open().load().unwrap().installation, first.installation);
}

#[test]
fn an_app_comes_back_field_by_field() {
    let mut odd = AppSpec::clone(&spec("odd"));
    odd.interpreter = None;
    odd.restart = RestartPolicy::default();
    odd.ready = ReadyPolicy { by: ReadyBy::Log("up".into()), limit: Duration::from_secs(9) };
    odd.stop.with_message = true;
    let saved = written(&[
        Change::PutApp { id: AppId(1), spec: spec("old") },
        Change::PutApp { id: AppId(1), spec: spec("web") },
        Change::PutApp { id: AppId(2), spec: Arc::new(odd.clone()) },
    ]);
    assert_eq!(saved.apps, BTreeMap::from([(AppId(1), spec("web")), (AppId(2), Arc::new(odd))]));
}

#[test]
fn a_process_comes_back_with_every_goal_rest_and_end() {
    let ends = [End::Code(-1), End::Code(255), End::Signal(Signal::KILL), End::OutOfMemory, End::Unknown];
    let rests = ends
        .iter()
        .flat_map(|end| {
            [
                Rest::Stopped,
                Rest::Errored(Reason::Unhealthy { count: 2, complaint: "answered 503".into() }),
                Rest::Errored(Reason::NotReady { count: Some(2), limit: Duration::from_secs(3) }),
                Rest::Errored(Reason::OverMemory {
                    count: 16,
                    over: OverMemory { used: ByteSize(600), limit: ByteSize(512) },
                }),
                Rest::Errored(Reason::NotReady { count: None, limit: Duration::from_secs(3) }),
                Rest::Errored(Reason::Ended(*end)),
                Rest::Errored(Reason::UnstableRuns { count: 16, last: *end }),
                Rest::Errored(Reason::CannotSpawn("no such file".into())),
            ]
        })
        .collect::<Vec<_>>();
    let mut all = Vec::new();
    for goal in [Goal::Up, Goal::Down, Goal::Gone] {
        for rest in &rests {
            for last_end in ends.into_iter().map(Some).chain([None]) {
                let id = all.len() as u32;
                let reset_at = id.is_multiple_of(2).then_some(RunId(u64::from(id)));
                all.push(Remembered {
                    goal,
                    rest: rest.clone(),
                    last_end,
                    instance: id,
                    reset_at,
                    ..process(id, 1)
                });
            }
        }
    }
    // The app comes after its processes: within a transaction the order does not matter.
    let mut changes: Vec<_> = all.iter().cloned().map(Change::PutProcess).collect();
    changes.push(Change::PutApp { id: AppId(1), spec: spec("web") });
    let saved = written(&changes);
    assert_eq!(format!("{:?}", saved.processes), format!("{all:?}"));
}

#[test]
fn numbers_never_go_back_not_even_when_the_newest_row_is_deleted() {
    let place = Place::new();
    let mut store = place.open();
    store
        .apply(&[
            Change::PutApp { id: AppId(7), spec: spec("web") },
            Change::PutProcess(process(40, 7)),
            Change::AddEvent(event(12, 40)),
            Change::ReserveRuns(RunId(1000)),
        ])
        .unwrap();
    store.apply(&[Change::DropProcess(ProcessId(40)), Change::DropApp(AppId(7))]).unwrap();
    store.apply(&[Change::ReserveRuns(RunId(5)), Change::AddEvent(event(3, 40))]).unwrap();
    // Replaced in a backlog by its end, a process was never written itself.
    store.apply(&[Change::DropProcess(ProcessId(50))]).unwrap();
    drop(store);
    let saved = place.open().load().unwrap();
    assert_eq!((saved.next_app, saved.next_process), (AppId(8), ProcessId(51)));
    assert_eq!((saved.next_run, saved.next_event), (RunId(1000), 13));
    assert!(saved.apps.is_empty() && saved.processes.is_empty());
}

#[test]
fn a_list_of_changes_is_written_whole_or_not_at_all() {
    let place = Place::new();
    let mut store = place.open();
    let orphan = Change::PutProcess(process(1, 99));
    let refused = store.apply(&[Change::PutApp { id: AppId(1), spec: spec("web") }, orphan]);
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    assert!(store.load().unwrap().apps.is_empty());
    store.apply(&[Change::PutApp { id: AppId(1), spec: spec("web") }]).unwrap();
    assert_eq!(store.load().unwrap().next_process, ProcessId(0));
}

#[test]
fn tokens_and_sessions_come_back_and_a_session_ends_with_its_token() {
    let place = Place::new();
    let mut store = place.open();
    let put = |row: &SessionRow| Change::PutSession(row.clone());
    let (of_a, of_b, own) = (session("1a", Some("a")), session("2b", Some("b")), session("3c", None));
    store.apply(&[Change::PutToken(token("a")), Change::PutToken(token("b"))]).unwrap();
    store.apply(&[put(&of_a), put(&of_b), put(&own)]).unwrap();
    let saved = store.load().unwrap();
    assert_eq!(saved.tokens, [token("a"), token("b")]);
    assert_eq!(saved.sessions, [of_a, of_b.clone(), own.clone()]);

    store.apply(&[Change::RevokeToken("a".into())]).unwrap();
    let saved = store.load().unwrap();
    assert_eq!(saved.tokens, [TokenRow { revoked: true, ..token("a") }, token("b")]);
    assert_eq!(saved.sessions, [of_b, own.clone()]);
    store.apply(&[Change::PutToken(TokenRow { last_used_ms: Some(9), ..token("a") })]).unwrap();
    let a = &store.load().unwrap().tokens[0];
    assert_eq!((a.revoked, a.last_used_ms), (true, Some(9)), "what is void stays void");

    store.apply(&[Change::DropToken("b".into())]).unwrap();
    assert_eq!(store.load().unwrap().sessions, [own]);
    store.apply(&[Change::DropSession("3c".into())]).unwrap();
    assert!(store.load().unwrap().sessions.is_empty());
}

#[test]
fn users_and_namespaces_come_back_and_sessions_by_password_end_with_their_user() {
    let place = Place::new();
    let mut store = place.open();
    let namespaces = Namespaces::parse(["shop", "blue"]).unwrap();
    let user = UserRow {
        name: "alice".into(),
        password: "$argon2id$x".into(),
        role: Role::Deployer,
        namespaces: namespaces.clone(),
        created_at_ms: 1,
    };
    let of_alice =
        SessionRow { subject: "alice".into(), namespaces: namespaces.clone(), ..session("1a", None) };
    let by_token = SessionRow { subject: "alice".into(), ..session("2b", Some("a")) };
    let used = TokenRow { namespaces, made_by: Some("alice".into()), last_used_ms: Some(7), ..token("a") };
    store
        .apply(&[
            Change::PutUser(user.clone()),
            Change::PutSession(of_alice.clone()),
            Change::PutSession(by_token.clone()),
            Change::PutToken(used.clone()),
        ])
        .unwrap();
    let saved = store.load().unwrap();
    assert_eq!((saved.users, saved.tokens), (vec![user], vec![used]));
    assert_eq!(saved.sessions, [of_alice, by_token.clone()]);
    store.apply(&[Change::DropUser("alice".into())]).unwrap();
    let saved = store.load().unwrap();
    assert_eq!((saved.users, saved.sessions), (Vec::new(), vec![by_token]));
}

#[test]
fn events_are_read_in_pages_forward_or_from_the_end() {
    let place = Place::new();
    let mut store = place.open();
    let bare = EventRow { run: None, end: None, detail: String::new(), ..event(10, 2) };
    let own = EventRow { app: None, process: None, ..event(11, 2) };
    let mut rows: Vec<_> = (1..10).map(|seq| event(seq, seq as u32 % 3)).collect();
    rows.extend([bare, own]);
    store.apply(&rows.iter().cloned().map(Change::AddEvent).collect::<Vec<_>>()).unwrap();

    let check = |query: EventQuery, wanted: &[u64]| {
        let found = store.events(&query).unwrap();
        assert_eq!(found.iter().map(|row| row.seq).collect::<Vec<_>>(), wanted, "{query:?}");
        assert!(found.iter().all(|row| rows.contains(row)));
    };
    let all = EventQuery { limit: 100, ..EventQuery::default() };
    check(all.clone(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    check(EventQuery { limit: 0, ..all.clone() }, &[]);
    check(EventQuery { limit: 3, ..all.clone() }, &[1, 2, 3]);
    check(EventQuery { limit: 3, newest: true, ..all.clone() }, &[9, 10, 11]);
    check(EventQuery { after: Some(8), ..all.clone() }, &[9, 10, 11]);
    check(EventQuery { after: Some(u64::MAX), ..all.clone() }, &[]);
    check(EventQuery { before: Some(3), ..all.clone() }, &[1, 2]);
    check(EventQuery { before: Some(9), after: Some(2), limit: 2, newest: true, ..all.clone() }, &[7, 8]);
    check(EventQuery { process: Some(ProcessId(1)), ..all.clone() }, &[1, 4, 7]);
    check(
        EventQuery {
            before: None,
            process: Some(ProcessId(2)),
            after: Some(2),
            limit: 2,
            newest: true,
            namespaces: None,
            kind: None,
        },
        &[8, 10],
    );
    let of_shop = Some(vec!["blue".to_owned(), "shop".to_owned()]);
    // What happened to pmdaemon itself is in no namespace.
    check(EventQuery { namespaces: of_shop, ..all.clone() }, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    check(EventQuery { namespaces: Some(vec!["sho".to_owned()]), ..all.clone() }, &[]);
    check(EventQuery { namespaces: Some(Vec::new()), ..all }, &[]);
}

#[test]
fn old_events_give_way_and_the_newest_hundred_thousand_stay() {
    let place = Place::new();
    let mut store = place.open();
    let newest = 103_500;
    for first in (1..=newest).step_by(10_000) {
        let page = first..=newest.min(first + 9_999);
        store.apply(&page.map(|seq| Change::AddEvent(event(seq, 1))).collect::<Vec<_>>()).unwrap();
    }
    let all = store.events(&EventQuery { limit: usize::MAX, ..EventQuery::default() }).unwrap();
    assert_eq!(all.last().unwrap().seq, newest);
    assert_eq!(all.first().unwrap().seq, 3_001);
    assert!((events::KEPT as usize..events::KEPT as usize + 1_000).contains(&all.len()));
}

#[test]
fn nothing_is_lost_when_the_daemon_dies_without_closing() {
    let place = Place::new();
    let mut store = place.open();
    store.apply(&[Change::PutApp { id: AppId(1), spec: spec("web") }]).unwrap();
    // What a killed process leaves: database, WAL, no checkpoint.
    let copy = Place::new();
    for suffix in ["", "-wal"] {
        let name = format!("store.db{suffix}");
        fs::copy(place.0.path().join(&name), copy.0.path().join(&name)).unwrap();
    }
    assert_eq!(copy.open().load().unwrap().apps.len(), 1);
}
