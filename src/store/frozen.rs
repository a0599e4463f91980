//! Stores as earlier versions wrote them, checked in, still load.
//!
//! `tests/fixtures/stores/vN.db` is made once, when schema N is released, and never again:
//! `PMDAEMON_WRITE_FIXTURES=1 cargo nextest run --lib -E 'test(/frozen/)'` writes the one of the
//! present schema if it is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::answers::tests::answer;
use super::operations::tests::operation;
use super::tests::{Place, event, process, session, spec, token};
use super::*;
use crate::model::{
    AppId, End, Goal, Namespaces, OperationId, ProcessId, Reason, Rest, Revision, RevisionCause, Role, RunId,
    Signal,
};
use crate::supervisor::Remembered;

fn fixture(version: i64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/stores/v{version}.db"))
}

/// What is in `v1.db`.
fn content() -> Vec<Change> {
    let errored = Remembered {
        goal: Goal::Down,
        rest: Rest::Errored(Reason::UnstableRuns { count: 16, last: End::Signal(Signal::KILL) }),
        last_end: Some(End::Signal(Signal::KILL)),
        ..process(5, 1)
    };
    vec![
        Change::PutApp { id: AppId(1), spec: spec("web") },
        Change::PutApp { id: AppId(2), spec: spec("gone") },
        Change::PutProcess(process(4, 1)),
        Change::PutProcess(errored),
        Change::PutProcess(process(6, 2)),
        Change::DropProcess(ProcessId(6)),
        Change::DropApp(AppId(2)),
        Change::ReserveRuns(RunId(77)),
        Change::AddEvent(event(1, 4)),
        Change::AddEvent(event(2, 5)),
        Change::PutToken(token("a")),
        Change::PutSession(session("1a", Some("a"))),
    ]
}

/// What `v2.db` has besides.
fn content_of_2() -> (TokenRow, SessionRow, UserRow, AuditRow) {
    let namespaces = Namespaces::parse(["blue", "shop"]).unwrap();
    let token = TokenRow {
        namespaces: namespaces.clone(),
        made_by: Some("local".into()),
        last_used_ms: Some(1_700_000_000_001),
        ..token("b")
    };
    let session =
        SessionRow { subject: "alice".into(), namespaces: namespaces.clone(), ..session("2b", None) };
    let user = UserRow {
        name: "alice".into(),
        password: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
        role: Role::Operator,
        namespaces,
        created_at_ms: 1_700_000_000_000,
    };
    let mut audit = AuditRow {
        seq: 1,
        at_ms: 1_700_000_000_000,
        principal: "alice".into(),
        via: "token".into(),
        source: "127.0.0.1".into(),
        action: "apps.stop".into(),
        target: "web".into(),
        status: 200,
        request_id: "r1".into(),
        hash: String::new(),
    };
    audit.hash = audit.hash_after("");
    (token, session, user, audit)
}

fn changes_of_2() -> Vec<Change> {
    let (token, session, user, audit) = content_of_2();
    vec![Change::PutToken(token), Change::PutSession(session), Change::PutUser(user), Change::AddAudit(audit)]
}

/// What `v3.db` has besides: the third version of a definition, and a run that began with it.
fn changes_of_3() -> Vec<Change> {
    vec![
        Change::AddRevision(revision_of_3()),
        Change::AddEvent(EventRow { revision: Some(3), ..event(3, 4) }),
    ]
}

fn revision_of_3() -> RevisionRow {
    let cause = RevisionCause::RolledBack(1);
    let revision = Revision { number: 3, at_ms: 1_700_000_000_000, author: "alice".into(), cause };
    RevisionRow { app: AppId(1), revision, spec: spec("web") }
}

/// What `v4.db` has besides.
fn changes_of_4() -> Vec<Change> {
    vec![Change::PutOperation(operation(7))]
}

/// What `v5.db` has besides.
fn changes_of_5() -> Vec<Change> {
    vec![Change::PutAnswer(answer("k", 1_700_000_000_000))]
}

/// What `v6.db` has besides.
fn changes_of_6() -> Vec<Change> {
    vec![Change::AddEvent(asked_event())]
}

fn asked_event() -> EventRow {
    EventRow { asked: true, ..event(4, 4) }
}

#[test]
fn ends_that_were_asked_for_are_known_from_what_was_told_of_them_before() {
    let place = Place::new();
    fs::copy(fixture(5), place.path()).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let earlier = rusqlite::Connection::open(place.path()).unwrap();
    for (seq, told) in
        [(91, "web exited with code 143 after 2 s, as asked: to stop"), (92, "web exited with code 1")]
    {
        let sql = "INSERT INTO event (seq, at_ms, app, process, kind, name, namespace, detail)
                   VALUES (?1, 1, 1, 4, 'process.exited', 'web', 'default', ?2)";
        earlier.execute(sql, rusqlite::params![seq, told]).unwrap();
    }
    drop(earlier);
    let query = EventQuery { after: Some(90), limit: 10, ..EventQuery::default() };
    let asked: Vec<bool> = place.open().events(&query).unwrap().iter().map(|event| event.asked).collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn a_store_of_every_released_schema_still_loads() {
    let current = fixture(migrations::CURRENT);
    if std::env::var_os("PMDAEMON_WRITE_FIXTURES").is_some() && !current.exists() {
        let place = Place::new();
        let all = [content(), changes_of_2(), changes_of_3(), changes_of_4(), changes_of_5(), changes_of_6()];
        place.open().apply(&all.concat()).unwrap();
        fs::create_dir_all(current.parent().unwrap()).unwrap();
        fs::copy(place.path(), &current).unwrap();
    }
    for version in 1..=migrations::CURRENT {
        let place = Place::new();
        fs::copy(fixture(version), place.path()).expect("the frozen store is checked in");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
        check(&place.open(), version);
    }
}

fn check(store: &Store, version: i64) {
    let saved = store.load().unwrap();
    assert_eq!(saved.apps.into_iter().collect::<Vec<_>>(), [(AppId(1), spec("web"))]);
    let wanted: Vec<_> = content()
        .into_iter()
        .filter_map(|change| match change {
            Change::PutProcess(row) if row.app == AppId(1) => Some(format!("{row:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(saved.processes.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>(), wanted);
    assert_eq!((saved.next_app, saved.next_process), (AppId(3), ProcessId(7)));
    let next_event = match version {
        6.. => 5,
        3..6 => 4,
        _ => 3,
    };
    assert_eq!((saved.next_run, saved.next_event), (RunId(77), next_event));
    let (mut tokens, mut sessions, mut users) =
        (vec![token("a")], vec![session("1a", Some("a"))], Vec::new());
    if version >= 2 {
        let (token, session, user, audit) = content_of_2();
        assert_eq!(saved.audit, AuditHead { next: 2, hash: audit.hash.clone() });
        assert_eq!(store.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap(), [audit]);
        tokens.push(token);
        sessions.push(session);
        users.push(user);
    }
    assert_eq!(store.verify_audit().unwrap().broken, None);
    assert_eq!((saved.tokens, saved.sessions, saved.users), (tokens, sessions, users));
    assert_eq!(saved.installation.len(), 32);
    let events = store.events(&EventQuery { limit: 10, ..EventQuery::default() }).unwrap();
    assert_eq!(events[..2], [event(1, 4), event(2, 5)]);
    let revisions = store.revisions(AppId(1)).unwrap();
    if version >= 3 {
        let mut expected = vec![EventRow { revision: Some(3), ..event(3, 4) }];
        expected.extend((version >= 6).then(asked_event));
        assert_eq!(events[2..], expected);
        assert_eq!(revisions, [revision_of_3()]);
        assert_eq!(saved.revisions_of_runs[&RunId(3)], 3);
    } else {
        let [first] = &revisions[..] else { panic!("{revisions:?}") };
        assert_eq!((first.revision.number, first.revision.cause), (1, RevisionCause::Found));
        assert_eq!(first.spec, spec("web"));
    }
    let (operations, next) = if version >= 4 { (vec![operation(7)], 8) } else { (Vec::new(), 1) };
    assert_eq!((saved.operations, saved.next_operation), (operations, OperationId(next)));
    let kept = (version >= 5).then(|| answer("k", 1_700_000_000_000));
    assert_eq!(store.answer("token a", "k").unwrap(), kept);
    let newest = revisions.last().map(|row| row.revision.clone());
    assert_eq!(saved.revisions.get(&AppId(1)).map(|revision| (**revision).clone()), newest);
}
