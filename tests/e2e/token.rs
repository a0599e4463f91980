//! `token`: what curl needs.

use crate::support::{Home, home::ran};

fn curl(home: &Home, line: &str) -> String {
    let mut command = home.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(line).current_dir(home.work()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let bin = std::path::Path::new(crate::support::home::PROGRAM).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    command.env_clear();
    let ran = ran(shell.env("PATH", path).env("URL", home.api().origin()).env("no_proxy", "*"));
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn curl_needs_the_token_and_works_with_it() {
    let home = Home::new();
    let refused = curl(&home, "curl -sS -w '%{http_code} %{content_type}' $URL/api/v1/processes");
    assert!(refused.ends_with("401 application/problem+json"), "{refused}");
    let answer =
        curl(&home, r#"curl -sS -H "Authorization: Bearer $(pmdaemon token)" $URL/api/v1/processes"#);
    assert_eq!(answer, r#"{"items":[],"seq":0}"#);
    let answer = curl(&home, "pmdaemon token header | curl -sS -H @- $URL/api/v1/processes");
    assert_eq!(answer, r#"{"items":[],"seq":0}"#);
}

#[test]
fn a_token_outlives_the_daemon() {
    let home = Home::new();
    let old = home.api();
    home.ok(&["kill"]);
    home.ok(&["list"]);
    let now = home.api();
    let answer = now.send(now.bare("GET", "/api/v1/auth/whoami").bearer_auth(&old.token));
    assert_eq!(answer.status, 200, "{answer:?}");
}
