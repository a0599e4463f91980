//! The file itself: whose it is, and what becomes of one that is not what we wrote.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::tests::{Place, spec};
use super::*;
use crate::model::{AppId, RunId};

fn refusal(place: &Place) -> StoreError {
    Store::open(&place.path()).err().expect("it opened")
}

#[test]
fn the_files_are_for_their_owner_alone_whatever_the_umask() {
    let place = Place::new();
    nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    let mut store = place.open();
    store.apply(&[Change::ReserveRuns(RunId(9))]).unwrap();
    let files: Vec<_> = fs::read_dir(place.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "database and WAL: {files:?}");
    for file in files {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600, "{file:?}");
    }
}

#[test]
fn what_is_committed_is_synced() {
    let place = Place::new();
    let store = place.open();
    let pragma = |name: &str| -> String {
        store
            .connection
            .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("locking_mode"), "exclusive");
    assert!(!place.path().with_file_name("store.db-shm").exists(), "nothing of it is mapped");
    assert_eq!(pragma("synchronous"), "2", "FULL");
    assert_eq!(pragma("foreign_keys"), "1");
}

#[test]
fn a_store_that_is_a_link_or_open_to_others_is_refused_with_what_to_do() {
    let place = Place::new();
    drop(place.open());
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let sentence = refusal(&place).to_string();
    assert!(sentence.contains(&format!("chmod 600 {}", place.path().display())), "{sentence}");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();

    let link = place.0.path().join("link.db");
    symlink(place.path(), &link).unwrap();
    assert!(matches!(Store::open(&link), Err(StoreError::Unsafe { .. })));
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(place.path(), Some(65_534), None).unwrap();
        assert!(refusal(&place).to_string().contains("belongs to user 65534"));
    }
}

#[test]
fn a_store_of_a_newer_pmdaemon_is_refused_and_left_as_it_is() {
    let place = Place::new();
    place.open().connection.pragma_update(None, "user_version", 4_711).unwrap();
    let before = fs::read(place.path()).unwrap();
    let sentence = refusal(&place).to_string();
    assert!(sentence.contains("newer pmdaemon") && sentence.contains("4711"), "{sentence}");
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

fn full_store(place: &Place) {
    let mut store = place.open();
    let apps = (0..200).map(|id| Change::PutApp { id: AppId(id), spec: spec("web") });
    store.apply(&apps.collect::<Vec<_>>()).unwrap();
}

fn is_damaged(error: &StoreError, path: &Path) -> bool {
    matches!(error, StoreError::Damaged { .. }) && error.to_string().contains(path.to_str().unwrap())
}

#[test]
fn a_damaged_file_is_named() {
    let place = Place::new();
    full_store(&place);
    let good = fs::read(place.path()).unwrap();
    let mut scratched = good.clone();
    for byte in &mut scratched[8192..12_288] {
        *byte ^= 0x5a;
    }
    for bad in
        [b"not a database at all, but long enough to look".to_vec(), scratched, good[..20_000].to_vec()]
    {
        fs::write(place.path(), &bad).unwrap();
        let error = refusal(&place);
        assert!(is_damaged(&error, &place.path()), "{error}");
    }
    fs::write(place.path(), &good).unwrap();
    assert_eq!(place.open().load().unwrap().apps.len(), 200);
}

#[test]
fn a_row_that_makes_no_sense_is_named_instead_of_skipped() {
    let place = Place::new();
    full_store(&place);
    for (sql, row) in [
        ("UPDATE app SET spec = '{\"name\":1}' WHERE id = 17", "row 17 of table app"),
        (
            "INSERT INTO process VALUES (3, 1, '{\"instance\":0,\"goal\":\"sideways\"}')",
            "row 3 of table process",
        ),
        (
            "INSERT INTO token (jti, subject, role, expires_at_ms, created_at_ms, revoked)
              VALUES ('j', 's', 'emperor', 1, 1, 0)",
            "row j of table token",
        ),
    ] {
        let store = place.open();
        store.connection.execute_batch(sql).unwrap();
        let error = store.load().unwrap_err();
        assert!(is_damaged(&error, &place.path()) && error.to_string().contains(row), "{error}");
        let undo = "DELETE FROM process; DELETE FROM token; DELETE FROM app WHERE id = 17";
        store.connection.execute_batch(undo).unwrap();
    }
}
