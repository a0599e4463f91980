//! `PATCH /api/v1/apps/{ref}`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::create::SPAWN_LIMIT;
use super::listen_patch;
use super::update::{self, Attempts, Which, redefine};
use crate::api::access::{AppWrite, Auth};
use crate::api::act::Wait;
use crate::api::conditional::Conditions;
use crate::api::extract::{Json, Path, Query, make_whole, pointer};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert_given};
use crate::model::AppSpec;
use crate::wire;

/// Change some members of the definition of an app
///
/// A JSON merge patch (RFC 7396): members that are named get that value, `null` takes one away so that
/// it has its default again, everything else stays; so `{"env": {"MODE": "blue", "OLD": null}}` changes
/// two variables. Otherwise as a whole new definition.
#[utoipa::path(patch, path = "/api/v1/apps/{ref}", tag = "apps", operation_id = "patch_app",
    params(("ref" = String, Path, description = "id, name, instance or any other reference of one app", example = "web"), Which, Wait,
        ("if-match" = Option<String>, Header, description = "the ETag of the definition that is to be changed (412 if it is another by now), or `*` for any. Without it: the present one", nullable = false)),
    request_body(content = ref("#/components/schemas/AppPatch"), content_type = "application/merge-patch+json",
        example = json!({"max_restarts": 5, "env": {"MODE": "blue", "OLD": null}})),
    responses(
        (status = 200, description = "changed", body = wire::App, headers(("etag" = String, description = "names the version of the definition"))),
        (status = 409, description = "`start`, and something of the app is up", body = wire::Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn patch(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    conditions: Conditions,
    Path(reference): Path<String>,
    Query(which): Query<Which>,
    Query(wait): Query<Wait>,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let limit = wait.limit()?.max(SPAWN_LIMIT);
    let sent = Value::Object(patch.clone());
    let mut attempts = Attempts::new();
    loop {
        let before = resolve_app(&auth.snapshot(&api), &reference)?;
        let Some(first) = before.first() else { return Err(ApiError::no_route()) };
        let known = conditions.expected(first)?;
        let expected = Some(known.unwrap_or_else(|| Conditions::present(first)));
        let spec = AppSpec { instances: update::present(&before), ..AppSpec::clone(&first.spec) };
        let new = patched(spec, patch.clone()).await.map_err(|refused| refused.within(&sent))?;
        let done = redefine(&api, &auth, expected, &before, new, &which, limit).await;
        if !attempts.again(&done, known) {
            return done.map_err(|refused| refused.within(&sent));
        }
    }
}

/// What makes the definition, with the patch in it.
async fn patched(spec: AppSpec, patch: Map<String, Value>) -> Result<wire::NewApp, ApiError> {
    let asked = tokio::task::spawn_blocking(move || convert_given::asked_for(&spec)).await;
    let asked = asked.map_err(|e| ApiError::internal(&e))??;
    let mut members = serde_json::to_value(asked).map_err(|e| ApiError::internal(&e))?;
    if let Some(members) = members.as_object_mut() {
        listen_patch::make_room(members, &patch);
    }
    merge(&mut members, Value::Object(patch));
    make_whole(&mut members);
    serde_path_to_error::deserialize(members).map_err(|e| {
        let detail = format!("with this patch it is no definition of an app: {e}");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail).at(&pointer(e.path()))
    })
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(&name)),
            value @ (Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_)) => {
                merge(members.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

/// Puts the schema of a patch into the document: a new app of which nothing is required, and every
/// member may be `null`. Without a body there is none.
pub fn describe(document: &mut Value) {
    document["paths"]["/api/v1/apps/{ref}"]["patch"]["requestBody"]["required"] = json!(true);
    let schemas = &mut document["components"]["schemas"];
    let mut patch = schemas["NewApp"].clone();
    if let Some(schema) = patch.as_object_mut() {
        schema.remove("required");
        schema.insert("description".to_owned(), json!("Members of an app that are to change."));
    }
    for member in patch["properties"].as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
        if let Some(values) = member.get_mut("additionalProperties") {
            or_null(values);
        }
        or_null(member);
    }
    schemas["AppPatch"] = patch;
}

/// That, or `null`.
fn or_null(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(kind) = members.remove("type") {
        members.insert("type".to_owned(), json!([kind, "null"]));
    } else if let Some(other) = members.remove("$ref") {
        members.insert("oneOf".to_owned(), json!([{"$ref": other}, {"type": "null"}]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_merged_as_in_the_appendix_of_rfc_7396() {
        let check = |mut target: Value, patch: Value, expected: Value| {
            merge(&mut target, patch);
            assert_eq!(target, expected);
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"}));
        check(json!({"a": "b"}), json!({"a": null}), json!({}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}));
        check(json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"]));
        check(json!({"a": "b"}), json!(["c"]), json!(["c"]));
        check(json!({"a": "foo"}), json!(null), json!(null));
        check(json!({"a": "foo"}), json!("bar"), json!("bar"));
        check(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}));
        check(json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"}));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
    }
}
