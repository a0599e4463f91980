//! One HTTP request over the unix socket, by hand: for when there may be nobody to answer.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::Home;

/// Speaks to whichever daemon is there.
#[derive(Clone)]
pub struct Raw {
    socket: PathBuf,
    token: String,
}

impl Raw {
    /// With the token that the home has now.
    pub fn of(home: &Home) -> Raw {
        Raw { socket: home.path().join("pmdaemon.sock"), token: home.ok(&["token"]).trim().to_owned() }
    }

    /// Status and body; an error when nobody answers within `limit`.
    pub fn ask(&self, method: &str, path: &str, limit: Duration) -> io::Result<(u16, String)> {
        let mut stream = connect(&self.socket)?;
        stream.set_read_timeout(Some(limit))?;
        let token = &self.token;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
        stream.write_all(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no answer"))?;
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        Ok((status, body))
    }

    /// Whether a daemon is there and ready.
    pub fn is_ready(&self) -> bool {
        self.ask("GET", "/readyz", Duration::from_secs(2)).is_ok_and(|(status, _)| status == 200)
    }

    /// All processes, if somebody answers.
    pub fn processes(&self) -> Option<Vec<Value>> {
        let (status, body) = self.ask("GET", "/api/v1/processes", Duration::from_secs(5)).ok()?;
        let list: Value = (status == 200).then(|| serde_json::from_str(&body).ok())??;
        list["items"].as_array().cloned()
    }
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(socket)
}
