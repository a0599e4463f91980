//! Logging in, staying in, and being put out.

use std::time::Duration;

use super::codes::{LIFE_MS as CODE_LIFE, OUTSTANDING};
use super::sessions::{IDLE_MS, LIFE_MS};
use super::*;
use crate::model::Role;
use crate::store::{Change, Store};

const NOW: u64 = 1_800_000_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
const ORIGIN: &str = "http://127.0.0.1:9615";

struct Scene {
    accounts: Accounts,
    principal: Principal,
    jti: String,
    changes: Vec<Change>,
}

/// Somebody with a token that counts for a day.
fn scene() -> Scene {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut accounts = Accounts::new(key, "here".into(), Vec::new(), Vec::new(), Vec::new());
    let (jwt, change) = accounts.mint(&Grant::everywhere("alice", Role::Deployer), None, DAY, NOW);
    let principal = accounts.verify_token(&jwt, NOW).unwrap();
    let Via::Token { jti } = &principal.via else { panic!("by token") };
    let jti = jti.clone();
    Scene { accounts, principal, jti, changes: vec![change] }
}

#[test]
fn a_token_lives_a_year_at_most_and_each_has_an_id_of_its_own() {
    let mut accounts = scene().accounts;
    let mut ids = std::collections::HashSet::new();
    for (life, lives_ms) in [(Duration::MAX, 365 * 86_400_000), (Duration::from_millis(2_999), 2_000)] {
        for _ in 0..100 {
            let (jwt, change) =
                accounts.mint(&Grant::everywhere("alice", Role::Viewer), None, life, NOW + 999);
            let Change::PutToken(row) = change else { panic!("a token") };
            assert_eq!(row.expires_at_ms, NOW + lives_ms);
            assert!(accounts.verify_token(&jwt, NOW + 999).is_ok());
            assert!(ids.insert(row.jti));
        }
    }
}

#[test]
fn a_login_code_opens_one_session_within_a_minute() {
    let mut scene = scene();
    let code = scene.accounts.make_login_code(&scene.principal, NOW);
    assert!(
        code.len() >= 43 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
        "{code}"
    );
    assert!(scene.accounts.redeem_login_code(&code[1..], ORIGIN, NOW).is_none());
    let (id, _) = scene.accounts.redeem_login_code(&code, ORIGIN, NOW + CODE_LIFE - 1).unwrap();
    let found = scene.accounts.verify_session(&id, Some(ORIGIN), NOW + CODE_LIFE).unwrap();
    assert_eq!((found.subject.as_str(), found.role), ("alice", Role::Deployer));
    assert!(scene.accounts.redeem_login_code(&code, ORIGIN, NOW + 1).is_none(), "a second use");

    let code = scene.accounts.make_login_code(&scene.principal, NOW);
    assert!(scene.accounts.redeem_login_code(&code, ORIGIN, NOW + CODE_LIFE).is_none(), "too late");
}

#[test]
fn of_too_many_login_codes_the_oldest_is_void() {
    let mut scene = scene();
    let mut make = |at| scene.accounts.make_login_code(&scene.principal, at);
    let codes: Vec<_> = (0..=OUTSTANDING as u64).map(|ms| make(NOW + ms)).collect();
    let mut valid = |code: &String| scene.accounts.redeem_login_code(code, ORIGIN, NOW + 200).is_some();
    assert!(!valid(&codes[0]));
    assert!(codes[1..].iter().all(&mut valid));
}

#[test]
fn a_login_code_is_void_when_its_maker_is_put_out() {
    let mut by_token = scene();
    let code = by_token.accounts.make_login_code(&by_token.principal, NOW);
    by_token.accounts.revoke(&by_token.jti).unwrap();
    assert!(by_token.accounts.redeem_login_code(&code, ORIGIN, NOW).is_none());

    let mut by_session = scene();
    let (id, _) = by_session.accounts.open_session(&by_session.principal, ORIGIN, NOW);
    let principal = by_session.accounts.verify_session(&id, None, NOW).unwrap();
    let code = by_session.accounts.make_login_code(&principal, NOW);
    by_session.accounts.end_session(&id).unwrap();
    assert!(by_session.accounts.redeem_login_code(&code, ORIGIN, NOW).is_none());
    // Verified before, ended since: the race gives nobody a session that outlives its token.
    let (late, _) = by_session.accounts.open_session(&principal, ORIGIN, NOW);
    assert!(by_session.accounts.verify_session(&late, None, NOW).is_err());
}

#[test]
fn a_session_counts_for_its_origin_only() {
    let mut scene = scene();
    let (id, _) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    for other in ["http://127.0.0.1:9616", "https://127.0.0.1:9615", "http://localhost:9615", "null", ""] {
        assert_eq!(scene.accounts.verify_session(&id, Some(other), NOW), Err(Refused::Unknown), "{other}");
    }
    assert!(scene.accounts.verify_session(&id, Some(ORIGIN), NOW).is_ok());
    assert!(scene.accounts.verify_session(&id, None, NOW).is_ok());
    for guess in ["", "x", &id[1..], &crate::secrets::random::hash(&id)] {
        assert_eq!(scene.accounts.verify_session(guess, Some(ORIGIN), NOW), Err(Refused::Unknown));
    }
}

#[test]
fn a_session_ends_when_nobody_uses_it_and_after_half_a_day_in_any_case() {
    let mut scene = scene();
    let (idle, _) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    let (used, _) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    let mut verify = |id: &str, after: u64| scene.accounts.verify_session(id, None, NOW + after);
    assert_eq!(verify(&idle, IDLE_MS), Err(Refused::Expired));
    for after in (0..LIFE_MS).step_by(IDLE_MS as usize - 1) {
        assert!(verify(&used, after).is_ok(), "after {after} ms");
    }
    assert!(verify(&used, LIFE_MS - 1).is_ok());
    assert_eq!(verify(&used, LIFE_MS), Err(Refused::Expired));
}

#[test]
fn a_session_ends_with_the_token_that_it_came_from_also_over_a_second_link() {
    let mut scene = scene();
    let (first, _) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    let principal = scene.accounts.verify_session(&first, None, NOW).unwrap();
    let code = scene.accounts.make_login_code(&principal, NOW);
    let (second, _) = scene.accounts.redeem_login_code(&code, ORIGIN, NOW).unwrap();
    let second_principal = scene.accounts.verify_session(&second, None, NOW).unwrap();
    assert_eq!(scene.accounts.still_valid(&second_principal, NOW), Ok(()));
    scene.accounts.revoke(&scene.jti).unwrap();
    for id in [&first, &second] {
        assert!(scene.accounts.verify_session(id, None, NOW).is_err());
    }
    assert_eq!(scene.accounts.still_valid(&second_principal, NOW), Err(Refused::Revoked));
    assert_eq!(scene.accounts.still_valid(&scene.principal, NOW), Err(Refused::Revoked));
}

#[test]
fn a_session_ends_when_its_token_expires() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut accounts = Accounts::new(key, "here".into(), Vec::new(), Vec::new(), Vec::new());
    let (jwt, _) =
        accounts.mint(&Grant::everywhere("alice", Role::Admin), None, Duration::from_secs(60), NOW);
    let principal = accounts.verify_token(&jwt, NOW).unwrap();
    let (id, _) = accounts.open_session(&principal, ORIGIN, NOW);
    assert!(accounts.verify_session(&id, None, NOW + 59_999).is_ok());
    assert_eq!(accounts.verify_session(&id, None, NOW + 60_000), Err(Refused::Expired));
    assert_eq!(accounts.still_valid(&principal, NOW + 60_000), Err(Refused::Expired));
}

#[test]
fn after_logout_the_session_is_dead() {
    let mut scene = scene();
    let (id, _) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    let principal = scene.accounts.verify_session(&id, None, NOW).unwrap();
    assert!(matches!(scene.accounts.end_session(&id), Some(Change::DropSession(_))));
    assert!(scene.accounts.end_session(&id).is_none());
    assert_eq!(scene.accounts.verify_session(&id, None, NOW), Err(Refused::Unknown));
    assert_eq!(scene.accounts.still_valid(&principal, NOW), Err(Refused::Revoked));
}

#[test]
fn what_is_expired_is_forgotten_in_memory_and_in_the_store_and_use_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.db")).unwrap();
    let mut scene = scene();
    let (_, other) =
        scene.accounts.mint(&Grant::everywhere("bob", Role::Viewer), None, Duration::from_secs(600), NOW);
    let (used, put_used) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    let (_, put_idle) = scene.accounts.open_session(&scene.principal, ORIGIN, NOW);
    scene.changes.extend([other, put_used, put_idle]);
    store.apply(&scene.changes).unwrap();
    assert!(scene.accounts.sweep(NOW + 1).is_empty(), "nothing has changed");

    let later = NOW + 600_000;
    scene.accounts.verify_session(&used, None, later).unwrap();
    store.apply(&scene.accounts.sweep(later)).unwrap();
    let saved = store.load().unwrap();
    assert_eq!(saved.tokens.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["alice"]);
    let mut seen: Vec<_> = saved.sessions.iter().map(|row| row.last_seen_ms).collect();
    seen.sort();
    assert_eq!(seen, [NOW, later]);

    store.apply(&scene.accounts.sweep(NOW + IDLE_MS)).unwrap();
    assert_eq!(store.load().unwrap().sessions.len(), 1);
    // The next daemon takes up what is left.
    let saved = store.load().unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut next = Accounts::new(key, "here".into(), saved.tokens, saved.sessions, saved.users);
    assert!(next.verify_session(&used, Some(ORIGIN), later + IDLE_MS - 1).is_ok());
    store.apply(&next.sweep(NOW + 86_400_000)).unwrap();
    let saved = store.load().unwrap();
    assert!(saved.tokens.is_empty() && saved.sessions.is_empty());
}

/// Row 12 of the security checklist.
#[test]
fn no_token_session_id_or_code_is_in_the_files_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.db")).unwrap();
    let Scene { mut accounts, principal, changes, .. } = scene();
    let (jwt, minted) = accounts.mint(&Grant::everywhere("carol", Role::Admin), None, DAY, NOW);
    let (pasted, opened) = accounts.open_session(&principal, ORIGIN, NOW);
    let code = accounts.make_login_code(&principal, NOW);
    let (linked, redeemed) = accounts.redeem_login_code(&code, ORIGIN, NOW).unwrap();
    store.apply(&changes).unwrap();
    store.apply(&[minted, opened, redeemed]).unwrap();

    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        holds("carol") && holds(&crate::secrets::random::hash(&pasted)),
        "the search finds what is there"
    );
    let signature = jwt.rsplit('.').next().unwrap();
    for secret in [jwt.as_str(), signature, &pasted, &linked, &code] {
        assert!(!holds(secret), "{secret}");
    }
    let shown = format!("{accounts:?}");
    for secret in [signature, &pasted, &linked, &code] {
        assert!(!shown.contains(secret));
    }
}

/// Alice, who logs in with a password.
fn alice() -> crate::store::UserRow {
    crate::store::UserRow {
        name: "alice".into(),
        password: "kept".into(),
        role: Role::Operator,
        namespaces: crate::model::Namespaces::parse(["shop"]).unwrap(),
        created_at_ms: NOW,
    }
}

#[test]
fn a_session_of_a_user_ends_with_the_password_the_role_and_the_user() {
    type End = fn(&mut Accounts) -> Vec<Change>;
    let ends: [End; 3] = [
        |accounts| accounts.set_password("alice", "other".into()),
        |accounts| accounts.set_grant("alice", Role::Admin, crate::model::Namespaces::All),
        |accounts| accounts.remove_user("alice"),
    ];
    for end in ends {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.db")).unwrap();
        let mut accounts =
            Accounts::new(SigningKey::from_bytes(&[7; 32]), "here".into(), vec![], vec![], vec![]);
        let mut changes = vec![accounts.add_user(alice())];
        let (id, opened) = accounts.open_session_of_user(&alice(), ORIGIN, NOW).unwrap();
        let principal = accounts.verify_session(&id, Some(ORIGIN), NOW).unwrap();
        assert_eq!((principal.role, principal.namespaces.words()), (Role::Operator, vec!["shop".to_owned()]));
        let grant = |name: &str| Grant { subject: name.into(), ..Grant::everywhere(name, Role::Viewer) };
        let (login, of_alice) = accounts.mint(&grant("alice"), Some("alice"), DAY, NOW);
        let (ci, of_ci) = accounts.mint(&grant("ci"), Some("alice"), DAY, NOW);
        let (other, of_other) = accounts.mint(&grant("other"), Some("local"), DAY, NOW);
        let code = accounts.make_login_code(&principal, NOW);
        changes.extend([opened, of_alice, of_ci, of_other]);
        changes.extend(end(&mut accounts));
        assert!(accounts.verify_session(&id, Some(ORIGIN), NOW).is_err());
        assert!(accounts.still_valid(&principal, NOW).is_err());
        assert!(accounts.verify_token(&login, NOW).is_err());
        if let Some((late, _)) = accounts.redeem_login_code(&code, ORIGIN, NOW) {
            assert!(accounts.verify_session(&late, Some(ORIGIN), NOW).is_err(), "a link made before");
        }
        assert!(accounts.verify_token(&other, NOW).is_ok());
        // A new password puts out who logged in by the old one; what was made for programs stays.
        let only_password = accounts.user("alice").is_some_and(|row| row.password == "other");
        assert_eq!(accounts.verify_token(&ci, NOW).is_ok(), only_password);
        // So it is for the next daemon.
        store.apply(&changes).unwrap();
        let saved = store.load().unwrap();
        assert!(saved.sessions.is_empty());
        let key = SigningKey::from_bytes(&[7; 32]);
        let next = Accounts::new(key, "here".into(), saved.tokens, saved.sessions, saved.users);
        assert!(next.verify_token(&login, NOW).is_err() && next.verify_token(&other, NOW).is_ok());
        assert_eq!(next.verify_token(&ci, NOW).is_ok(), only_password);
    }
}

#[test]
fn whoever_was_verified_by_what_has_changed_meanwhile_is_not_let_in_and_brings_nothing_back() {
    let changes: [fn(&mut Accounts); 3] = [
        |accounts| _ = accounts.set_password("alice", "other".into()),
        |accounts| _ = accounts.set_grant("alice", Role::Admin, crate::model::Namespaces::All),
        |accounts| _ = accounts.remove_user("alice"),
    ];
    for change in changes {
        let mut accounts =
            Accounts::new(SigningKey::from_bytes(&[7; 32]), "here".into(), vec![], vec![], vec![alice()]);
        assert!(accounts.is_still(&alice()));
        change(&mut accounts);
        let before = accounts.users();
        assert!(!accounts.is_still(&alice()));
        assert!(accounts.open_session_of_user(&alice(), ORIGIN, NOW).is_none());
        assert!(accounts.rehash(&alice(), "the old one, kept in another way".into()).is_none());
        assert_eq!(accounts.users(), before);
    }
    let mut accounts =
        Accounts::new(SigningKey::from_bytes(&[7; 32]), "here".into(), vec![], vec![], vec![alice()]);
    let newer = accounts.rehash(&alice(), "in another way".into()).unwrap();
    assert!(accounts.open_session_of_user(&newer, ORIGIN, NOW).is_some());
}
