use serde_json::json;

use super::super::row::tests::reader;
use super::*;
use crate::wire::Role;

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "pmdaemon", "version": "0.1.0", "description": "Runs <things>."},
        "security": [{"bearer": []}],
        "tags": [{"name": "apps", "description": "Definitions."}, {"name": "unused"}],
        "paths": {
            "/healthz": {"get": {"security": [], "summary": "Alive?", "responses": {"200": {"description": "yes"}}}},
            "/api/v1/apps/{ref}/stop": {"post": {
                "tags": ["apps"], "summary": "Stop an app.", "description": "Waits for the tree.",
                "parameters": [
                    {"name": "ref", "in": "path", "required": true, "schema": {"type": "string"}},
                    {"name": "wait", "in": "query", "schema": {"type": "string", "example": "30s"}}
                ],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Stop"}}}},
                "responses": {"200": {"$ref": "#/components/responses/Done"}, "404": {"description": "no such <app>"}}
            }}
        },
        "components": {
            "responses": {"Done": {"description": "what became of it", "content": {"application/json": {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/App"}}}}}},
            "schemas": {
                "App": {"type": "object", "required": ["name"], "description": "An app.", "properties": {
                    "name": {"type": "string", "description": "Its name.", "example": "web"},
                    "next": {"$ref": "#/components/schemas/App"},
                    "instances": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 1000}}},
                "Stop": {"type": "object", "required": ["why", "app"], "properties": {
                    "why": {"type": "string", "example": "it's late"},
                    "app": {"$ref": "#/components/schemas/App"},
                    "force": {"type": "boolean"}}}
            }
        }
    })
}

fn curl_of(path: &str) -> String {
    operations(&document()).into_iter().find(|operation| operation.path == path).unwrap().curl
}

fn page() -> String {
    docs_page(&document(), &reader(Role::Viewer))
}

#[test]
fn every_operation_parameter_answer_and_schema_is_on_the_page() {
    let html = page();
    let told = [
        "/api/v1/apps/{ref}/stop",
        "POST",
        "Stop an app.",
        "Waits for the tree.",
        "wait",
        "30s",
        "/healthz",
        "what became of it",
        "array of ",
        r##"href="#schema-app""##,
        r#"id="schema-app""#,
        r#"id="post-api-v1-apps-ref-stop""#,
        "at least 1, at most 1000",
        "integer (int64)",
    ];
    for part in told {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    assert!(html.contains("no such &#60;app&#62;") && html.contains("Runs &#60;things&#62;."));
    let main = html.split("<main").nth(1).unwrap();
    assert!(!main.contains("<script"), "the reference works without script");
    assert!(!html.contains("unused"), "a group without operations is not shown");
}

#[test]
fn the_example_can_be_pasted_into_a_shell() {
    let curl = curl_of("/api/v1/apps/{ref}/stop");
    let expected = r#"curl -X POST -H "Authorization: Bearer $(pmdaemon token)" \
  -H 'Content-Type: application/json' \
  -d '{"app":{"name":"web"},"why":"it'\''s late"}' \
  http://localhost:9615/api/v1/apps/web/stop"#;
    assert_eq!(curl, expected);
}

#[test]
fn an_open_operation_needs_no_token() {
    assert_eq!(curl_of("/healthz"), "curl http://localhost:9615/healthz");
}

#[test]
fn a_document_with_nothing_or_nonsense_in_it_still_gives_a_page() {
    for odd in [
        json!({}),
        json!([]),
        json!({"paths": {"/x": {"get": 5}}, "tags": 3}),
        json!({"components": {"schemas": {"Loop": {"$ref": "#/components/schemas/Loop"}}}}),
    ] {
        assert!(docs_page(&odd, &reader(Role::Viewer)).contains("</html>"), "{odd}");
    }
}

#[test]
fn words_between_backticks_are_code() {
    let check = |text: &str, expected: &[(bool, &str)]| {
        let expected: Vec<_> = expected.iter().map(|(code, part)| (*code, (*part).to_owned())).collect();
        assert_eq!(spans(text).collect::<Vec<_>>(), expected, "{text}");
    };
    check(
        "one of `a` and `b`.",
        &[(false, "one of "), (true, "a"), (false, " and "), (true, "b"), (false, ".")],
    );
    check("`a` and a ` alone", &[(true, "a"), (false, " and a "), (false, "` alone")]);
    check("", &[]);
}

#[test]
fn every_link_within_the_page_has_its_target() {
    let html = page();
    for target in html.split(r##"href="#"##).skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!(r#"id="{target}""#)), "#{target}");
    }
}
