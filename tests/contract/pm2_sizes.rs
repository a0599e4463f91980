//! What is wrong with an app in PM2's words is told in PM2's words.

use serde_json::json;

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
