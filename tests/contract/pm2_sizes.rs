//! What is wrong with an app in PM2's words is told in PM2's words.

use regex::Regex;
use serde_json::{Value, json};

use crate::support::Home;

#[test]
fn a_size_that_is_none_is_told_by_its_name_in_pm2() {
    let home = Home::new();
    let api = home.api();
    for size in [json!(0), json!(-1), json!(304_479_651_522_576_384_i64), json!("9999999999G"), json!("much")]
    {
        let app = json!({"name": "web", "script": "sleep", "args": ["1000"], "max_memory_restart": size});
        let problem = api.post("/api/processes", &app).is_problem(422, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], "/max_memory_restart", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("max_memory_bytes"), "{detail}");
    }
}

/// Whether a schema of a number or a text takes that.
fn fits(schema: &Value, value: &Value) -> bool {
    let of_kind =
        |kind: &str| schema["oneOf"].as_array().unwrap().iter().find(|one| one["type"] == kind).unwrap();
    match value.as_str() {
        Some(text) => Regex::new(of_kind("string")["pattern"].as_str().unwrap()).unwrap().is_match(text),
        None => {
            let (number, of) = (value.as_i64().unwrap(), of_kind("integer"));
            (of["minimum"].as_i64().unwrap()..=of["maximum"].as_i64().unwrap()).contains(&number)
        }
    }
}

#[test]
fn a_size_is_taken_where_the_description_says_so_and_refused_elsewhere() {
    let home = Home::new();
    let api = home.api();
    let schema = api.get("/openapi.json")["components"]["schemas"]["Pm2Size"].clone();
    let check = |size: Value, taken: bool| {
        assert_eq!(fits(&schema, &size), taken, "{size}: {schema}");
        let app = json!({"name": "web", "script": "sleep", "autostart": false, "max_memory_restart": size});
        let answer = api.post("/api/processes", &app);
        if taken {
            assert_eq!(answer.status, 201, "{size}: {answer:?}");
            assert_eq!(api.send(api.request("DELETE", "/api/processes/web")).status, 204);
        } else {
            answer.is_problem(422, "invalid_value");
        }
    };
    let most = 1_i64 << 53;
    for size in [json!(1), json!(most)] {
        check(size, true);
    }
    for size in [json!(0), json!(-1), json!(most + 1)] {
        check(size, false);
    }
    for size in ["1B", "999999999999999b", "1K", "0.1kib", "999999999999K", "1.5GB", "100M", "999999999MiB"] {
        check(json!(size), true);
    }
    for size in ["999999G", "999.999999999T"] {
        check(json!(size), true);
    }
    for size in ["", "0", "0M", "0.5B", "-1M", "1", "M", "1.M.", "much", "1e3M", "9999999999G", "9999T"] {
        check(json!(size), false);
    }
}

#[test]
fn a_span_is_taken_where_the_description_says_so_and_refused_elsewhere() {
    let home = Home::new();
    let api = home.api();
    let path = "/api/v1/system/metrics";
    let described = api.get("/openapi.json")["paths"][path]["get"]["parameters"].clone();
    let step = described.as_array().unwrap().iter().find(|one| one["name"] == "step").unwrap();
    let pattern = Regex::new(step["schema"]["pattern"].as_str().unwrap()).unwrap();
    let spans = ["1ms", "9999999s", "1.5s", "99999m", "5min", "999h", "0.5h", "99d"];
    let others = ["", "5", "s", "-5s", "1e3s", "999999999h", "9999d", "5%20parsecs", "1..5s"];
    let all = spans.map(|span| (span, 200)).into_iter().chain(others.map(|other| (other, 400)));
    for (span, status) in all {
        assert_eq!(pattern.is_match(span), status == 200, "{span}: {pattern}");
        let answer = api.send(api.request("GET", &format!("{path}?step={span}")));
        assert_eq!(answer.status, status, "{span}: {answer:?}");
    }
}
