//! The routes: of the OpenAPI document, and those that the source of the router names itself.

use std::collections::BTreeSet;

use super::Api;

/// Method and path of every operation in the OpenAPI document.
pub fn described(api: &Api) -> BTreeSet<(String, String)> {
    let document = api.get("/openapi.json");
    let mut found = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            found.insert((method.to_uppercase(), path.clone()));
        }
    }
    assert!(found.len() >= 25, "{found:?}");
    found
}

/// Paths that the router's source names itself: pages and old names.
pub fn written() -> BTreeSet<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/router.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (path, handlers) = line.split_once('"').unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                found.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(found.len() >= 10, "{found:?}");
    found
}

/// A path that can be asked for, of something that does not exist.
pub fn concrete(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.trim_matches(['{', '}', '*']) {
        name if name == segment => segment.to_owned(),
        "id" => "4711".to_owned(),
        "revision" => "1".to_owned(),
        "host" => "127.0.0.1".to_owned(),
        "port" => "1".to_owned(),
        "verb" => "stop".to_owned(),
        _ => "nosuch".to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}
