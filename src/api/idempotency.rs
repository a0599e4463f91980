//! `Idempotency-Key`: a request that is repeated with the same key is answered with what the first
//! one was answered, and nothing is done again.
//!
//! ```text
//!   key ─▶ being answered now?  409        ─▶ in the store? ─▶ its answer, replayed
//!          (with another body:  422)              │           (being answered when the daemon died: 409)
//!                                                 ▼ no
//!                            begun, in the store ─▶ handler ─▶ its answer, in the store ─▶ answered
//! ```
//!
//! Written down before it is begun: a daemon that dies in between must not do it twice. Whoever hangs
//! up does not end what they have begun, and finds the answer when they come again. A key is good for
//! one credential, for a day, and for as long as it is among the newest thousand.
//!
//! Not kept is an answer that says that nothing was looked at or that it came at the wrong time: then
//! the same key may be tried again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::audit::Note;
use super::{ApiError, Shared, access, extract, naming};
use crate::auth::Via;
use crate::daemon::clock;
use crate::store::{ANSWERS_KEPT_MS, Answer, AnswerRow, Change};
use crate::wire::Problem;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The headers of an answer that are kept with it.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The longest key.
const LONGEST: usize = 255;

/// Whether a POST to that route may have a key. Those that show a secret may not: no secret is kept.
pub fn takes_key(route: &str) -> bool {
    let Some(path) = route.strip_prefix("/api/v1/") else { return route == "/api/processes" };
    let acts = path == "operations" || path == "apps" || path.starts_with("apps/");
    acts && !path.ends_with("/reveal")
}

/// What is being answered: for whom, with which key, and what they asked.
#[derive(Default)]
pub struct Answering(Mutex<BTreeMap<(String, String), String>>);

impl Answering {
    fn all(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn with a key, as long as it lives.
struct Turn {
    api: Shared,
    place: (String, String),
}

impl Turn {
    fn take(api: &Shared, row: &AnswerRow) -> Result<Turn, ApiError> {
        let place = (row.scope.clone(), row.key.clone());
        let mut all = api.answering.all();
        match all.get(&place) {
            Some(other) if *other != row.fingerprint => Err(other_request(&row.key)),
            Some(_) => Err(ApiError::new(
                StatusCode::CONFLICT,
                "idempotency_in_flight",
                format!("the request with the key {:?} is being answered: try again in a moment", row.key),
            )),
            None => {
                all.insert(place.clone(), row.fingerprint.clone());
                Ok(Turn { api: api.clone(), place })
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.api.answering.all().remove(&self.place);
    }
}

/// The middleware.
pub async fn once(State(api): State<Shared>, request: Request, next: Next) -> Response {
    if *request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // Whoever is nobody, or comes from elsewhere, is refused where everybody is.
    let Ok(principal) = access::recognise(&parts, &api) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let note = parts.extensions.get::<Note>().cloned().unwrap_or_default();
    let scope = match principal.via {
        Via::Token { jti } => format!("token {jti}"),
        Via::Session { id_hash } => format!("session {id_hash}"),
        Via::Open { address } => format!("open {address}"),
    };
    let answered = answer(api, scope, note, parts, body, next).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    api: Shared,
    scope: String,
    note: Note,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, ApiError> {
    let key = key(&parts.headers)?;
    let route = parts.extensions.get::<MatchedPath>();
    if !route.is_some_and(|route| takes_key(route.as_str())) {
        let detail = "this route takes no Idempotency-Key: only those of apps and operations do";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "idempotency_unsupported", detail));
    }
    let (parts, body) = extract::whole(Request::from_parts(parts, body)).await?;
    let fingerprint = fingerprint(&parts, &body);
    let row = AnswerRow { scope, key, fingerprint, at_ms: clock::unix_ms(), answer: None };
    let turn = Turn::take(&api, &row)?;
    if let Some(known) = known(&api, &row).await? {
        note.changes_nothing();
        return replayed(known, &row);
    }
    api.handle.record(vec![Change::PutAnswer(row.clone())]).await?;
    // In a task of its own: it comes to its end whoever hangs up.
    let request = Request::from_parts(parts, body.into());
    let answer = async move { keep(turn, row, next.run(request).await).await };
    let done = tokio::spawn(naming::as_here(answer).in_current_span());
    done.await.map_err(|e| ApiError::internal(&e))?
}

/// The key, which may be in quotes as a structured field.
fn key(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut all = headers.get_all(KEY).iter();
    let text = match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok().map(str::trim),
        (_, _) => None,
    };
    let bare = text.and_then(|text| match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(text),
    });
    bare.filter(|key| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned)
        .ok_or_else(|| {
            let detail = "Idempotency-Key takes one key of 1 to 255 letters, digits and signs without spaces, such \
                          as a UUID";
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_header", detail)
        })
}

fn fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn known(api: &Shared, row: &AnswerRow) -> Result<Option<AnswerRow>, ApiError> {
    let (scope, key) = (row.scope.clone(), row.key.clone());
    let found = api.handle.recorder().read(move |store| store.answer(&scope, &key)).await;
    let found = found.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?;
    Ok(found.filter(|known| known.at_ms + ANSWERS_KEPT_MS > row.at_ms))
}

fn replayed(known: AnswerRow, row: &AnswerRow) -> Result<Response, ApiError> {
    if known.fingerprint != row.fingerprint {
        return Err(other_request(&row.key));
    }
    let Some(Answer { status, headers, body }) = known.answer else {
        let detail = format!(
            "the request with the key {:?} was begun, and the daemon ended before it was answered: it may have been \
             done. Look, and use another key to do it again",
            row.key
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "idempotency_unknown", detail));
    };
    let mut response = (StatusCode::from_u16(status).unwrap_or_default(), body).into_response();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn other_request(key: &str) -> ApiError {
    let detail = format!("the key {key:?} was used for another request: use a new key for a new request");
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
}

/// Keeps the answer with its key, or forgets the key.
async fn keep(turn: Turn, row: AnswerRow, response: Response) -> Result<Response, ApiError> {
    let keeps = is_kept(&response);
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|e| ApiError::internal(&e))?;
    let change = match keeps {
        true => {
            let header = |name: &HeaderName| {
                let value = parts.headers.get(name)?.to_str().ok()?;
                Some((name.as_str().to_owned(), value.to_owned()))
            };
            let headers = KEPT.iter().filter_map(header).collect();
            let answer = Answer { status: parts.status.as_u16(), headers, body: body.to_vec() };
            Change::PutAnswer(AnswerRow { answer: Some(answer), ..row })
        }
        false => Change::DropAnswer { scope: row.scope, key: row.key },
    };
    // What was done is answered in any case.
    if let Err(e) = turn.api.handle.keep(vec![change]).await {
        tracing::warn!("the answer to a request with an Idempotency-Key is not saved yet: {e}");
    }
    Ok(Response::from_parts(parts, body.into()))
}

fn is_kept(response: &Response) -> bool {
    let code = response.extensions().get::<Problem>().map(|problem| problem.code.as_str());
    match response.status().as_u16() {
        400 | 401 | 403 | 408 | 413 | 415 | 429 => false,
        500.. => response.status() == StatusCode::GATEWAY_TIMEOUT || code == Some("not_saved_yet"),
        _ => true,
    }
}

/// Says in the document which routes take a key.
pub fn describe(document: &mut serde_json::Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (_, methods) in paths.iter_mut().filter(|(path, _)| takes_key(path)) {
        let Some(post) = methods.get_mut("post").and_then(|post| post.as_object_mut()) else { continue };
        let parameter = serde_json::json!({
            "name": "idempotency-key", "in": "header", "required": false,
            "description": "any text without spaces, such as a UUID: a request that is repeated with it within a day \
                            is answered as the first one was (`idempotency-replayed: true`), and nothing is done \
                            again. With another body 422, while the first one is being answered 409",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        });
        let parameters = post.entry("parameters").or_insert_with(|| serde_json::json!([]));
        parameters.as_array_mut().into_iter().for_each(|all| all.push(parameter.clone()));
    }
}
