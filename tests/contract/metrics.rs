//! What was used over time.

use crate::support::{Home, SOON, fixture, wait_until};

#[test]
fn an_app_shows_what_each_of_its_processes_has_used() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "3"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "other", "--namespace", "shop"]);
    let api = home.api();
    let of_web = |query: &str| api.get(&format!("/api/v1/apps/web/metrics?{query}"));
    wait_until("something was measured", SOON, || {
        // Whoever asks for the list has it measured.
        api.get("/api/v1/processes");
        let all = of_web("");
        all["items"].as_array().unwrap().iter().all(|item| item["metrics"]["points"][0]["count"].is_i64())
    });
    let all = of_web("");
    let told: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(told, ["web-0", "web-1", "web-2"]);
    for item in all["items"].as_array().unwrap() {
        let alone = api.get(&format!("/api/v1/processes/{}/metrics", item["id"]));
        for same in ["range", "step_ms", "marks"] {
            assert_eq!(item["metrics"][same], alone[same], "{item}");
        }
        assert_eq!(item["metrics"]["points"][0]["at_ms"], alone["points"][0]["at_ms"], "{item} {alone}");
    }
    let first = of_web("limit=2");
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let rest = of_web(&format!("cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!((&rest["items"][0]["instance"], rest.get("next_cursor")), (&2.into(), None), "{rest}");
    for (series, there) in [("cpu_percent", [true, false]), ("memory_bytes", [false, true])] {
        let item = of_web(&format!("series={series}"))["items"][0]["metrics"].clone();
        let alone = api.get(&format!("/api/v1/processes/0/metrics?from=30m&step=15s&series={series}"));
        let host = api.get(&format!("/api/v1/system/metrics?series={series}"));
        for some in [item, alone, host] {
            let point = &some["points"][0];
            let has = ["cpu_percent", "memory_bytes"].map(|figure| point[figure]["max"].is_number());
            assert_eq!(has, there, "{series}: {point}");
            assert!(point["count"].is_i64() && some["marks"].is_array(), "{some}");
        }
    }
    let one = api.get("/api/v1/apps/web-1/metrics");
    assert_eq!(one["items"].as_array().unwrap().len(), 1, "{one}");

    // A time of one's own, and wider steps.
    let wide = api.get("/api/v1/processes/0/metrics?from=2h&step=1h");
    assert_eq!((&wide["range"], &wide["step_ms"]), (&"24h".into(), &3_600_000.into()), "{wide}");
    let before = api.get("/api/v1/processes/0/metrics?from=50m&to=40m");
    assert_eq!((&before["points"], &before["marks"]), (&serde_json::json!([]), &serde_json::json!([])));
    for (wrong, code) in [
        ("range=2h", "invalid_query"),
        ("range=1h&from=1h", "conflicting_parameters"),
        ("from=1h&to=2h", "invalid_time"),
        ("step=often", "invalid_time"),
        ("series=cpu", "invalid_query"),
    ] {
        for path in ["/api/v1/processes/0/metrics", "/api/v1/apps/web/metrics", "/api/v1/system/metrics"] {
            api.send(api.request("GET", &format!("{path}?{wrong}"))).is_problem(400, code);
        }
    }
    api.send(api.request("GET", "/api/v1/apps/nosuch/metrics")).is_problem(404, "app_not_found");

    // Who is for another namespace sees no such app.
    let token = home.ok(&["token", "create", "shop", "--role", "viewer", "--namespace", "shop"]);
    let ask = |app: &str| {
        api.send(api.bare("GET", &format!("/api/v1/apps/{app}/metrics")).bearer_auth(token.trim()))
    };
    assert_eq!((ask("web").status.as_u16(), ask("other").status.as_u16()), (404, 200));
}
