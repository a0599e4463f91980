//! Bearer tokens: ours alone.

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
fn an_expired_token_is_refused() {
    use base64::Engine;
    let home = Home::new();
    let api = home.api();
    // Signed with the real key, and over since a minute.
    let key = std::fs::read(home.path().join("jwt.key")).unwrap();
    let claims = api.token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let mut claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let header = jsonwebtoken::decode_header(&api.token).unwrap();
    let sign = |claims: &serde_json::Value| {
        jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_secret(&key)).unwrap()
    };
    let ask = |token: &str| api.send(api.bare("GET", "/api/v1/processes").bearer_auth(token));
    assert_eq!(ask(&sign(&claims)).status, 200, "the same claims, signed again, are the same token");
    for moved in ["exp", "iat", "nbf"] {
        if let Some(time) = claims[moved].as_i64() {
            claims[moved] = (time - 48 * 3600).into();
        }
    }
    let answer = ask(&sign(&claims));
    let problem = answer.is_problem(401, answer.json()["code"].as_str().unwrap());
    assert!(problem["detail"].as_str().unwrap().contains("expired"), "{problem}");
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
