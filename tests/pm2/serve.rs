//! `serve`: static files by a process under the keeper (row J1).

use std::net::TcpListener;

use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_RANGE, IF_MODIFIED_SINCE, LAST_MODIFIED, RANGE};

use crate::support::{Home, SOON, wait_until};

/// A port that is free at this moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks; answers with status, headers and text.
fn get(
    port: u16,
    path: &str,
    headers: &[(reqwest::header::HeaderName, &str)],
) -> (u16, reqwest::header::HeaderMap, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut request = reqwest::Client::new().get(format!("http://127.0.0.1:{port}{path}"));
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    })
}

fn serves(port: u16) {
    wait_until("it serves", SOON, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
}

/// A home with a directory `site`.
fn site() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.work().join("site/assets")).unwrap();
    home.file("site/index.html", "<h1>front page</h1>");
    home.file("site/assets/app.js", "0123456789");
    home.file("site/.env", "SECRET=1");
    home.file("site/assets/.env", "SECRET=2");
    home
}

#[test]
fn j1_files_are_served_with_ranges_types_and_caching() {
    let home = site();
    let port = free_port();
    let text = port.to_string();
    home.ok(&["serve", "site", &text, "--host", "127.0.0.1", "--max-age", "60"]);
    serves(port);
    assert_eq!(home.process(&format!("static-page-server-{port}"))["ports"][0], port);
    let (status, headers, page) = get(port, "/", &[]);
    assert_eq!(
        (status, page.as_str(), &headers["content-type"]),
        (200, "<h1>front page</h1>", &"text/html".parse().unwrap())
    );
    assert_eq!(headers[CACHE_CONTROL], "no-cache", "a page is asked for again");
    let (_, headers, _) = get(port, "/assets/app.js", &[]);
    assert_eq!(headers[CACHE_CONTROL], "max-age=60");
    let modified = headers[LAST_MODIFIED].to_str().unwrap().to_owned();
    assert_eq!(get(port, "/assets/app.js", &[(IF_MODIFIED_SINCE, &modified)]).0, 304);
    let (status, headers, part) = get(port, "/assets/app.js", &[(RANGE, "bytes=2-4")]);
    assert_eq!(
        (status, part.as_str(), &headers[CONTENT_RANGE]),
        (206, "234", &"bytes 2-4/10".parse().unwrap())
    );
    for hidden in ["/nothing", "/.env", "/%2eenv", "/../app.js", "/assets/%2e%2e/.env", "/assets%2f.env"] {
        let (status, _, text) = get(port, hidden, &[]);
        assert!(status == 404 && !text.contains("SECRET"), "{hidden}: {status} {text}");
    }
    home.file("site/404.html", "nothing here");
    home.ok(&["restart", "all"]);
    serves(port);
    let (status, _, text) = get(port, "/nothing", &[]);
    assert_eq!((status, text.as_str()), (404, "nothing here"));
    home.run(&["serve", "nowhere"]).refused(1, &["nowhere"]);
    home.run(&["serve", "site", "--ftp"]).refused(1, &["--ftp"]);
    let many = home.run(&["serve", "site", "--instances", "many"]);
    assert!(many.code == 2 && many.err.contains("'many' for '--instances <N>'"), "{many:?}");
}

#[test]
fn j1_a_single_page_application_behind_a_login_on_several_processes() {
    let home = site();
    let port = free_port();
    let text = port.to_string();
    let login = ["--basic-auth-username", "me", "--basic-auth-password", "secret"];
    home.ok(&[
        &["serve", "site", &text, "--name", "spa", "--spa", "-i", "2", "--host", "127.0.0.1"],
        login.as_slice(),
    ]
    .concat());
    serves(port);
    let (status, headers, _) = get(port, "/", &[]);
    assert_eq!(status, 401);
    assert!(headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    let basic = |words: &str| {
        use base64::Engine;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(words))
    };
    assert_eq!(get(port, "/", &[(AUTHORIZATION, &basic("me:wrong"))]).0, 401);
    let right = basic("me:secret");
    let (status, _, page) = get(port, "/some/view", &[(AUTHORIZATION, &right)]);
    assert_eq!((status, page.as_str()), (200, "<h1>front page</h1>"));
    assert_eq!(get(port, "/assets/app.js", &[(AUTHORIZATION, &right)]).2, "0123456789");
    assert!(!home.ok(&["info", "spa"]).contains("secret"), "the password is not shown");
    assert_eq!(home.processes().len(), 2);
    home.ok(&["restart", "spa"]);
    assert_eq!(get(port, "/", &[(AUTHORIZATION, &right)]).0, 200, "the socket is held open meanwhile");
    assert_eq!(home.run(&["serve", "site", "--basic-auth-username", "me"]).code, 2);
}

#[test]
fn j1_sites_of_a_file_are_served() {
    let home = site();
    let (one, two) = (free_port(), free_port());
    let file = home.file(
        "ecosystem.config.json",
        &format!(
            r#"{{"apps": [{{"name": "front", "script": "serve", "env": {{"PM2_SERVE_PATH": "site", "PM2_SERVE_PORT": {one},
                "PM2_SERVE_SPA": "true", "PM2_SERVE_HOMEPAGE": "/index.html", "PM2_SERVE_HOST": "127.0.0.1"}}}}],
                "static": [{{"path": "site", "port": {two}}}]}}"#
        ),
    );
    let started = home.run(&["start", &file]);
    assert_eq!((started.code, started.err.contains("static")), (0, false), "{started:?}");
    serves(one);
    serves(two);
    assert_eq!(get(one, "/any/view", &[]).2, "<h1>front page</h1>");
    assert_eq!(get(two, "/any/view", &[]).0, 404);
    assert_eq!(home.json(&["info", "front", "--json"])["port"], one.to_string());
    home.ok(&["plan", &file, "--exit-code"]);
    let bad = home.file("bad.json", r#"{"apps": [{"script": "serve"}], "static": [{"dir": "x"}]}"#);
    home.run(&["start", &bad]).refused(1, &["static", "\"dir\""]);
}
