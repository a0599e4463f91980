//! The client against a small server of its own on a unix socket.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::UnixListener;

use super::*;
use crate::wire::Action;
use crate::wire::Stream;

/// A home with a token.
fn home(token: &str) -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    write_token(&home, token);
    (dir, home)
}

fn write_token(home: &Home, token: &str) {
    std::fs::write(home.token(), token).unwrap();
    std::fs::set_permissions(home.token(), std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A server on the socket of that home that answers everything with `answer`.
fn serve(home: &Home, answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static) {
    let listener = UnixListener::bind(home.socket()).unwrap();
    let app = Router::new().fallback(move |request: Request| {
        let response = answer(&request);
        async move { response }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
}

fn path(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri())
}

fn outcome() -> serde_json::Value {
    json!({ "changed": true, "processes": [] })
}

#[tokio::test]
async fn nobody_on_the_socket_is_no_daemon() {
    let (_dir, home) = home("a.b.c");
    let client = Client::local(&home).unwrap();
    assert!(matches!(client.processes().await, Err(ClientError::NoDaemon(_))));
    drop(UnixListener::bind(home.socket()).unwrap());
    let stale = client.processes().await.unwrap_err();
    assert!(matches!(stale, ClientError::NoDaemon(_)), "{stale}");
    assert!(!is_ready(&home).await);
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_sentence() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |request| {
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer a.b.c");
        let problem = json!({ "type": "urn:pmdaemon:problem:app-not-found", "title": "Not Found", "status": 404,
            "detail": "there is no app named wbe: did you mean web?", "code": "app_not_found" });
        (StatusCode::NOT_FOUND, Json(problem)).into_response()
    });
    let refused = Client::local(&home).unwrap().app("wbe").await.unwrap_err();
    assert_eq!(refused.code(), Some("app_not_found"));
    assert_eq!(refused.status(), Some(404));
    assert_eq!(refused.to_string(), "there is no app named wbe: did you mean web?");
}

#[tokio::test]
async fn an_answer_that_is_no_problem_document_is_told_as_such() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |_| (StatusCode::BAD_GATEWAY, "<html>").into_response());
    let error = Client::local(&home).unwrap().system().await.unwrap_err();
    assert!(matches!(&error, ClientError::Transport(s) if s.contains("502 Bad Gateway")), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_as_such() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |_| Json(json!({ "things": 1 })).into_response());
    let error = Client::local(&home).unwrap().processes().await.unwrap_err();
    assert!(error.to_string().contains("not understood"), "{error}");
}

#[tokio::test]
async fn a_renewed_token_is_read_once_after_a_401() {
    let (_dir, home) = home("old.b.c");
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    serve(&home, move |request| {
        counter.fetch_add(1, Ordering::SeqCst);
        if request.headers()[header::AUTHORIZATION] == "Bearer new.b.c" {
            return Json(json!({ "subject": "local", "role": "admin" })).into_response();
        }
        let problem =
            json!({ "type": "x", "title": "Unauthorized", "status": 401, "detail": "no", "code": "y" });
        (StatusCode::UNAUTHORIZED, Json(problem)).into_response()
    });
    let client = Client::local(&home).unwrap();
    assert_eq!(client.whoami().await.unwrap_err().status(), Some(401));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the same token is not tried again");
    write_token(&home, "new.b.c");
    assert_eq!(client.whoami().await.unwrap().subject, "local");
    assert_eq!(client.token(), "new.b.c");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn every_verb_has_its_route() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |request| match path(request).as_str() {
        "POST /api/v1/apps/web/start?wait=60s"
        | "POST /api/v1/apps/3/stop?wait=60s"
        | "POST /api/v1/operations?wait=60s" => Json(outcome()).into_response(),
        "DELETE /api/v1/apps/blue:web-0?wait=60s" => (StatusCode::ACCEPTED, Json(outcome())).into_response(),
        other => panic!("{other}"),
    });
    let client = Client::local(&home).unwrap();
    let wait = Duration::from_secs(60);
    assert!(matches!(client.act(Action::Start, "web", wait).await, Ok(Reached::Yes(_))));
    assert!(matches!(client.act(Action::Stop, "3", wait).await, Ok(Reached::Yes(_))));
    assert!(matches!(client.act(Action::Delete, "blue:web-0", wait).await, Ok(Reached::NotYet(_))));
    assert!(matches!(client.act_on(Action::Restart, &Selection::All, wait).await, Ok(Reached::Yes(_))));
}

#[tokio::test]
async fn a_reference_never_leaves_its_segment_of_the_path() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |request| {
        let path = request.uri().path().strip_prefix("/api/v1/apps/").expect("below apps");
        assert!(!path.contains(['/', '?', '#', ' ']), "{path}");
        (StatusCode::NOT_FOUND, path.to_owned()).into_response()
    });
    let client = Client::local(&home).unwrap();
    for reference in ["../evil", "a/b", "a?b", "a#b", "a%2fb", "a b", "ü", "/^web/", "/srv/app.js"] {
        let error = client.app(reference).await.unwrap_err();
        assert!(matches!(error, ClientError::Transport(_)), "{reference}: {error}");
    }
    for reference in ["", ".", ".."] {
        let error = client.app(reference).await.unwrap_err();
        assert!(matches!(error, ClientError::BadReference(_)), "{reference}: {error}");
    }
}

#[tokio::test]
async fn a_log_stream_ends_where_the_server_ends_it() {
    let (_dir, home) = home("a.b.c");
    serve(&home, |request| {
        assert_eq!(path(request), "GET /api/v1/apps/web/logs?tail=2&stream=err&follow=true&cursors=own");
        assert_eq!(request.headers()[header::ACCEPT], "application/x-ndjson");
        "{\"id\":0,\"name\":\"web\",\"stream\":\"err\",\"text\":\"one\"}\n{\"ctl\":\"hb\"}\n\
         {\"id\":0,\"name\":\"web\",\"stream\":\"err\",\"text\":\"two\"}\n"
            .into_response()
    });
    let client = Client::local(&home).unwrap();
    let query = LogQuery { stream: Some(Stream::Err), ..LogQuery::follow(2) };
    let mut stream = client.logs(Some("web"), &query).await.unwrap();
    let mut texts = Vec::new();
    while let Some(item) = stream.next().await.unwrap() {
        match item {
            LogItem::Record(record) => texts.push(record.text),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts, ["one", "two"]);
}
