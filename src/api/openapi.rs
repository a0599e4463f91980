//! The API's description, made from the handlers, and its checked-in copies in `openapi/`.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::access::{Auth, View};
use super::{naming, openapi_rules};

/// What the handlers do not say themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "pmdaemon",
        description = "A process manager for Linux whose services outlive it. Every route but the health \
                       checks needs a bearer token (`pmdaemon token` prints one) or a browser session. \
                       Errors are RFC 9457 problem documents with a stable `code`. A parameter of the \
                       query that a route does not describe is refused (400 `unknown_parameter`).",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "http://127.0.0.1:9615", description = "the default address")),
    modifiers(&Schemes),
    security(("bearer" = []), ("cookie" = [])),
    components(schemas(crate::wire::Problem)),
    tags(
        (name = "apps", description = "Definitions, and what is done to all processes of one"),
        (name = "processes", description = "Instances of apps"),
        (name = "operations", description = "One action on many processes"),
        (name = "logs", description = "What processes wrote"),
        (name = "events", description = "What happened"),
        (name = "alerts", description = "What is told when something is the matter"),
        (name = "system", description = "The host and the program itself"),
        (name = "auth", description = "Who may do what"),
        (name = "health", description = "Open routes that tell nothing but that we live"),
        (name = "compat", description = "Frozen routes in PM2's shape"),
    )
)]
pub struct Base;

struct Schemes;

impl utoipa::Modify for Schemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(super::access::COOKIE));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// The OpenAPI 3.1 document of this router.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let api = super::router::described().into_openapi();
        let mut document = serde_json::to_value(api).expect("the description is plain data");
        super::idempotency::describe(&mut document);
        openapi_rules::describe(&mut document);
        super::apps::patch::describe(&mut document);
        say_that_anything_can_be_refused(&mut document);
        say_which_version_answers(&mut document);
        document
    })
}

/// Every route can be refused before its handler is asked: for its Host, its token, its length.
fn say_that_anything_can_be_refused(api: &mut Value) {
    let paths = api["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|of_path| of_path.values_mut());
    for operation in operations {
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            responses.entry("4XX").or_insert_with(|| {
                json!({
                    "description": "refused: without a token, without the right, or not understood",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                })
            });
        }
    }
}

/// Every answer of `/api/v1` that is no refusal names the version.
fn say_which_version_answers(api: &mut Value) {
    let description = "the version of the API: 1 and a number that grows with what is added to it";
    let header = json!({"description": description, "schema": {"type": "string"}, "example": "1.0"});
    api["components"]["headers"] = json!({"Version": header});
    let paths = api["paths"].as_object_mut().into_iter().flatten();
    let operations = paths
        .filter(|(path, _)| path.starts_with("/api/v1/"))
        .flat_map(|(_, of_path)| of_path.as_object_mut().into_iter().flatten());
    let answers =
        operations.flat_map(|(_, operation)| operation["responses"].as_object_mut().into_iter().flatten());
    for (_, answer) in answers.filter(|(status, _)| status.starts_with(['2', '3'])) {
        answer["headers"][naming::API] = json!({"$ref": "#/components/headers/Version"});
    }
}

/// `GET /openapi.json`
#[utoipa::path(get, path = "/openapi.json", tag = "system", operation_id = "openapi",
    responses((status = 200, description = "this document", body = Object)))]
pub async fn openapi(_auth: Auth<View>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document().to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PMDAEMON_ACCEPT=1 cargo test --lib openapi` writes the files anew.
    fn check_in(name: &str, document: &Value) {
        let path = format!("{}/openapi/{name}", env!("CARGO_MANIFEST_DIR"));
        let now = format!("{}\n", serde_json::to_string_pretty(document).unwrap());
        if std::env::var_os("PMDAEMON_ACCEPT").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let then = std::fs::read_to_string(path).unwrap_or_default();
        assert!(then == now, "openapi/{name} is stale: run PMDAEMON_ACCEPT=1 cargo test --lib openapi");
    }

    #[test]
    fn the_checked_in_document_is_the_one_that_is_served() {
        check_in("pmdaemon.json", document());
    }

    #[test]
    fn whoever_takes_a_body_needs_one() {
        let paths = document()["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (method, path, operation))
        });
        let optional: Vec<_> = operations
            .filter(|(_, _, operation)| {
                operation.get("requestBody").is_some_and(|body| body["required"] != true)
            })
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        assert!(optional.is_empty(), "without a body these are refused, which is not said: {optional:?}");
    }

    #[test]
    fn the_checked_in_document_of_3_0_is_derived_from_it() {
        check_in("pmdaemon-3.0.json", &super::super::openapi_3_0::derived(document()));
    }
}
