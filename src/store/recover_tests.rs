//! What becomes of a store that is not what we wrote.

use std::fs;
use std::path::PathBuf;

use super::super::tests::{Place, event, process, session, spec, token};
use super::super::{Backups, Change, UserRow};
use super::*;
use crate::model::{AppId, Namespaces, Role, RunId};

const NOW: u64 = 1_795_640_494_000;

fn backups(place: &Place) -> Backups {
    Backups::at(place.0.path().join("backup"))
}

fn opened(place: &Place) -> Opened {
    open(&place.path(), &backups(place), NOW).unwrap()
}

/// A store with one app and many events, and a copy of it; then one app more.
fn store_with_a_copy() -> Place {
    let place = Place::new();
    let mut store = place.open();
    let events = (1..=500).map(|seq| Change::AddEvent(event(seq, 4)));
    let first = [Change::PutApp { id: AppId(1), spec: spec("web") }, Change::PutProcess(process(4, 1))];
    let user = UserRow {
        name: "alice".into(),
        password: "hash".into(),
        role: Role::Viewer,
        namespaces: Namespaces::All,
        created_at_ms: 1,
    };
    let session = Change::PutSession(session("s", Some("t")));
    let proofs = [Change::PutToken(token("t")), session, Change::PutUser(user)];
    store.apply(&first.into_iter().chain(proofs).chain(events).collect::<Vec<_>>()).unwrap();
    store.apply(&[Change::ReserveRuns(RunId(1001))]).unwrap();
    back_up(&place, &store);
    store.apply(&[Change::PutApp { id: AppId(2), spec: spec("later") }]).unwrap();
    place
}

fn back_up(place: &Place, store: &Store) {
    let backups = backups(place);
    backups.keep(backups.draft(store).unwrap()).unwrap();
}

type Damage = (&'static str, fn(&Place));

fn overwrite(place: &Place, bytes: &[u8]) {
    for part in ["-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&place.path(), part));
    }
    fs::write(place.path(), bytes).unwrap();
}

fn scratch(place: &Place) {
    let mut bytes = fs::read(place.path()).unwrap();
    bytes[4096..12_288].iter_mut().for_each(|byte| *byte ^= 0x5a);
    overwrite(place, &bytes);
}

const DAMAGES: [Damage; 7] = [
    ("garbage", |place| overwrite(place, b"not a database at all, but long enough to be looked at")),
    ("truncated", |place| {
        let bytes = fs::read(place.path()).unwrap();
        overwrite(place, &bytes[..bytes.len() / 2]);
    }),
    ("emptied", |place| overwrite(place, b"")),
    ("scratched", scratch),
    ("newer", |place| {
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        connection.pragma_update(None, "user_version", 4711).unwrap();
    }),
    ("senseless", |place| {
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        connection.execute("UPDATE app SET spec = '{\"name\":1}'", []).unwrap();
    }),
    ("a directory", |place| {
        fs::remove_file(place.path()).unwrap();
        fs::create_dir(place.path()).unwrap();
        fs::write(place.path().join("inside"), "x").unwrap();
    }),
];

fn asides(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.0.path()).unwrap().map(|entry| entry.unwrap().path());
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("store.db.") && !name.ends_with("-wal") && !name.ends_with("-shm")
    };
    entries.filter(is_aside).collect()
}

#[test]
fn whatever_the_damage_the_copy_takes_its_place_and_the_file_is_kept() {
    for (what, damage) in DAMAGES {
        let place = store_with_a_copy();
        damage(&place);
        let Opened { saved, loss, store } = opened(&place);
        let loss = loss.unwrap_or_else(|| panic!("{what}: no loss"));
        assert_eq!(saved.apps.keys().copied().collect::<Vec<_>>(), [AppId(1)], "{what}");
        assert_eq!(saved.processes.len(), 1, "{what}");
        assert!(saved.tokens.is_empty() && saved.sessions.is_empty(), "{what}: a revoked one could be back");
        assert!(
            saved.users.iter().all(|user| user.password.is_empty()) && saved.users.len() == 1,
            "{what}: {saved:?}"
        );
        assert!(saved.next_run >= RunId(1_001_001) && saved.next_event >= 1_000_501, "{what}: {saved:?}");
        assert_eq!(Some(asides(&place)), loss.kept.clone().map(|kept| vec![kept]), "{what}");
        let name = loss.kept.clone().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let word = if what == "newer" { "newer" } else { "damaged" };
        assert_eq!(name, format!("store.db.{word}-20261125T210134Z"), "{what}");
        let told = loss.to_string();
        for words in [name.as_str(), "store-000001.db is used instead", "is lost", "taken over"] {
            assert!(told.contains(words), "{what}: {words}: {told}");
        }
        drop(store);
        let again = opened(&place);
        assert!(again.loss.is_none(), "{what}: once is enough");
        let noted = Noted::of(&again.saved).expect("it is remembered");
        assert_eq!((noted.at_ms, noted.what), (NOW, told), "{what}");
    }
}

#[test]
fn without_a_good_copy_an_empty_store_is_begun() {
    for (what, damage) in DAMAGES {
        let place = store_with_a_copy();
        damage(&place);
        let copy = backups(&place).list().remove(0);
        fs::write(&copy.path, "no database either").unwrap();
        let Opened { saved, loss, .. } = opened(&place);
        assert!(saved.apps.is_empty() && saved.next_run > RunId(1_000_000), "{what}");
        let told = loss.expect("a loss").to_string();
        assert!(told.contains("there is no good copy"), "{what}: {told}");
        assert!(copy.path.exists(), "{what}: a copy that is of no use is nobody's to remove");
    }
}

#[test]
fn an_older_copy_is_used_when_the_youngest_is_of_no_use() {
    let place = store_with_a_copy();
    back_up(&place, &place.open());
    let list = backups(&place).list();
    fs::write(&list[0].path, "torn").unwrap();
    scratch(&place);
    let Opened { saved, loss, .. } = opened(&place);
    assert_eq!(saved.apps.len(), 1);
    assert_eq!(loss.unwrap().copy, Some(list[1].clone()));
}

#[test]
fn a_first_start_is_no_loss_and_a_store_that_vanished_is_one() {
    let place = Place::new();
    assert!(opened(&place).loss.is_none());
    let place = store_with_a_copy();
    overwrite(&place, b"");
    fs::remove_file(place.path()).unwrap();
    let loss = opened(&place).loss.expect("there was one");
    assert_eq!(loss.kept, None);
    assert!(loss.to_string().contains("is not there, although there was one"), "{loss}");
}

#[test]
fn what_is_kept_aside_never_takes_the_place_of_another() {
    let place = store_with_a_copy();
    scratch(&place);
    drop(opened(&place));
    scratch(&place);
    drop(opened(&place));
    assert_eq!(asides(&place).len(), 2);
}

#[test]
fn one_that_its_owner_must_look_at_is_refused_and_stays() {
    use std::os::unix::fs::PermissionsExt;
    let place = store_with_a_copy();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = open(&place.path(), &backups(&place), NOW).err().expect("refused");
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
    assert!(asides(&place).is_empty());
}
