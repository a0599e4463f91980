//! The parameters of queries: a route takes those that it describes, and no others.
//!
//! One that is misspelt would else be as if it was not there: `?wiat=30s` does not wait, and
//! `?sate=stopped` lists everything. Looked at when it is known that the request may be made at all
//! ([`super::access::Auth`]), and before anything is done. Pages pass over what they do not know, and so
//! do the health checks, which answer whatever they are asked.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::ApiError;

/// What each route takes, by method and pattern. The router gives it to every request for one of them.
#[derive(Clone)]
pub struct Described(Arc<HashMap<(Method, String), Vec<String>>>);

impl Described {
    /// What the document says.
    pub fn by(document: &OpenApi) -> Described {
        let operations = document.paths.paths.iter().flat_map(|(path, item)| {
            of_path(item)
                .into_iter()
                .map(move |(method, operation)| ((method, path.clone()), names(operation)))
        });
        Described(Arc::new(operations.collect()))
    }
}

fn of_path(item: &PathItem) -> Vec<(Method, &Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

fn names(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    let of_query = parameters.filter(|parameter| parameter.parameter_in == ParameterIn::Query);
    of_query.map(|parameter| parameter.name.clone()).collect()
}

/// For a handler that anybody may ask: the query has only what is described.
pub struct OnlyDescribed;

impl<S: Sync> FromRequestParts<S> for OnlyDescribed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        only_described(parts).map(|()| OnlyDescribed)
    }
}

/// Whether the query has only what is described.
///
/// # Errors
/// 400 with the first parameter that is not.
pub fn only_described(parts: &Parts) -> Result<(), ApiError> {
    let Some(query) = parts.uri.query() else { return Ok(()) };
    let (routes, route) = (parts.extensions.get::<Described>(), parts.extensions.get::<MatchedPath>());
    let (Some(Described(routes)), Some(route)) = (routes, route) else { return Ok(()) };
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let Some(takes) = routes.get(&(method, route.as_str().to_owned())) else { return Ok(()) };
    let mut given = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    match given.find(|name| !takes.iter().any(|known| known == name)) {
        None => Ok(()),
        Some(name) => Err(ApiError::new(StatusCode::BAD_REQUEST, "unknown_parameter", unknown(&name, takes))),
    }
}

/// The value is not told: it may be what somebody took for a way to show a token.
fn unknown(name: &str, takes: &[String]) -> String {
    let said = format!("this route has no parameter {name:?}");
    if takes.is_empty() {
        return format!("{said}: it takes none");
    }
    let likeness = |known: &&String| strsim::jaro_winkler(known, name);
    let nearest = takes.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let all = takes.join(", ");
    match nearest.filter(|known| likeness(known) > 0.75) {
        Some(nearest) => format!("{said}: did you mean {nearest}? It takes {all}"),
        None => format!("{said}: it takes {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, takes: &[&str], said: &str) {
        let takes: Vec<String> = takes.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(unknown(name, &takes), said);
    }

    #[test]
    fn who_misspells_a_parameter_is_told_the_nearest_and_all_there_are() {
        check("x", &[], r#"this route has no parameter "x": it takes none"#);
        check("colour", &["ready", "wait"], r#"this route has no parameter "colour": it takes ready, wait"#);
        let said = r#"this route has no parameter "wiat": did you mean wait? It takes ready, wait"#;
        check("wiat", &["ready", "wait"], said);
        check("Wait", &["wait"], r#"this route has no parameter "Wait": did you mean wait? It takes wait"#);
        check("a\nb", &[], r#"this route has no parameter "a\nb": it takes none"#);
    }

    #[test]
    fn what_a_route_takes_is_what_its_handler_describes() {
        let Described(routes) = Described::by(&crate::api::router::described().into_openapi());
        let takes = |method, path: &str| routes[&(method, path.to_owned())].join(" ");
        assert_eq!(takes(Method::POST, "/api/v1/apps"), "wait ready");
        assert_eq!(takes(Method::GET, "/api/v1/apps/{ref}"), "");
        assert_eq!(takes(Method::GET, "/api/v1/events"), "process type after cursor limit count");
    }
}
