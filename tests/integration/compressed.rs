//! What is sent compressed, and what never is.

use crate::support::{Api, Home, fixture};

/// How that is encoded for who takes gzip.
fn encoding(api: &Api, method: &str, path: &str, form: &str) -> String {
    let asked = api.request(method, path).header("Accept-Encoding", "gzip").header("Accept", "text/html");
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    let answer = api.send(asked.header(form_type.0, form_type.1).body(form.to_owned()));
    assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    answer.header("content-encoding").to_owned()
}

#[test]
fn pages_documents_and_assets_are_compressed() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let page = api.send(api.request("GET", "/").header("Accept", "text/html"));
    assert_eq!(page.header("content-encoding"), "", "not for who did not say that they take it");
    let style = page.text.split('"').find(|part| part.ends_with("/app.css")).expect("a style sheet");
    for path in ["/", "/events", "/apps/web", "/openapi.json", "/api/v1/processes", style] {
        assert_eq!(encoding(&api, "GET", path, ""), "gzip", "{path}");
    }
}

#[test]
fn what_shows_both_a_secret_and_what_was_asked_for_is_not() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    for path in ["/logs?q=x", "/apps/web/logs?q=x", "/api/v1/apps/web/logs"] {
        assert_eq!(encoding(&api, "GET", path, ""), "", "{path}");
    }
    assert_eq!(encoding(&api, "POST", "/settings/tokens/create", "name=ci&role=viewer"), "");
}
