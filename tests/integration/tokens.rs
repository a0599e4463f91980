//! Bearer tokens: ours alone.

use serde_json::json;

use crate::support::Home;

#[test]
fn a_token_that_is_not_ours_is_refused() {
    let home = Home::new();
    let api = home.api();
    let parts: Vec<&str> = api.token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    // {"alg":"none","typ":"JWT"} and {"alg":"HS256","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let other = if signature.starts_with('A') { "B" } else { "A" };
    for token in [
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(10_000),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{other}{}", &signature[1..]),
        format!("{header}.{}.{signature}", claims.to_ascii_lowercase()),
        format!("{claims}.{header}.{signature}"),
        Home::new().api().token,
    ] {
        let answer = api.send(api.bare("GET", "/api/v1/processes").bearer_auth(&token));
        assert_eq!(answer.status, 401, "{token}: {answer:?}");
        answer.is_problem(401, answer.json()["code"].as_str().unwrap());
        assert!(!answer.text.contains(&token), "a secret is not repeated: {answer:?}");
    }
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", &api.token, &format!("Token {}", api.token)] {
        let answer = api.send(api.bare("GET", "/api/v1/processes").header("Authorization", value));
        assert_eq!(answer.status, 401, "{value:?}: {answer:?}");
    }
    assert_eq!(api.get("/api/v1/auth/whoami")["role"], "admin");
}

#[test]
fn a_token_must_say_what_was_issued_even_when_its_signature_is_right() {
    use base64::Engine;
    let home = Home::new();
    let api = home.api();
    let key = std::fs::read(home.path().join("jwt.key")).unwrap();
    let claims = api.token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let header = jsonwebtoken::decode_header(&api.token).unwrap();
    let ask = |header: &jsonwebtoken::Header, claims: &serde_json::Value| {
        let key = jsonwebtoken::EncodingKey::from_secret(&key);
        let token = jsonwebtoken::encode(header, claims, &key).unwrap();
        api.send(api.bare("GET", "/api/v1/processes").bearer_auth(token)).status.as_u16()
    };
    assert_eq!(ask(&header, &claims), 200, "the same, signed by us, is the same token");
    let long_ago = claims["exp"].as_i64().unwrap() - 48 * 3600;
    for (claim, value) in [
        ("exp", json!(long_ago)),
        ("exp", json!(long_ago + 480 * 3600)),
        ("jti", json!("nosuch")),
        ("sub", json!("somebody")),
        ("aud", json!("another")),
        ("iss", json!("another")),
        ("role", json!("viewer")),
    ] {
        let mut changed = claims.clone();
        changed[claim] = value.clone();
        assert_eq!(ask(&header, &changed), 401, "{claim} {value}");
    }
    let other = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512);
    assert_eq!(ask(&other, &claims), 401, "another algorithm");
    let mut other = header;
    other.kid = Some("../../etc/passwd".into());
    assert_eq!(ask(&other, &claims), 401, "a header that we do not write");
}

#[test]
fn a_token_in_the_address_is_not_taken() {
    let home = Home::new();
    let api = home.api();
    for path in ["/api/v1/processes?token=", "/api/v1/processes?access_token=", "/?token="] {
        let answer = api.send(api.bare("GET", &format!("{path}{}", api.token)));
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}
