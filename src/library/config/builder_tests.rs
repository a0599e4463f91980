use super::super::{Share, Sticky};
use super::*;

fn json(builder: ProcessConfigBuilder) -> serde_json::Value {
    serde_json::to_value(builder.build().unwrap().into_new_app()).unwrap()
}

#[test]
fn every_member_reaches_the_definition() {
    let builder = ProcessConfig::builder()
        .name("web")
        .namespace(String::from("blue"))
        .script("app.js")
        .args(vec!["--port", "1"])
        .cwd("/srv")
        .env("A", "1")
        .envs([("B", "2")])
        .inherit_env(false)
        .interpreter("node")
        .interpreter_args(["--trace-warnings"])
        .env_file("/srv/.env")
        .filter_env("AWS_")
        .label("tier", "web")
        .exp_backoff_restart_delay(Duration::from_millis(100))
        .health_check(HealthCheck::http("http://localhost:{port}/health").retries(5))
        .instances(3)
        .port(PortConfig::Range(3000, 3003))
        .max_memory_restart(512 * 1024 * 1024)
        .autostart(false)
        .autorestart(false)
        .max_restarts(5)
        .min_uptime(Duration::from_secs(2))
        .restart_delay(Duration::ZERO)
        .kill_signal("SIGINT")
        .kill_timeout(Duration::from_millis(1600))
        .stop_exit_codes([0, 3]);
    let expected = serde_json::json!({
        "script": "app.js", "name": "web", "namespace": "blue", "args": ["--port", "1"], "cwd": "/srv",
        "interpreter": "node", "interpreter_args": ["--trace-warnings"], "env_file": ["/srv/.env"],
        "filter_env": ["AWS_"], "labels": {"tier": "web"}, "exp_backoff_restart_delay_ms": 100,
        "health_check": {"url": "http://localhost:{port}/health", "retries": 5}, "env": {"A": "1", "B": "2"}, "instances": 3, "port": "3000-3003", "max_memory_bytes": 536_870_912, "autostart": false,
        "autorestart": false, "max_restarts": 5, "min_uptime_ms": 2000, "restart_delay_ms": 0,
        "stop_exit_codes": [0, 3], "kill_signal": "SIGINT", "kill_timeout_ms": 1600
    });
    assert_eq!(json(builder), expected);
}

#[test]
fn a_balancer_and_how_a_reload_goes_reach_the_definition_and_nonsense_does_not() {
    let balance = Balance::on(8080).tcp().round_robin().sticky(Sticky::Address);
    let balance = balance.timeout(Duration::from_secs(5)).drain_timeout(Duration::ZERO);
    let builder =
        ProcessConfig::builder().script("app.js").balance(balance.slow_start(Duration::from_secs(9)));
    let builder = builder.soak(Duration::from_secs(3)).max_surge(Share::Percent(25));
    let said = json(builder.max_unavailable(Share::Count(1)));
    let expected = serde_json::json!({
        "port": 8080, "mode": "tcp", "method": "round-robin", "sticky": "address", "timeout_ms": 5000,
        "drain_timeout_ms": 0, "slow_start_ms": 9000
    });
    assert_eq!(said["balance"], expected);
    let rolling = serde_json::json!({"soak_ms": 3000, "max_surge": "25%", "max_unavailable": "1"});
    assert_eq!(said["rolling"], rolling);
    let balance = Balance::on(0).tcp().sticky(Sticky::Cookie).timeout(Duration::ZERO);
    let builder = ProcessConfig::builder().script("app.js").balance(balance).max_surge(Share::Count(0));
    let error = builder.max_unavailable(Share::Percent(0)).build().unwrap_err();
    let time = Mistake::BadTime { member: "the timeout of the balancer" };
    let expected = [Mistake::BadBalancePort, Mistake::CookieOfTcp, time, Mistake::NothingReplaced];
    assert_eq!(error.mistakes, expected);
    let builder = ProcessConfig::builder().script("app.js").max_surge(Share::Percent(101));
    assert_eq!(builder.build().unwrap_err().mistakes, [Mistake::BadShare("101%".into())]);
}

#[test]
fn what_was_not_said_is_this_programs_own() {
    let said = json(ProcessConfig::builder().script("app.js"));
    assert_eq!(said["cwd"], std::env::current_dir().unwrap().to_str().unwrap());
    assert_eq!(said["inherited_env"]["PATH"], std::env::var("PATH").unwrap());
    assert!(said.get("name").is_none() && said.get("instances").is_none());
}

#[test]
fn every_mistake_is_told_at_once() {
    let error = ProcessConfig::builder()
        .name("all")
        .namespace("a/b")
        .args(["a\0b"])
        .env("A=B", "")
        .instances(1001)
        .port(PortConfig::Range(3000, 3001))
        .max_memory_restart(0)
        .kill_timeout(Duration::ZERO)
        .build()
        .unwrap_err();
    let expected = [
        Mistake::BadName("all".into()),
        Mistake::BadNamespace("a/b".into()),
        Mistake::NoScript,
        Mistake::Nul("an argument"),
        Mistake::BadVariable("A=B".into()),
        Mistake::BadInstances(1001),
        Mistake::TooFewPorts { ports: "3000-3001".into(), available: 2, instances: 1001 },
        Mistake::NoMemory,
        Mistake::BadTime { member: "kill_timeout()" },
    ];
    assert_eq!(error.mistakes, expected);
    let told = error.to_string();
    assert!(expected.iter().all(|mistake| told.contains(&mistake.to_string())), "{told}");
}

#[test]
fn names_follow_the_rule_of_the_daemon() {
    for name in ["a", "_", "web-1.2_x", &"n".repeat(64)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "1a", "-a", "a b", "ä", "a/b", &"n".repeat(65)] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn values_of_variables_are_not_printed() {
    let config = ProcessConfig::builder().script("a").env("KEY", "canary").build().unwrap();
    let text = format!("{config:?}");
    assert!(text.contains("KEY") && !text.contains("canary"), "{text}");
}
