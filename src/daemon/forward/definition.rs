//! What is forwarded, and where to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::daemon::reach::{self, Loopback};
use crate::logs::{Level, Stream};
use crate::model::Name;

/// The port of syslog.
const SYSLOG_PORT: u16 = 514;
/// The facility unless somebody says otherwise: `user`.
const USER: u8 = 1;
/// Facilities by their numbers; between those that have no word.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "",
    "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// A forward as it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Where lines go.
    pub receiver: Receiver,
    /// References to apps or processes; none: all.
    pub apps: Vec<String>,
    /// Only this stream.
    pub stream: Option<Only>,
    /// Only lines that say that they are of this level or above: its word.
    pub level: Option<String>,
    /// When it was defined, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Where lines go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Receiver {
    /// Syslog, one datagram per line.
    Udp {
        /// `host:port`.
        address: String,
        /// The number of the facility.
        facility: u8,
    },
    /// Syslog, counted frames on a connection.
    Tcp {
        /// `host:port`.
        address: String,
        /// The number of the facility.
        facility: u8,
    },
    /// Syslog, one datagram per line to a socket of this host.
    Unix {
        /// The socket.
        path: PathBuf,
        /// The number of the facility.
        facility: u8,
    },
    /// Batches of JSON documents, one per line, by POST.
    Http {
        /// Where to.
        url: String,
        /// Sent along.
        headers: Vec<Header>,
        /// The body is compressed.
        gzip: bool,
    },
}

/// A header; its value may be a secret and is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ***", self.name)
    }
}

/// One of the two streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Only {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl From<Only> for Stream {
    fn from(only: Only) -> Stream {
        match only {
            Only::Out => Stream::Out,
            Only::Err => Stream::Err,
        }
    }
}

/// What somebody asked for.
#[derive(Default)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// `udp://host:514`, `tcp://host:514` or `unix:///dev/log`.
    pub syslog: Option<String>,
    /// `http://…` or `https://…`.
    pub http: Option<String>,
    /// The word of a facility.
    pub facility: Option<String>,
    /// For HTTP.
    pub headers: BTreeMap<String, String>,
    /// For HTTP.
    pub gzip: bool,
    /// References.
    pub apps: Vec<String>,
    /// Only this stream.
    pub stream: Option<Only>,
    /// Only from this level on.
    pub level: Option<String>,
}

/// What is wrong with a wish: the member, and a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake(pub &'static str, pub String);

impl Wish {
    /// The definition.
    ///
    /// # Errors
    /// The first mistake.
    pub fn define(self, now_ms: u64) -> Result<Definition, Mistake> {
        let name = Name::parse(&self.name).map_err(|bad| Mistake("/name", bad.to_string()))?;
        let level = self.level.as_deref().map(level).transpose()?;
        let receiver = match (&self.syslog, &self.http) {
            (Some(url), None) => self.syslog(url)?,
            (None, Some(url)) => self.http(url)?,
            (Some(_), Some(_)) => {
                let told = "it goes to one receiver: give either syslog or http, and make a second forward";
                return Err(Mistake("/http", told.to_owned()));
            }
            (None, None) => {
                let told =
                    "where to? give syslog, such as udp://host:514, or http, such as https://host/ingest";
                return Err(Mistake("/syslog", told.to_owned()));
            }
        };
        Ok(Definition {
            name: name.to_string(),
            receiver,
            apps: self.apps,
            stream: self.stream,
            level: level.map(|level| level.as_str().to_owned()),
            created_at_ms: now_ms,
        })
    }

    fn syslog(&self, text: &str) -> Result<Receiver, Mistake> {
        let wrong = |why: &str| {
            let told = format!("{why}: write udp://host:514, tcp://host:514 or unix:///dev/log");
            Mistake("/syslog", told)
        };
        if !self.headers.is_empty() || self.gzip {
            return Err(Mistake("/headers", "headers and gzip are for http; syslog has neither".to_owned()));
        }
        let facility = self.facility.as_deref().map_or(Ok(USER), facility)?;
        let url = Url::parse(text).map_err(|e| wrong(&format!("{text:?} is not an address ({e})")))?;
        if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("the address has more than host and port"));
        }
        let address = || {
            let host = url.host_str().filter(|host| !host.is_empty());
            let host = host.ok_or_else(|| wrong(&format!("{text:?} names no host")))?;
            if !matches!(url.path(), "" | "/") {
                return Err(wrong(&format!("{text:?} has a path")));
            }
            match url.port() {
                Some(0) => Err(wrong("0 is no port")),
                port => Ok(format!("{host}:{}", port.unwrap_or(SYSLOG_PORT))),
            }
        };
        match url.scheme() {
            "udp" => Ok(Receiver::Udp { address: address()?, facility }),
            "tcp" => Ok(Receiver::Tcp { address: address()?, facility }),
            "unix" if url.host_str().is_none_or(str::is_empty) && url.path().len() > 1 => {
                Ok(Receiver::Unix { path: url.path().into(), facility })
            }
            "unix" => Err(wrong(&format!("{text:?} names no socket"))),
            other => Err(wrong(&format!("{other:?} is no way to send syslog"))),
        }
    }

    fn http(&self, text: &str) -> Result<Receiver, Mistake> {
        let wrong = |why: String| Mistake("/http", why);
        if self.facility.is_some() {
            return Err(Mistake("/facility", "a facility is for syslog; http has none".to_owned()));
        }
        let url = Url::parse(text).map_err(|e| {
            wrong(format!("that is not a URL ({e}): write http://host/path or https://host/path"))
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong(format!(
                "{}: is not for HTTP: write http://host/path or https://host/path",
                url.scheme()
            )));
        }
        reach::may_be(url.host_str().unwrap_or_default(), Loopback::Allowed).map_err(wrong)?;
        if !url.username().is_empty() || url.password().is_some() {
            let told = "credentials in a URL end up in logs: give them as a header, such as Authorization";
            return Err(wrong(told.to_owned()));
        }
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let told = |why: &str| Mistake("/headers", format!("the header {name:?} {why}"));
            let parsed =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| told("has no name that HTTP allows"))?;
            if [
                "content-type",
                "content-length",
                "content-encoding",
                "host",
                "transfer-encoding",
                "connection",
            ]
            .contains(&parsed.as_str())
            {
                return Err(told("is set by pmdaemon: leave it out"));
            }
            HeaderValue::from_str(value).map_err(|_| told("has a value that HTTP does not allow"))?;
            headers.push(Header { name: parsed.as_str().to_owned(), value: value.clone() });
        }
        Ok(Receiver::Http { url: url.into(), headers, gzip: self.gzip })
    }
}

impl Definition {
    /// Where it goes, without what may be a secret.
    pub fn target(&self) -> String {
        match &self.receiver {
            Receiver::Udp { address, .. } => format!("udp://{address}"),
            Receiver::Tcp { address, .. } => format!("tcp://{address}"),
            Receiver::Unix { path, .. } => format!("unix://{}", path.display()),
            Receiver::Http { url, .. } => match url.split_once('?') {
                Some((before, _)) => format!("{before}?***"),
                None => url.clone(),
            },
        }
    }

    /// The word of its facility, for syslog.
    pub fn facility(&self) -> Option<&'static str> {
        match &self.receiver {
            Receiver::Udp { facility, .. }
            | Receiver::Tcp { facility, .. }
            | Receiver::Unix { facility, .. } => FACILITIES.get(usize::from(*facility)).copied(),
            Receiver::Http { .. } => None,
        }
    }

    /// From which level on.
    pub fn level(&self) -> Option<Level> {
        self.level.as_deref().and_then(Level::of_word)
    }
}

fn facility(word: &str) -> Result<u8, Mistake> {
    let found = FACILITIES.iter().position(|known| !known.is_empty() && *known == word);
    found.map(|at| at as u8).ok_or_else(|| {
        Mistake("/facility", format!("{word:?} is no facility: write user, daemon or local0 to local7"))
    })
}

fn level(word: &str) -> Result<Level, Mistake> {
    Level::of_word(word).ok_or_else(|| {
        Mistake("/level", format!("{word:?} is no level: write trace, debug, info, warn, error or fatal"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syslog(url: &str) -> Result<Receiver, Mistake> {
        let wish = Wish { name: "a".into(), syslog: Some(url.into()), ..Wish::default() };
        wish.define(0).map(|definition| definition.receiver)
    }

    #[test]
    fn an_address_of_syslog_is_udp_tcp_or_a_socket() {
        let udp = |address: &str| Receiver::Udp { address: address.into(), facility: USER };
        assert_eq!(syslog("udp://logs.example:5514"), Ok(udp("logs.example:5514")));
        assert_eq!(syslog("udp://[::1]"), Ok(udp("[::1]:514")));
        assert_eq!(syslog("tcp://h"), Ok(Receiver::Tcp { address: "h:514".into(), facility: USER }));
        assert_eq!(syslog("unix:///dev/log"), Ok(Receiver::Unix { path: "/dev/log".into(), facility: USER }));
        for bad in [
            "",
            "host:514",
            "http://h",
            "udp://",
            "udp://h/x",
            "tcp://u@h",
            "tcp://h:0",
            "unix://",
            "tcp://h:99999",
        ] {
            let Mistake(member, told) = syslog(bad).expect_err(bad);
            assert!(member == "/syslog" && told.contains("unix:///dev/log"), "{bad}: {told}");
        }
    }

    #[test]
    fn a_secret_is_neither_shown_nor_taken_in_a_url() {
        let http = |url: &str, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            Wish { name: "a".into(), http: Some(url.into()), headers, ..Wish::default() }.define(0)
        };
        let one = http("https://h/in?key=s3cr3t", &[("Authorization", "Bearer s3cr3t")]).unwrap();
        assert_eq!(one.target(), "https://h/in?***");
        assert!(!format!("{:?}", one.receiver).replace("key=s3cr3t", "").contains("s3cr3t"));
        assert!(http("https://me:s3cr3t@h/", &[]).unwrap_err().1.contains("as a header"));
        // However it is written.
        for url in ["http://169.254.169.254/", "http://2852039166/", "https://[fe80::1]/in"] {
            assert!(http(url, &[]).unwrap_err().1.contains("one link"), "{url}");
        }
        assert!(http("ftp://h/", &[]).unwrap_err().1.contains("https://host/path"));
        assert!(http("http://h/", &[("bad name", "x")]).unwrap_err().1.contains("bad name"));
        assert!(http("http://h/", &[("x", "a\nb")]).unwrap_err().1.contains("a value"));
        assert!(http("http://h/", &[("Host", "a")]).unwrap_err().1.contains("leave it out"));
    }

    #[test]
    fn one_receiver_a_known_facility_and_a_known_level() {
        let told = |wish: Wish| wish.define(0).unwrap_err().1;
        let wish = || Wish { name: "a".into(), syslog: Some("udp://h".into()), ..Wish::default() };
        assert!(told(Wish { http: Some("http://h".into()), ..wish() }).contains("a second forward"));
        assert!(told(Wish { syslog: None, ..wish() }).contains("where to?"));
        assert!(told(Wish { facility: Some("loud".into()), ..wish() }).contains("local0"));
        assert!(told(Wish { level: Some("loud".into()), ..wish() }).contains("warn"));
        assert!(told(Wish { gzip: true, ..wish() }).contains("http"));
        let kept = Wish { facility: Some("local7".into()), level: Some("WARNING".into()), ..wish() }
            .define(5)
            .unwrap();
        assert_eq!((kept.facility(), kept.level()), (Some("local7"), Some(Level::Warn)));
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Definition>(&text).unwrap(), kept);
    }
}
