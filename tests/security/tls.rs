//! Addresses with a certificate.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::home::{PROGRAM, fed};
use crate::support::{Api, Home, SOON, proc, wait_until};

/// A certificate for localhost and its key, in files.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    pem: String,
}

fn write(path: &Path, text: &str, mode: u32) {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(&fresh, path).unwrap();
}

fn pair(home: &Home) -> Pair {
    let names = ["localhost".to_owned(), "box.example".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (cert, key) = (home.work().join("cert.pem"), home.work().join("key.pem"));
    write(&cert, &made.cert.pem(), 0o644);
    write(&key, &made.signing_key.serialize_pem(), 0o600);
    Pair { cert, key, pem: made.cert.pem() }
}

/// Serves with that pair at a free port; answers the port.
fn serve(home: &Home, pair: &Pair, host: &str) -> u16 {
    let (cert, key) = (pair.cert.to_str().unwrap(), pair.key.to_str().unwrap());
    let args = [
        "web",
        "--detach",
        "--port",
        "0",
        "--host",
        host,
        "--tls-cert",
        cert,
        "--tls-key",
        key,
        "--allow-host",
    ];
    let out = home.ok(&[&args[..], &["box.example"]].concat());
    let url = out.lines().find_map(|line| line.strip_prefix("Dashboard:")).unwrap().trim();
    assert!(url.starts_with("https://box.example:"), "{out}");
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A client that trusts these certificates alone, and shows what it was given.
fn client(pems: &[&str]) -> reqwest::Client {
    let roots = pems.iter().map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .tls_info(true)
        .pool_max_idle_per_host(0)
        .timeout(SOON)
        .build()
        .unwrap()
}

/// The certificate that is shown at that port; an error when nobody answers 200.
fn shown(api: &Api, client: &reqwest::Client, port: u16) -> Result<Vec<u8>, String> {
    let asked = client.get(format!("https://localhost:{port}/api/v1/processes")).bearer_auth(&api.token);
    let answer = api.block_on(async { asked.send().await }).map_err(|e| format!("{e:?}"))?;
    if answer.status() != 200 {
        return Err(answer.status().to_string());
    }
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS");
    Ok(info.peer_certificate().expect("a certificate").to_vec())
}

/// Row 49 of the security checklist.
#[test]
fn row_2_beyond_this_machine_there_is_tls_or_somebody_insists() {
    let home = Home::new();
    let api = home.api();
    let refused = home.run(&["web", "--host", "0.0.0.0", "--port", "0", "--detach"]);
    refused.refused(1, &["0.0.0.0", "--tls-cert", "--insecure-http"]);
    let plain = json!({"host": "0.0.0.0", "port": 0});
    let problem = api.post("/api/v1/system/listeners", &plain).is_problem(422, "invalid_value");
    assert!(problem["detail"].as_str().unwrap().contains("insecure_http"), "{problem}");
    let open = json!({"host": "0.0.0.0", "port": 0, "no_auth": true, "insecure_http": true});
    api.post("/api/v1/system/listeners/temporary", &open).is_problem(422, "invalid_value");

    let insists = home.run(&["web", "--host", "0.0.0.0", "--port", "0", "--detach", "--insecure-http"]);
    assert_eq!(insists.code, 0, "{insists:?}");
    assert!(insists.err.contains("not encrypted"), "{insists:?}");
    let everywhere: Vec<_> = home.json(&["status", "--json"])["daemon"]["listeners"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|listener| listener["host"] == "0.0.0.0")
        .cloned()
        .collect();
    assert_eq!(everywhere.len(), 1, "{everywhere:?}");
    let client = client(&[]);
    let asked = client.get(format!("http://127.0.0.1:{}/api/v1/processes", everywhere[0]["port"]));
    assert_eq!(api.send(asked.bearer_auth(&api.token)).status, 200);
}

/// Row 17 of the security checklist.
#[test]
fn row_19_and_20_tls_is_spoken_with_the_names_and_cookies_that_belong_to_it() {
    let home = Home::new();
    let api = home.api();
    let pair = pair(&home);
    let port = serve(&home, &pair, "0.0.0.0");
    let client = client(&[&pair.pem]);
    shown(&api, &client, port).unwrap();
    let login = api.send(client.get(format!("https://localhost:{port}/login")));
    assert_eq!(login.header("strict-transport-security"), "max-age=31536000");
    let foreign = client.get(format!("https://localhost:{port}/login")).header("Host", "evil.example");
    api.send(foreign).is_problem(421, "foreign_host");
    let named = client.get(format!("https://localhost:{port}/login"));
    assert_eq!(api.send(named.header("Host", format!("box.example:{port}"))).status, 200);

    let link = api.send(api.request("POST", "/api/v1/auth/login-link")).json();
    let code = link["path"].as_str().unwrap().split('=').nth(1).unwrap().to_owned();
    let form = client.post(format!("https://localhost:{port}/login/once"));
    let form = form.header("Content-Type", "application/x-www-form-urlencoded").body(format!("code={code}"));
    let no_redirect = form.build().unwrap();
    let bare = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([reqwest::Certificate::from_pem(pair.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let answer = api.block_on(async { bare.execute(no_redirect).await }).unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-pmd="), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let session = cookie.split(';').next().unwrap();
    let page = client.get(format!("https://localhost:{port}/api/v1/processes")).header("Cookie", session);
    assert_eq!(api.send(page).status, 200);
    // Bound to its origin: the plain address does not take it.
    assert_eq!(api.send(api.bare("GET", "/api/v1/processes").header("Cookie", session)).status, 401);

    // Who does not speak TLS gets nothing.
    let plain = api.block_on(async { client.get(format!("http://127.0.0.1:{port}/healthz")).send().await });
    assert!(plain.is_err(), "{plain:?}");
}

#[test]
fn row_20_a_new_certificate_is_used_within_moments_and_nobody_is_refused() {
    let home = Home::new();
    let api = home.api();
    let first = pair(&home);
    let port = serve(&home, &first, "127.0.0.1");
    let old = shown(&api, &client(&[&first.pem]), port).unwrap();
    // In the year 4096, as the certificates of tests do.
    let expiry = format!("pmdaemon_tls_certificate_expiry_seconds{{address=\"127.0.0.1:{port}\"}} 67090");
    let metrics = api.send(api.request("GET", "/metrics")).text;
    assert!(metrics.lines().any(|line| line.starts_with(&expiry)), "{metrics}");

    let second = pair(&home);
    let both = client(&[&first.pem, &second.pem]);
    let mut refused = Vec::new();
    wait_until("the new certificate", Duration::from_secs(10), || match shown(&api, &both, port) {
        Ok(now) => now != old,
        Err(e) => {
            refused.push(e);
            false
        }
    });
    assert!(refused.is_empty(), "{refused:?}");

    // A broken renewal changes nothing, and says so.
    let now = shown(&api, &both, port).unwrap();
    write(&second.cert, "no certificate", 0o644);
    proc::send(home.keeper_and_daemon().1, Signal::SIGHUP);
    wait_until("a warning", SOON, || home.daemon_log().contains("the certificate from before stays in use"));
    assert_eq!(shown(&api, &both, port).unwrap(), now);

    // The same by a request, which is told what came of it.
    let reload = || api.post("/api/v1/system/reload", &serde_json::json!({}));
    let problem = reload().is_problem(409, "certificate_unusable");
    assert!(problem["detail"].as_str().unwrap().contains("the one from before stays in use"), "{problem}");
    assert_eq!(shown(&api, &both, port).unwrap(), now);
    let third = pair(&home);
    let reloaded = reload();
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    assert_eq!(reloaded.json()["certificates"], serde_json::json!([third.cert.to_str().unwrap()]));
    assert_ne!(shown(&api, &client(&[&third.pem]), port).unwrap(), now);
    assert!(home.ok(&["settings", "reload"]).contains("Read again: "));
}

#[test]
fn row_20_a_loose_key_is_refused_and_nothing_is_served() {
    let home = Home::new();
    let pair = pair(&home);
    std::fs::set_permissions(&pair.key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let before = home.json(&["status", "--json"])["daemon"]["listeners"].clone();
    let (cert, key) = (pair.cert.to_str().unwrap(), pair.key.to_str().unwrap());
    let args = ["web", "--detach", "--port", "0", "--tls-cert", cert, "--tls-key", key];
    home.run(&args).refused(1, &["key.pem", "chmod 600"]);
    assert_eq!(home.json(&["status", "--json"])["daemon"]["listeners"], before);
    assert_eq!(home.run(&["web", "--tls-cert", cert]).code, 2, "a certificate needs its key");
}

#[test]
fn row_20_tls_survives_the_daemon_and_an_upgrade_and_never_falls_back_to_plain_http() {
    let home = Home::new();
    let api = home.api();
    let pair = pair(&home);
    let port = serve(&home, &pair, "127.0.0.1");
    let client = client(&[&pair.pem]);
    let before = shown(&api, &client, port).unwrap();
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(shown(&api, &client, port).unwrap(), before);
    home.ok(&["upgrade", "--binary", PROGRAM]);
    assert_eq!(shown(&api, &client, port).unwrap(), before);

    // Without its key the address is not served at all; with it, again.
    std::fs::set_permissions(&pair.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert!(home.daemon_log().contains("chmod 600"));
    assert!(shown(&api, &client, port).is_err());
    std::fs::set_permissions(&pair.key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("a new daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(shown(&api, &client, port).unwrap(), before);
}

#[test]
fn row_42_a_login_trusts_the_certificates_it_was_given_and_the_name_in_them_and_nothing_else() {
    let (server, own) = (Home::new(), Home::new());
    let pair = pair(&server);
    let url = format!("https://localhost:{}", serve(&server, &pair, "127.0.0.1"));
    let token = server.ok(&["token", "create", "laptop", "--role", "operator"]);
    server.ok(&["start", "sleep", "--name", "theirs", "--", "1000"]);
    let login = |url: &str, ca: &[&str]| {
        fed(&mut own.command(&[&["login", url, "--token-stdin", "--name", "prod"], ca].concat()), &token)
    };
    let contexts = own.mark().join("user/.config/pmdaemon/contexts.json");
    // Nobody has signed it whom this machine trusts, nor whom another file names.
    login(&url, &[]).refused(1, &["certificate"]);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_ca = own.file("other.pem", &other.cert.pem());
    login(&url, &["--ca", &other_ca]).refused(1, &["certificate"]);
    assert!(!contexts.exists(), "nothing is kept of a login that failed");

    let ca = own.file("ca.pem", &pair.pem);
    let ran = login(&url, &["--ca", &ca]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // What the file said is kept, not where it is.
    std::fs::remove_file(&ca).unwrap();
    assert!(own.ok(&["list"]).contains("theirs"));
    own.ok(&["stop", "theirs"]);
    assert_eq!(server.process("theirs")["status"], "stopped");

    // Another one comes to answer there: it gets no token.
    write(&pair.key, &other.signing_key.serialize_pem(), 0o600);
    write(&pair.cert, &other.cert.pem(), 0o644);
    wait_until("the other certificate is shown", SOON, || own.run(&["list"]).code == 1);
    own.run(&["list"]).refused(1, &["certificate"]);

    // The name counts as well.
    let named = rcgen::generate_simple_self_signed(["box.example".to_owned()]).unwrap();
    write(&pair.key, &named.signing_key.serialize_pem(), 0o600);
    write(&pair.cert, &named.cert.pem(), 0o644);
    let named_ca = own.file("named.pem", &named.cert.pem());
    let trusting = client(&[&named.cert.pem()]);
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let resolved = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(named.cert.pem().as_bytes()).unwrap()])
        .resolve("box.example", ([127, 0, 0, 1], port).into())
        .build()
        .unwrap();
    let api = server.api();
    wait_until("the third certificate is shown", SOON, || {
        let asked = resolved.get(format!("https://box.example:{port}/healthz"));
        api.block_on(async { asked.send().await }).is_ok_and(|answer| answer.status() == 200)
    });
    assert!(shown(&api, &trusting, port).is_err(), "localhost is not in it");
    login(&url, &["--ca", &named_ca]).refused(1, &["certificate"]);
}
