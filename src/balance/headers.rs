//! Which header fields pass, and which are about one connection only (RFC 9110, 7.6.1).

use std::net::IpAddr;

use hyper::Version;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The cookie that binds a client to an instance.
pub const COOKIE: &str = "pmdaemon_instance";

static OF_ONE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the sender wants to go on in instead of HTTP, if it does.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let is_wanted = connection_words(headers).any(|word| word.eq_ignore_ascii_case("upgrade"));
    is_wanted.then(|| protocol.clone())
}

fn connection_words(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The sender closes the connection after that (RFC 9112, 9.3).
pub fn is_last(version: Version, headers: &HeaderMap) -> bool {
    let says = |what: &str| connection_words(headers).any(|word| word.eq_ignore_ascii_case(what));
    if version == Version::HTTP_11 { says("close") } else { !says("keep-alive") }
}

/// Takes out what is about one connection, and puts in again what an upgrade needs.
pub fn pass(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    // Mostly there are none, which is seen sooner than each is looked for.
    if headers.keys().any(|name| OF_ONE_CONNECTION.contains(name)) {
        let named: Vec<HeaderName> =
            connection_words(headers).filter_map(|word| HeaderName::try_from(word).ok()).collect();
        for name in OF_ONE_CONNECTION.iter().chain(&named) {
            headers.remove(name);
        }
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

/// Who is at the other end of a connection.
pub struct Peer {
    /// Its address, as it is said to a process.
    address: HeaderValue,
    /// It is on this host.
    is_neighbour: bool,
}

impl Peer {
    /// Of that address.
    pub fn new(address: IpAddr) -> Peer {
        let address = address.to_canonical();
        Peer {
            is_neighbour: address.is_loopback(),
            address: HeaderValue::try_from(address.to_string())
                .unwrap_or(HeaderValue::from_static("unknown")),
        }
    }
}

/// Says who asked, and how. Who is on this host may be another proxy, whose words about scheme and
/// host stay; anybody else's are replaced, since a program may believe them.
pub fn forwarded(headers: &mut HeaderMap, client: &Peer) {
    const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
    const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
    let trusted = client.is_neighbour;
    let before = headers.get_all(&FOR).iter().filter(|_| trusted).filter_map(|value| value.to_str().ok());
    let mut way: Vec<&str> = before.collect();
    let value = match (way.is_empty(), client.address.to_str()) {
        (false, Ok(address)) => {
            way.push(address);
            HeaderValue::try_from(way.join(", ")).unwrap_or_else(|_| client.address.clone())
        }
        _ => client.address.clone(),
    };
    headers.insert(FOR, value);
    if !trusted || !headers.contains_key(&PROTO) {
        headers.insert(PROTO, HeaderValue::from_static("http"));
    }
    if !trusted || !headers.contains_key(&HOST) {
        match headers.get(header::HOST).cloned() {
            Some(host) => _ = headers.insert(HOST, host),
            None => _ = headers.remove(HOST),
        }
    }
}

/// The instance that the client's cookie names.
pub fn bound(headers: &HeaderMap) -> Option<u32> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE)?.1.parse().ok()
}

/// Binds the client to that instance.
pub fn bind(headers: &mut HeaderMap, instance: u32) {
    let cookie = format!("{COOKIE}={instance}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_client_that_says_so_leaves_and_an_old_one_that_does_not_stay() {
        let is_last = |version, value: Option<&'static str>| {
            let value = value.map(|value| (header::CONNECTION, HeaderValue::from_static(value)));
            super::is_last(version, &value.into_iter().collect())
        };
        assert!(!is_last(Version::HTTP_11, None) && !is_last(Version::HTTP_11, Some("keep-alive")));
        assert!(is_last(Version::HTTP_11, Some("TE, Close")));
        assert!(is_last(Version::HTTP_10, None) && !is_last(Version::HTTP_10, Some("Keep-Alive")));
    }

    fn passed(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut headers = map(pairs);
        let upgrade = upgrade(&headers);
        pass(&mut headers, upgrade);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn what_is_about_one_connection_stays_here() {
        let given =
            [("host", "a"), ("connection", "keep-alive, x-mine"), ("keep-alive", "5"), ("x-mine", "1")];
        assert_eq!(passed(&given), ["host: a"]);
        assert_eq!(passed(&[("te", "trailers"), ("upgrade", "h2c"), ("accept", "*/*")]), ["accept: */*"]);
    }

    #[test]
    fn an_upgrade_passes() {
        let given = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
        assert_eq!(passed(&given), ["connection: upgrade", "upgrade: websocket"]);
    }

    #[test]
    fn who_asked_is_said_and_only_neighbours_are_believed() {
        let check = |client: &str, given: &[(&str, &str)], expected: [&str; 3]| {
            let mut headers = map(given);
            forwarded(&mut headers, &Peer::new(client.parse().unwrap()));
            let said = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
                .map(|name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned());
            assert_eq!(said, expected);
        };
        check("10.0.0.7", &[("host", "shop")], ["10.0.0.7", "http", "shop"]);
        let lies = [("host", "shop"), ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")];
        check("10.0.0.7", &lies, ["10.0.0.7", "http", "shop"]);
        check("::ffff:127.0.0.1", &lies, ["1.1.1.1, 127.0.0.1", "https", "shop"]);
    }

    #[test]
    fn a_cookie_names_an_instance_or_nothing() {
        assert_eq!(bound(&map(&[("cookie", "a=b; pmdaemon_instance=3; c=d")])), Some(3));
        for none in ["pmdaemon_instance=x", "apmdaemon_instance=3", "a=b", ""] {
            assert_eq!(bound(&map(&[("cookie", none)])), None);
        }
        let mut headers = HeaderMap::new();
        bind(&mut headers, 2);
        assert!(headers["set-cookie"].to_str().unwrap().starts_with("pmdaemon_instance=2; Path=/;"));
    }
}
