//! Bodies, paths and queries, with rejections that are problem documents.

use std::error::Error;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use tower_http::timeout::TimeoutError;

use super::{ApiError, pointing};

/// The deepest nesting of a JSON body.
const MAX_DEPTH: usize = 32;

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, bytes) = whole_with(request, state).await?;
        if is_too_deep(&bytes) {
            let detail = format!("the body is nested more than {MAX_DEPTH} levels deep");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "too_deep", detail));
        }
        // serde takes an array for an object without names.
        if bytes.trim_ascii_start().starts_with(b"[") {
            let detail = "the body is not as described in /docs: it is an array, and an object is wanted";
            return Err(ApiError { code: "invalid_body", ..ApiError::member("", detail) });
        }
        let request = Request::from_parts(parts, bytes.clone().into());
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Json(value)),
            Err(rejection @ JsonRejection::JsonDataError(_)) => match with_whole_numbers(&bytes) {
                Some(value) => Ok(Json(value)),
                None => Err(refused_json(&rejection).at(&wrong_member::<T>(&bytes))),
            },
            Err(rejection) => Err(refused_json(&rejection)),
        }
    }
}

/// A request with its whole body.
///
/// # Errors
/// When that is too long, too slow, or does not come.
pub async fn whole(request: Request) -> Result<(Parts, Bytes), ApiError> {
    whole_with(request, &()).await
}

async fn whole_with<S: Send + Sync>(request: Request, state: &S) -> Result<(Parts, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
    Ok((parts, bytes.map_err(|rejection| refused_bytes(&rejection))?))
}

fn refused_json(rejection: &JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::JsonDataError(e) => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", strip(&e.body_text()))
        }
        JsonRejection::JsonSyntaxError(e) => {
            ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", strip(&e.body_text()))
        }
        JsonRejection::MissingJsonContentType(_) => ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "json_required",
            "this route takes JSON: send Content-Type: application/json",
        ),
        other => ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", other.body_text()),
    }
}

/// JSON pointer to what makes the body none; empty for all of it.
pub(super) fn wrong_member<T: DeserializeOwned>(json: &[u8]) -> String {
    let mut json = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(_) => String::new(),
        Err(error) => pointer(error.path()),
    }
}

/// As RFC 6901 writes it.
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => pointing::into(key),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(step).collect()
}

/// What a body says when `4.0` in it is 4, as JSON Schema has it and some languages write it. `None`
/// also when there is no such number: it stays wrong for whatever it was wrong for.
fn with_whole_numbers<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(json).ok()?;
    make_whole(&mut value).then(|| serde_json::from_value(value).ok())?
}

/// Beyond this a floating-point number does not say which whole number is meant.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes whole numbers as such. Whether there was one to write so.
pub(super) fn make_whole(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT);
            let Some(whole) = whole.filter(|_| number.is_f64()) else { return false };
            *value = Value::from(whole as i64);
            true
        }
        Value::Array(items) => items.iter_mut().map(make_whole).filter(|made| *made).count() > 0,
        Value::Object(members) => members.values_mut().map(make_whole).filter(|made| *made).count() > 0,
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether arrays and objects are nested deeper than [`MAX_DEPTH`]. What is no JSON is left to the
/// parser.
fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

fn refused_bytes(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the body is longer than 1 MiB",
        );
    }
    if is_slow(rejection) {
        let detail = "the body did not come in time: send it without pauses";
        return ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail);
    }
    ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", rejection.body_text())
}

/// Whether a deadline of the body passed ([`super::serve`]).
fn is_slow(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// axum's prefix says less than what follows it.
fn strip(text: &str) -> String {
    let text = text
        .trim_start_matches("Failed to deserialize the JSON body into the target type: ")
        .trim_start_matches("Failed to parse the request body as JSON: ");
    format!("the body is not as described in /docs: {text}")
}

/// Parameters in the path.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let found: Result<axum::extract::Path<T>, PathRejection> =
            axum::extract::Path::from_request_parts(parts, state).await;
        match found {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(_) => Err(ApiError::no_route()),
        }
    }
}

/// Parameters after the `?`.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let found: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, state).await;
        match found {
            Ok(axum::extract::Query(value)) => Ok(Query(value)),
            Err(e) => {
                let text = e.body_text();
                let text = text.trim_start_matches("Failed to deserialize query string: ");
                Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "invalid_query",
                    format!("the query is not as described in /docs: {text}"),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_if_there_is_nothing_behind_its_point() {
        #[derive(serde::Deserialize)]
        struct Given {
            count: i64,
            all: Vec<u32>,
        }
        let read = |json: &str| with_whole_numbers::<Given>(json.as_bytes());
        let given = read(r#"{"count": -164.0, "all": [1.0, 2e1]}"#).unwrap();
        assert_eq!((given.count, given.all), (-164, vec![1, 20]));
        for wrong in ["0.5", "1e300", "\"1\"", "null", "[1.0]"] {
            assert!(read(&format!("{{\"count\": {wrong}, \"all\": []}}")).is_none(), "{wrong}");
        }
        // Said twice is not said in another way.
        assert!(read(r#"{"count": 1, "count": 2, "all": []}"#).is_none());
    }

    #[test]
    fn row_23_depth_is_that_of_arrays_and_objects_outside_of_texts() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        for (json, deep) in [
            (nested(MAX_DEPTH), false),
            (nested(MAX_DEPTH + 1), true),
            (format!("\"{}\"", nested(100)), false),
            (format!("\"\\\"{}\"", nested(100)), false),
            (format!("[\"\\\\\",{}]", nested(MAX_DEPTH)), true),
            ("[],".repeat(100), false),
            ("]".repeat(100) + &nested(MAX_DEPTH), false),
        ] {
            assert_eq!(is_too_deep(json.as_bytes()), deep, "{json}");
        }
    }
}
