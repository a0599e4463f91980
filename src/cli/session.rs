//! A client that has a daemon: what nearly every command begins with.

use std::time::{Duration, Instant};

use super::error::CliError;
use super::out::{self, Screen};
use super::port_owner;
use crate::client::start::{self, Patience};
use crate::client::{Client, ClientError};
use crate::home::Home;
use crate::wire::Listener;

/// The port that the API has unless it is taken.
pub const USUAL_PORT: i64 = 9615;

/// The home, its daemon, and what stdout can show.
pub struct Session {
    /// Where everything lives.
    pub home: Home,
    /// Speaks to its daemon.
    pub client: Client,
    /// What stdout can show.
    pub screen: Screen,
}

impl Session {
    /// Finds the home of this environment and its daemon, which is started when there is none.
    ///
    /// # Errors
    /// A sentence, when there is no home, or no daemon becomes ready, or its token is unusable.
    pub async fn open() -> Result<Session, CliError> {
        let home = Home::from_env().map_err(CliError::new)?;
        let started = start::ensure(&home, this_program).await?;
        let client = Client::local(&home)?;
        let session = Session { home, client, screen: Screen::of_stdout() };
        if started {
            session.announce().await;
        }
        Ok(session)
    }

    /// Asks for something that may be asked twice: also again when the daemon dies meanwhile.
    pub async fn ask<T>(
        &self,
        request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        self.repeat(Patience::new(ClientError::is_absence), request).await
    }

    /// Asks for something that must not happen twice: again only when it did not arrive.
    pub async fn ask_once<T>(
        &self,
        request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        self.repeat(Patience::new(ClientError::is_undelivered), request).await
    }

    async fn repeat<T>(
        &self,
        mut patience: Patience,
        mut request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        loop {
            match request(&self.client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => patience.after(error, &self.home, this_program).await?,
            }
        }
    }

    /// The addresses of a daemon that has just been started: they come a moment after the socket.
    async fn listeners(&self) -> Option<Vec<Listener>> {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let listeners = self.client.system().await.ok()?.daemon.listeners;
            if !listeners.is_empty() || Instant::now() > deadline {
                return Some(listeners);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Says that a daemon was started, and where it listens when that is not the usual place.
    async fn announce(&self) {
        out::notice("Started the pmdaemon daemon.");
        let Some(listeners) = self.listeners().await else { return };
        if listeners.iter().any(|listener| listener.port == USUAL_PORT) {
            return;
        }
        let owner = match port_owner::of(USUAL_PORT as u16) {
            Some((program, pid)) => format!("{program} (pid {pid})"),
            None => "another program".to_owned(),
        };
        out::notice(&match listeners.first() {
            Some(used) => {
                format!("Port {USUAL_PORT} is used by {owner}: the API is on {} instead.", address(used))
            }
            None => format!(
                "Port {USUAL_PORT} is used by {owner}: the API has no address besides the socket until you run \
                 pmdaemon web --port with another one."
            ),
        });
    }
}

/// The daemon that a command starts is of its own version.
pub fn this_program() -> Result<std::path::PathBuf, ClientError> {
    std::env::current_exe()
        .map_err(|e| ClientError::Start(format!("cannot start the daemon: the program is not found: {e}")))
}

/// `http://HOST:PORT`.
pub fn address(listener: &Listener) -> String {
    let host = &listener.host;
    if host.contains(':') {
        format!("http://[{host}]:{}", listener.port)
    } else {
        format!("http://{host}:{}", listener.port)
    }
}
