//! Forged, altered and confused tokens: each must be refused. The forger here even has the key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::model::Role;
use crate::store::{Change, Store};

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];
const HOUR: Duration = Duration::from_secs(3600);

fn accounts(key: [u8; 32], installation: &str) -> Accounts {
    Accounts::new(SigningKey::from_bytes(&key), installation.into(), Vec::new(), Vec::new(), Vec::new())
}

/// Accounts with one good token, and the claims of that.
fn scene() -> (Accounts, String, Value) {
    let mut accounts = accounts(KEY, "here");
    let (jwt, _) = accounts.mint(&Grant::everywhere("alice", Role::Operator), None, HOUR, NOW);
    let claims = jwt.split('.').nth(1).unwrap();
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    (accounts, jwt, claims)
}

fn forge(header: &Header, claims: &Value, key: [u8; 32]) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(&key)).unwrap()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn plain() -> Header {
    Header::new(Algorithm::HS256)
}

#[track_caller]
fn refused(accounts: &Accounts, jwt: &str, what: &str) -> Refused {
    accounts.verify_token(jwt, NOW).expect_err(what)
}

#[test]
fn a_token_as_it_was_minted_is_accepted_also_when_signed_again() {
    let (accounts, jwt, claims) = scene();
    let principal = accounts.verify_token(&jwt, NOW).unwrap();
    assert_eq!((principal.subject.as_str(), principal.role), ("alice", Role::Operator));
    assert_eq!(principal.via, Via::Token { jti: claims["jti"].as_str().unwrap().into() });
    // So the refusals below are for what each case alters.
    assert!(accounts.verify_token(&forge(&plain(), &claims, KEY), NOW).is_ok());
}

#[test]
fn a_token_without_any_one_of_its_claims_is_refused() {
    let (accounts, _, claims) = scene();
    let names = ["iss", "aud", "sub", "role", "namespaces", "jti", "iat", "exp"];
    assert_eq!(claims.as_object().unwrap().len(), names.len());
    for name in names {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(name).unwrap();
        assert_eq!(refused(&accounts, &forge(&plain(), &less, KEY), name), Refused::Malformed, "{name}");
        let null = with(&claims, name, Value::Null);
        assert_eq!(refused(&accounts, &forge(&plain(), &null, KEY), name), Refused::Malformed, "{name}");
    }
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut altered = claims.clone();
    altered[name] = value;
    altered
}

#[test]
fn a_token_that_says_anything_else_than_its_row_is_refused() {
    let (mut accounts, _, claims) = scene();
    let (other, _) = accounts.mint(&Grant::everywhere("bob", Role::Admin), None, HOUR, NOW);
    assert!(accounts.verify_token(&other, NOW).is_ok());
    let exp = claims["exp"].as_u64().unwrap();
    let cases = [
        ("iss", json!("elsewhere")),
        ("iss", json!(["here"])),
        ("aud", json!("others")),
        ("aud", json!(["pmdaemon"])),
        ("sub", json!("root")),
        ("sub", json!("bob")),
        ("role", json!("admin")),
        ("role", json!("Operator")),
        ("role", json!("viewer")),
        ("namespaces", json!([])),
        ("namespaces", json!(["*", "shop"])),
        ("namespaces", json!(["shop"])),
        ("namespaces", json!("*")),
        ("jti", json!("nobody-minted-this")),
        ("jti", json!("")),
        ("jti", json!("../../etc/passwd")),
        ("iat", json!(1)),
        ("iat", json!("1")),
        ("exp", json!(exp + 1)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(exp.to_string())),
        ("exp", json!(exp as f64 + 0.5)),
        ("exp", json!(-1)),
        ("exp", json!(0)),
    ];
    for (name, value) in cases {
        let what = format!("{name} = {value}");
        refused(&accounts, &forge(&plain(), &with(&claims, name, value), KEY), &what);
    }
    // A claim twice, the good one last.
    let twice = claims.to_string().replacen('{', r#"{"role":"admin","#, 1);
    refused(&accounts, &sign_raw(&part(&json!({"typ":"JWT","alg":"HS256"})), twice.as_bytes()), "twice");
}

/// Signs exactly these texts with our key.
fn sign_raw(header: &str, claims: &[u8]) -> String {
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(&KEY);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// Row 14 of the security checklist.
#[test]
fn a_token_with_another_header_is_refused_although_the_signature_is_right() {
    let (accounts, _, claims) = scene();
    let claims = claims.to_string();
    let good = json!({"typ": "JWT", "alg": "HS256"});
    assert!(accounts.verify_token(&sign_raw(&part(&good), claims.as_bytes()), NOW).is_ok());
    let altered = [
        json!({"typ": "JWT", "alg": "none"}),
        json!({"typ": "JWT", "alg": "None"}),
        json!({"typ": "JWT", "alg": "hs256"}),
        json!({"typ": "JWT", "alg": "HS384"}),
        json!({"typ": "JWT", "alg": "HS512"}),
        json!({"typ": "JWT", "alg": "RS256"}),
        json!({"typ": "JWT", "alg": "ES256"}),
        json!({"typ": "JWT", "alg": "EdDSA"}),
        json!({"typ": "JWT", "alg": ["HS256"]}),
        json!({"typ": "JWT", "alg": ""}),
        json!({"typ": "JWT"}),
        json!({"alg": "HS256"}),
        json!({"typ": "JWT", "alg": "HS256", "kid": "../../../../dev/null"}),
        json!({"typ": "JWT", "alg": "HS256", "jku": "http://evil.example/keys"}),
        json!({"typ": "JWT", "alg": "HS256", "x5u": "http://evil.example/cert"}),
        json!({"typ": "JWT", "alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"typ": "JWT", "alg": "HS256", "crit": ["exp"]}),
        json!({"typ": "JWT", "alg": "HS256", "cty": "JWT"}),
        json!([]),
        json!(null),
    ];
    for header in altered {
        let what = header.to_string();
        let jwt = sign_raw(&part(&header), claims.as_bytes());
        assert_eq!(refused(&accounts, &jwt, &what), Refused::Malformed, "{what}");
    }
}

#[test]
fn a_token_that_is_really_signed_with_another_algorithm_is_refused() {
    let (accounts, _, claims) = scene();
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let jwt = forge(&Header::new(algorithm), &claims, KEY);
        assert_eq!(refused(&accounts, &jwt, "algorithm"), Refused::Malformed, "{algorithm:?}");
    }
    let unsigned = format!("{}.{}.", part(&json!({"typ": "JWT", "alg": "none"})), part(&claims));
    assert_eq!(refused(&accounts, &unsigned, "unsigned"), Refused::Malformed);
    let stripped = format!("{}.{}.", part(&json!({"typ": "JWT", "alg": "HS256"})), part(&claims));
    refused(&accounts, &stripped, "signature stripped");
}

#[test]
fn a_token_of_another_key_or_installation_is_refused() {
    let (here, jwt, claims) = scene();
    assert_eq!(refused(&here, &forge(&plain(), &claims, [8; 32]), "key"), Refused::Unknown);
    let mut there = accounts(KEY, "there");
    let (foreign, _) = there.mint(&Grant::everywhere("alice", Role::Operator), None, HOUR, NOW);
    assert!(there.verify_token(&foreign, NOW).is_ok());
    assert_eq!(refused(&here, &foreign, "no row here"), Refused::Unknown);
    assert_eq!(refused(&there, &jwt, "no row there"), Refused::Unknown);
}

#[test]
fn a_token_with_any_character_altered_is_refused() {
    let (accounts, jwt, _) = scene();
    for (at, old) in jwt.char_indices() {
        let new = if old == 'A' { 'B' } else { 'A' };
        let mut altered = jwt.clone();
        altered.replace_range(at..at + 1, &new.to_string());
        refused(&accounts, &altered, &format!("{new} at {at}"));
    }
    for garbage in ["", ".", "..", "a.b.c", "Bearer", "…", &jwt[1..], &format!("{jwt}.x"), &format!(" {jwt}")]
    {
        assert!(accounts.verify_token(garbage, NOW).is_err(), "{garbage:?}");
    }
}

#[test]
fn a_token_is_refused_from_its_last_second_on_by_the_clock_that_is_given() {
    let (accounts, jwt, claims) = scene();
    let end = claims["exp"].as_u64().unwrap() * 1000;
    assert_eq!(end, NOW + 3_600_000);
    // The library's own clock, which shows another year, has no say.
    assert!(accounts.verify_token(&jwt, end - 1).is_ok());
    assert_eq!(accounts.verify_token(&jwt, end), Err(Refused::Expired));
    assert_eq!(accounts.verify_token(&jwt, u64::MAX), Err(Refused::Expired));
}

#[test]
fn a_revoked_token_is_refused_at_once_and_after_a_restart() {
    let mut accounts = accounts(KEY, "here");
    let (jwt, minted) = accounts.mint(&Grant::everywhere("alice", Role::Operator), None, HOUR, NOW);
    let Change::PutToken(row) = &minted else { panic!("a token") };
    let jti = &row.jti.clone();
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.db")).unwrap();
    store.apply(&[minted]).unwrap();
    store.apply(&[accounts.revoke(jti).unwrap()]).unwrap();
    assert_eq!(refused(&accounts, &jwt, "revoked"), Refused::Revoked);
    let tokens = store.load().unwrap().tokens;
    let next = Accounts::new(SigningKey::from_bytes(&KEY), "here".into(), tokens, Vec::new(), Vec::new());
    assert_eq!(refused(&next, &jwt, "revoked by the daemon before"), Refused::Revoked);
    assert!(accounts.revoke(jti).is_none(), "it is revoked already");
    assert!(accounts.revoke("nobody").is_none());
}

#[test]
fn every_refusal_says_what_to_do() {
    for refused in
        [Refused::Missing, Refused::Malformed, Refused::Expired, Refused::Revoked, Refused::Unknown]
    {
        assert!(refused.to_string().contains("`pmdaemon token`"), "{refused}");
    }
}
