//! From a health check that somebody asked for to one that can be carried out (acceptance rows D8
//! and D9).

use std::net::{IpAddr, ToSocketAddrs};

use super::define::Undefinable;
use super::finder::{Asked, Finder};
use crate::model::{HealthCheck, HealthPolicy};
use crate::probe::with_port;

/// Resolves the check against file system and host: the script is found, the URL leads to this
/// host.
///
/// # Errors
/// What is wrong with it.
pub(super) fn resolve(policy: HealthPolicy, finder: &Finder<'_>) -> Result<HealthPolicy, Undefinable> {
    let check = match policy.check {
        HealthCheck::Http { url } => {
            check_url(&url)?;
            HealthCheck::Http { url }
        }
        HealthCheck::Tcp { address } => {
            check_address(&address)?;
            HealthCheck::Tcp { address }
        }
        HealthCheck::Script { script, .. } => {
            let asked = Asked { script: &script, args: &[], interpreter: None, interpreter_args: &[] };
            let found = finder.find(&asked).map_err(|e| Undefinable {
                member: "health_check/script",
                detail: format!("the health check cannot be run: {}", e.detail),
            })?;
            HealthCheck::Script { script, program: found.program, args: found.args }
        }
    };
    Ok(HealthPolicy { check, ..policy })
}

fn check_url(url: &str) -> Result<(), Undefinable> {
    let refuse = |why: &str| {
        let detail = format!("the health check URL {url} {why}");
        Err(Undefinable { member: "health_check/url", detail })
    };
    // With any port in the place of the one that only the process knows.
    let example = with_port(url, Some("1")).unwrap_or_default();
    let Ok(parsed) = reqwest::Url::parse(&example) else {
        return refuse(
            "is not a URL: write http://localhost:3000/health, or {port} for the PORT of the process",
        );
    };
    match parsed.scheme() {
        "http" => {}
        "https" => return refuse("is https, which cannot be checked: use an http address of the app"),
        _ => return refuse("is not an http URL: write http://localhost:3000/health"),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return refuse("holds a user name or password, which a check does not send: leave them out");
    }
    match parsed.host_str().map(is_here) {
        Some(Ok(())) => Ok(()),
        Some(Err(why)) => refuse(&why),
        None => refuse("has no host"),
    }
}

fn check_address(address: &str) -> Result<(), Undefinable> {
    let refuse = |why: &str| {
        let detail = format!("the health check address {address} {why}");
        Err(Undefinable { member: "health_check/tcp", detail })
    };
    let example = with_port(address, Some("1")).unwrap_or_default();
    let parts = example.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match parts {
        None | Some((_, 0) | ("", _)) => {
            refuse("is not a host and a port: write localhost:5432, or {port} for the PORT of the process")
        }
        Some((host, _)) => is_here(host).or_else(|why| refuse(&why)),
    }
}

/// Every address of the host is one of this machine's loopback.
fn is_here(host: &str) -> Result<(), String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let elsewhere = || "is of another host: only localhost, 127.0.0.1 and [::1] are checked".to_owned();
    if let Ok(address) = host.parse::<IpAddr>() {
        return if address.is_loopback() { Ok(()) } else { Err(elsewhere()) };
    }
    let found = (host, 0).to_socket_addrs().map_err(|_| "is of a host that is not known".to_owned())?;
    let all_here = found.map(|address| address.ip()).all(|ip| ip.is_loopback());
    if all_here { Ok(()) } else { Err(elsewhere()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_checked_is_refused_with_the_remedy() {
        let check = |url: &str, part: &str| match check_url(url) {
            Ok(()) => assert_eq!(part, "", "{url} is accepted"),
            Err(e) => assert!(!part.is_empty() && e.detail.contains(part), "{url}: {}", e.detail),
        };
        check("http://localhost:9615/health", "");
        check("http://localhost:{port}/health", "");
        check("http://localhost:${PORT}/health", "");
        check("http://localhost:/health", "");
        check("http://[::1]:80/?a=b", "");
        check("http://127.0.0.2", "");
        check("localhost:3000/health", "not an http URL");
        check("health", "not a URL");
        check("", "not a URL");
        check("https://localhost/", "https");
        check("ftp://localhost/", "not an http URL");
        check("file:///etc/passwd", "not an http URL");
        check("http://192.0.2.1/", "another host");
        check("http://0.0.0.0:80/", "another host");
        check("http://169.254.169.254/latest", "another host");
        check("http://me:secret@localhost/", "password");
        check("http://localhost:70000/", "not a URL");
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["localhost:5432", "127.0.0.1:{port}", "[::1]:80", "localhost:${PORT}"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in ["localhost", "5432", ":80", "localhost:0", "localhost:x", "192.0.2.1:80", "[::1]"] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
