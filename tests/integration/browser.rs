//! Browser sessions: one link, one use, and only pages of ours.

use reqwest::RequestBuilder;

use crate::support::{Api, Home, fixture};

/// The code of a new link.
fn code(api: &Api) -> String {
    let link = api.send(api.request("POST", "/api/v1/auth/login-link"));
    assert_eq!(link.status, 200, "{link:?}");
    link.json()["path"].as_str().unwrap().strip_prefix("/login/once?code=").unwrap().to_owned()
}

fn redeem(api: &Api, code: &str) -> crate::support::api::Answer {
    let form = api.bare("POST", "/login/once").header("Content-Type", "application/x-www-form-urlencoded");
    api.send(form.header("Origin", api.origin()).body(format!("code={code}")))
}

/// Logs in; answers `name=value` of the cookie.
fn cookie(api: &Api) -> String {
    let answer = redeem(api, &code(api));
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{answer:?}");
    let set = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

/// Row 50 of the security checklist.
#[test]
fn a_login_link_works_once() {
    let home = Home::new();
    let api = home.api();
    let code = code(&api);
    let path = format!("/login/once?code={code}");
    for _ in 0..3 {
        let page = api.send(api.bare("GET", &path));
        assert_eq!((page.status.as_u16(), page.header("set-cookie")), (200, ""), "looking uses nothing up");
    }
    assert_eq!(redeem(&api, &code).status, 303);
    for used in [code.as_str(), "", "nosuch", &"x".repeat(10_000)] {
        let answer = redeem(&api, used);
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (401, ""), "{answer:?}");
    }
}

/// Row 6 of the security checklist.
#[test]
fn a_session_is_for_pages_of_the_same_origin() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let cookie = cookie(&api);
    let with = |request: RequestBuilder| request.header("Cookie", &cookie);
    assert_eq!(api.send(with(api.bare("GET", "/api/v1/processes"))).status, 200);
    let page = api.send(with(api.bare("GET", "/").header("Accept", "text/html")));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("web"), "{page:?}");

    let stop = || with(api.bare("POST", "/api/v1/apps/web/stop?wait=10s"));
    let form = || with(api.bare("POST", "/apps/web/stop"));
    let port = api.address.port();
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", &format!("http://127.0.0.1:{}", port.wrapping_add(1))),
        ("Origin", &format!("http://localhost:{port}")),
        ("Origin", &format!("https://{}", api.address)),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "none"),
        ("X-Nothing", "said"),
    ] {
        api.send(stop().header(name, value)).is_problem(403, "foreign_origin");
        api.send(form().header(name, value)).is_problem(403, "foreign_origin");
    }
    assert_eq!(home.process("web")["status"], "online", "none of them did anything");
    assert_eq!(api.send(form().header("Sec-Fetch-Site", "same-origin")).status, 303);
    assert_eq!(home.process("web")["status"], "stopped");
    let start = with(api.bare("POST", "/api/v1/apps/web/start?wait=10s"));
    assert_eq!(api.send(start.header("Origin", api.origin())).status, 200);
    assert_eq!(home.process("web")["status"], "online");
}

#[test]
fn a_session_ends_with_the_log_out_and_not_with_the_daemon() {
    let home = Home::new();
    // A session is bound to its origin, and while the daemon is away others may take port 9615.
    home.ok(&["web", "--port", "0", "--detach"]);
    let listeners = home.json(&["status", "--json"])["daemon"]["listeners"].clone();
    let mut ports = listeners.as_array().unwrap().iter().map(|l| l["port"].as_u64().unwrap() as u16);
    let mut api = home.api();
    api.address.set_port(ports.rfind(|port| *port != 9615).unwrap());
    let cookie = cookie(&api);
    let (_, daemon) = home.keeper_and_daemon();
    crate::support::proc::kill_hard(daemon);
    crate::support::wait_until("a new daemon", crate::support::SOON, || home.keeper_and_daemon().1 != daemon);
    let look = || api.send(api.bare("GET", "/api/v1/auth/whoami").header("Cookie", &cookie));
    assert_eq!(look().status, 200, "{:?}", look());
    let out = api.bare("POST", "/logout").header("Cookie", &cookie).header("Origin", api.origin());
    assert_eq!(api.send(out).status, 303);
    assert_eq!(look().status, 401);
}

#[test]
fn somebody_who_is_not_logged_in_is_sent_to_the_login_page() {
    let home = Home::new();
    let api = home.api();
    for (path, next) in [("/", "/login?next=/"), ("/apps/web/logs", "/login?next=/apps/web/logs")] {
        let answer = api.send(api.bare("GET", path).header("Accept", "text/html"));
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, next), "{answer:?}");
    }
}
