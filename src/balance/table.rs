//! What the balancer is told: a file that is replaced as a whole. A member that comes later has a
//! default, so a balancer and a daemon of different versions understand each other.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Everything that a balancer knows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    /// Grows with every table of the app.
    #[serde(default)]
    pub generation: u64,
    /// How it works.
    #[serde(default)]
    pub settings: Settings,
    /// The processes that are there.
    #[serde(default)]
    pub backends: Vec<Backend>,
}

/// How it works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether it understands what is said.
    pub mode: Mode,
    /// Who is next.
    pub method: Method,
    /// Whether a client stays with a process.
    pub sticky: Sticky,
    /// A request that is not begun to be answered within this is given up, in milliseconds.
    pub timeout_ms: u64,
    /// So long a request waits for a process to be in service, in milliseconds.
    pub patience_ms: u64,
    /// So many connections of clients at once; more wait in the socket's queue.
    pub max_connections: usize,
    /// Nobody comes into service by itself: all are stopped, or given up.
    pub nobody_comes: bool,
    /// Others accept from the socket, and nobody is in service behind the balancer yet: it begins to
    /// accept when somebody is.
    pub leaves_queue: bool,
    /// A process that comes into service gets its whole share only after this, in milliseconds.
    pub slow_start_ms: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            mode: Mode::default(),
            method: Method::default(),
            sticky: Sticky::default(),
            timeout_ms: 60_000,
            patience_ms: 10_000,
            max_connections: 10_000,
            nobody_comes: false,
            leaves_queue: false,
            slow_start_ms: 0,
        }
    }
}

/// Whether it understands what is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Each request goes to one process.
    #[default]
    Http,
    /// Each connection goes to one process.
    Tcp,
}

/// Who is next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Who has the least to answer now.
    #[default]
    LeastConnections,
    /// One after the other.
    RoundRobin,
}

/// Whether a client stays with a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sticky {
    /// It does not.
    #[default]
    None,
    /// By a cookie. Only of HTTP.
    Cookie,
    /// By its address.
    Address,
}

/// One life of a process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// Which.
    pub run: u64,
    /// Its number among the instances of the app.
    pub instance: u32,
    /// Where it listens.
    pub port: u16,
    /// It answers what it has, and gets nothing new.
    #[serde(default)]
    pub draining: bool,
}

impl Table {
    /// Reads it. None: there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is no table.
    pub fn read(path: &Path) -> io::Result<Option<Table>> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the one that is there, at once: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(self).map_err(io::Error::other)?)?;
        std::fs::rename(beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_an_older_one_gets_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.json");
        assert_eq!(Table::read(&path).unwrap(), None);
        let settings = Settings { mode: Mode::Tcp, sticky: Sticky::Cookie, ..Settings::default() };
        let backends = vec![Backend { run: 7, instance: 1, port: 4001, draining: true }];
        let table = Table { generation: 3, settings, backends };
        table.write(&path).unwrap();
        assert_eq!(Table::read(&path).unwrap(), Some(table));
        std::fs::write(&path, r#"{"backends":[{"run":1,"instance":0,"port":4000}],"later":1}"#).unwrap();
        let old = Table::read(&path).unwrap().unwrap();
        assert_eq!((old.settings, old.backends[0].draining), (Settings::default(), false));
        std::fs::write(&path, "{").unwrap();
        assert!(Table::read(&path).is_err());
    }
}
