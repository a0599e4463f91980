//! What every request passes: names, origins, limits.

use serde_json::json;

use crate::support::Home;

/// Row 43 of the security checklist.
#[test]
fn row_3_other_names_are_misdirected_whatever_a_proxy_says() {
    let home = Home::new();
    let api = home.api();
    let port = api.address.port();
    let foreign = [&format!("evil.example:{port}"), &format!("localhost:+{port}")];
    for host in
        ["evil.example", "127.0.0.1", "localhost:1", ""].into_iter().chain(foreign.map(String::as_str))
    {
        let ours = format!("127.0.0.1:{port}");
        let request = api.request("GET", "/api/v1/processes").header("Host", host);
        api.send(request.header("X-Forwarded-Host", ours)).is_problem(421, "foreign_host");
    }
    let request = api.request("GET", "/api/v1/processes").header("Host", format!("localhost:{port}"));
    assert_eq!(api.send(request.header("X-Forwarded-Host", "evil.example")).status, 200);
}

/// RFC 9112, 3.2.2: what the target says counts, whatever the Host header does.
#[test]
fn row_3_a_target_with_a_name_of_others_is_misdirected_and_two_names_are_refused() {
    let home = Home::new();
    let api = home.api();
    let port = api.address.port();
    let (ours, localhost) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    let check = |target: &str, host: &str, status: u16| {
        let path = format!("http://{target}/api/v1/processes");
        assert_eq!(raw_to(&api, &path, host, true), status, "{path} with Host: {host}");
    };
    check(&ours, &ours, 200);
    check(&localhost.to_uppercase(), &localhost, 200);
    for target in ["evil.example", &format!("evil.example:{port}"), "localhost", &format!("me@{localhost}")] {
        check(target, &ours, 421);
        check(target, target, 421);
    }
    check(&ours, "evil.example", 421);
    check(&ours, &localhost, 400);
    check(&localhost, &ours, 400);
}

#[test]
fn row_5_no_page_of_others_may_read_unless_its_origin_was_named() {
    let home = Home::new();
    let api = home.api();
    let preflight = |base: &str, origin: &str| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(reqwest::Method::OPTIONS, format!("{base}/api/v1/processes"));
        api.send(request.header("Origin", origin).header("Access-Control-Request-Method", "GET"))
    };
    for origin in ["http://evil.example", "null", &api.origin()] {
        let answer = preflight(&api.origin(), origin);
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{answer:?}");
    }
    let settings =
        json!({"host": "127.0.0.1", "port": 0, "origins": ["https://a.example", "http://b.example:81"]});
    let made = api.post("/api/v1/system/listeners", &settings);
    assert_eq!(made.status, 201, "{made:?}");
    let base = format!("http://127.0.0.1:{}", made.json()["port"]);
    for origin in ["https://a.example", "http://b.example:81"] {
        let answer = preflight(&base, origin);
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, origin));
        assert_eq!(answer.header("access-control-allow-credentials"), "", "cookies are not shared");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = client.get(format!("{base}/api/v1/processes")).header("Origin", origin);
        let answer = api.send(get.bearer_auth(&api.token));
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, origin));
        // Who changes a definition says which one he has seen.
        assert!(answer.header("access-control-expose-headers").contains("etag"), "{answer:?}");
        let asked = preflight(&base, origin).header("access-control-allow-headers").to_owned();
        assert!(asked.contains("if-match") && asked.contains("if-none-match"), "{asked}");
    }
    for origin in ["https://a.example:444", "http://a.example", "https://evil.example", "null"] {
        assert_eq!(preflight(&base, origin).header("access-control-allow-origin"), "", "{origin}");
    }
    let wrong = json!({"host": "127.0.0.1", "port": 0, "origins": ["*"]});
    api.post("/api/v1/system/listeners", &wrong).is_problem(422, "invalid_value");
}

#[test]
fn row_9_odd_paths_lead_nowhere() {
    let home = Home::new();
    let api = home.api();
    for path in [
        "//api/v1/processes",
        "/ws/../api/v1/processes",
        "/%2e%2e/api/v1/processes",
        "/api%2fv1/processes",
        "/api/v1/processes;x",
        "/api/v1/processes/",
        "/API/v1/processes",
        "/api/v1/apps/%00",
        "/api/v1/apps/..%2f..%2fetc%2fpasswd",
        "/api\\v1\\processes",
        "/assets/x/..%2f..%2fCargo.toml",
    ] {
        for (token, allowed) in [(true, [404, 400]), (false, [401, 404])] {
            let answer = raw(&api, path, token);
            assert!(allowed.contains(&answer), "{path} with a token: {token}: {answer}");
        }
    }
}

/// The status of a GET whose path nobody puts in order before.
fn raw(api: &crate::support::Api, path: &str, token: bool) -> u16 {
    raw_to(api, path, &api.address.to_string(), token)
}

/// The same with that Host.
fn raw_to(api: &crate::support::Api, path: &str, host: &str, token: bool) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(api.address).unwrap();
    let credential = if token { format!("Authorization: Bearer {}\r\n", api.token) } else { String::new() };
    let ask = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{credential}Connection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[test]
fn row_23_long_and_deep_requests_are_refused_with_a_problem() {
    let home = Home::new();
    let api = home.api();
    let long = "a".repeat(9 * 1024);
    api.send(api.request("GET", &format!("/api/v1/processes?x={long}"))).is_problem(414, "uri_too_long");
    let header = api.request("GET", "/api/v1/processes").header("X-Long", &long).header("X-Longer", &long);
    api.send(header).is_problem(431, "header_too_large");
    let body = api.request("POST", "/api/v1/apps").header("Content-Type", "application/json");
    api.send(body.body(" ".repeat(1024 * 1024 + 1))).is_problem(413, "body_too_large");
    for depth in [33, 100_000] {
        let body = api.request("POST", "/api/v1/apps").header("Content-Type", "application/json");
        let deep = "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        api.send(body.body(deep)).is_problem(400, "too_deep");
    }
    let body = api.request("POST", "/api/v1/apps").header("Content-Type", "text/plain").body("{}");
    api.send(body).is_problem(415, "json_required");
    api.get("/api/v1/processes");
}

#[test]
fn row_19_plain_http_says_nothing_of_transport_security() {
    let home = Home::new();
    let api = home.api();
    assert_eq!(api.send(api.bare("GET", "/login")).header("strict-transport-security"), "");
}

#[test]
fn row_30_no_shell_reads_what_is_sent() {
    let home = Home::new();
    let api = home.api();
    let trap = home.work().join("trap");
    let script = home.file("show.sh", "#!/bin/sh\necho \"$@\"\nexec sleep 1000\n");
    let texts = ["$(touch TRAP)", "; touch TRAP", "`touch TRAP`", "| touch TRAP", "\n touch TRAP"];
    for (index, text) in texts.into_iter().enumerate() {
        let text = text.replace("TRAP", trap.to_str().unwrap());
        let body = json!({"script": script, "name": format!("a{index}"), "args": [text], "env": {"A": text},
            "cwd": home.work().to_str().unwrap()});
        let answer = api.post("/api/v1/apps", &body);
        assert!(answer.status.is_success(), "{answer:?}");
        home.wait_for_line(&format!("a{index}"), "touch");
        // As a name or a directory it is refused, or found to be none. (As a script it would be a
        // command line, which is given to a shell: that is asked for.)
        for member in ["name", "cwd"] {
            let mut body = json!({"script": script, "name": format!("b{index}-{member}")});
            body[member] = json!(text);
            api.post("/api/v1/apps", &body);
        }
        home.run(&["info", &text]);
    }
    assert!(!trap.exists(), "a shell has read it");
}

#[test]
fn row_51_the_unix_socket_is_for_its_owner_and_asks_for_a_token_too() {
    use std::io::{Read, Write};
    use std::os::unix::fs::MetadataExt;
    let home = Home::new();
    home.ok(&["status"]);
    let socket = home.path().join("pmdaemon.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /api/v1/processes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");

    // Somebody else who gets at it all the same is turned away, whatever he shows.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let ask = "import os, socket, sys
uid, path = int(sys.argv[1]), sys.argv[2]
os.setgroups([]); os.setgid(uid); os.setuid(uid)
server = socket.socket(socket.AF_UNIX)
server.settimeout(20)
server.connect(path)
try:
    server.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')
    print(server.recv(17).decode())
except ConnectionError:
    print()
";
    let directories = [home.path().parent().unwrap().to_owned(), home.path()];
    directories.iter().for_each(|directory| open(directory, 0o755));
    open(&socket, 0o666);
    let [nobody, root] = ["65534", "0"].map(|uid| {
        std::process::Command::new("python3")
            .args(["-c", ask, uid, socket.to_str().unwrap()])
            .output()
            .unwrap()
    });
    directories.iter().for_each(|directory| open(directory, 0o700));
    assert!(nobody.status.success() && nobody.stdout.trim_ascii().is_empty(), "{nobody:?}");
    assert!(root.stdout.starts_with(b"HTTP/1.1 200 OK"), "{root:?}");
    assert!(home.daemon_log().contains("uid 65534 came to the unix socket"));
}
