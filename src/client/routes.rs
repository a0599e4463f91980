//! One method per route of the API.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::{Client, ClientError, LogStream, RequestStream};
use crate::wire::{
    Action, App, AppList, Bulk, EventList, Lent, Listener, LoginLink, NewApp, Outcome, PortList, Process,
    ProcessList, Stream, System, Whoami,
};

/// What the server adds to a wait before it must have answered.
const MARGIN: Duration = Duration::from_secs(15);

/// A stream has no end to wait for; a broken connection ends it.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a command in bulk is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// Every process.
    All,
    /// These references. One that is unknown refuses the whole command.
    Refs(Vec<String>),
    /// Every process whose status is one of these words.
    Statuses(Vec<String>),
}

impl Selection {
    fn body(&self, action: Action) -> Bulk {
        let (all, refs, states) = match self.clone() {
            Selection::All => (Some(true), None, None),
            Selection::Refs(refs) => (None, Some(refs), None),
            Selection::Statuses(states) => (None, None, Some(states)),
        };
        Bulk { action, all, refs, states }
    }
}

/// Whether what was asked has become true.
#[derive(Clone, Debug)]
pub enum Reached {
    /// It has.
    Yes(Outcome),
    /// Not within the wait; the daemon goes on with it.
    NotYet(Outcome),
}

/// Which lines of logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogQuery {
    /// This many of the last lines.
    pub tail: u64,
    /// One stream only.
    pub stream: Option<Stream>,
    /// Go on with new lines as they come.
    pub follow: bool,
}

impl Client {
    /// `GET /processes`.
    pub async fn processes(&self) -> Result<ProcessList, ClientError> {
        self.get("/api/v1/processes").await
    }

    /// `GET /processes/{id}`.
    pub async fn process(&self, id: i64) -> Result<Process, ClientError> {
        self.get(&format!("/api/v1/processes/{id}")).await
    }

    /// `GET /apps`.
    pub async fn apps(&self) -> Result<AppList, ClientError> {
        self.get("/api/v1/apps").await
    }

    /// `GET /apps/{ref}`.
    pub async fn app(&self, reference: &str) -> Result<App, ClientError> {
        self.get(&format!("/api/v1/apps/{}", checked(reference)?)).await
    }

    /// `POST /apps`: defines an app and, unless it says otherwise, starts it; waits for that.
    pub async fn create_app(&self, app: &NewApp, wait: Duration) -> Result<App, ClientError> {
        let path = format!("/api/v1/apps?wait={}s", wait.as_secs());
        let (_, app) = self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN).json(app)).await?;
        Ok(app)
    }

    /// `POST /apps?ready=true`: like [`create_app`](Self::create_app), and waits until it is ready.
    pub async fn create_app_until_ready(&self, app: &NewApp, limit: Duration) -> Result<App, ClientError> {
        let path = format!("/api/v1/apps?ready=true&wait={}ms", limit.as_millis());
        let (_, app) = self.json(Method::POST, &path, |r| r.timeout(limit + MARGIN).json(app)).await?;
        Ok(app)
    }

    /// `POST /apps/{ref}/start?ready=true`: starts it, and waits until it is ready.
    pub async fn start_until_ready(&self, reference: &str, limit: Duration) -> Result<Reached, ClientError> {
        let app = checked(reference)?;
        let path = format!("/api/v1/apps/{app}/start?ready=true&wait={}ms", limit.as_millis());
        reached(self.json(Method::POST, &path, |r| r.timeout(limit + MARGIN)).await?)
    }

    /// `POST /apps/{ref}/{start|stop|restart}`, `DELETE /apps/{ref}`: to one reference.
    pub async fn act(&self, action: Action, reference: &str, wait: Duration) -> Result<Reached, ClientError> {
        let app = format!("/api/v1/apps/{}", checked(reference)?);
        let seconds = wait.as_secs();
        let (method, path) = match action {
            Action::Start | Action::Stop | Action::Restart => {
                (Method::POST, format!("{app}/{}?wait={seconds}s", action.as_str()))
            }
            Action::Delete => (Method::DELETE, format!("{app}?wait={seconds}s")),
        };
        reached(self.json(method, &path, |r| r.timeout(wait + MARGIN)).await?)
    }

    /// `POST /apps/{ref}/restart?port=`: on other ports, until the next restart.
    pub async fn restart_on(
        &self,
        reference: &str,
        port: &str,
        wait: Duration,
    ) -> Result<Reached, ClientError> {
        let (app, seconds, port) = (checked(reference)?, wait.as_secs(), percent_encoded(port));
        let path = format!("/api/v1/apps/{app}/restart?wait={seconds}s&port={port}");
        reached(self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN)).await?)
    }

    /// `GET /ports`.
    pub async fn ports(&self) -> Result<PortList, ClientError> {
        self.get("/api/v1/ports").await
    }

    /// `POST /operations`: to many at once.
    pub async fn act_on(
        &self,
        action: Action,
        what: &Selection,
        wait: Duration,
    ) -> Result<Reached, ClientError> {
        let path = format!("/api/v1/operations?wait={}s", wait.as_secs());
        let body = what.body(action);
        reached(self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN).json(&body)).await?)
    }

    /// `GET /apps/{ref}/logs`, or `GET /logs` for all apps.
    pub async fn logs(&self, reference: Option<&str>, query: LogQuery) -> Result<LogStream, ClientError> {
        let mut path = match reference {
            Some(reference) => format!("/api/v1/apps/{}/logs", checked(reference)?),
            None => "/api/v1/logs".to_owned(),
        };
        path.push_str(&format!("?tail={}", query.tail));
        match query.stream {
            Some(Stream::Out) => path.push_str("&stream=out"),
            Some(Stream::Err) => path.push_str("&stream=err"),
            None => {}
        }
        if query.follow {
            path.push_str("&follow=true");
        }
        let accept = "application/x-ndjson";
        let response = self.send(Method::GET, &path, |r| r.timeout(FOREVER).header("accept", accept)).await?;
        Ok(LogStream::new(response, self.socket.clone()))
    }

    /// `GET /events`: the latest `limit`, of all processes or of one, oldest first.
    pub async fn events(&self, limit: u32, process: Option<i64>) -> Result<EventList, ClientError> {
        let of = process.map(|id| format!("&process={id}")).unwrap_or_default();
        self.get(&format!("/api/v1/events?limit={limit}{of}")).await
    }

    /// `GET /system`.
    pub async fn system(&self) -> Result<System, ClientError> {
        self.get("/api/v1/system").await
    }

    /// `POST /system/listeners`: answers on that address too. Returns the real one, and whether it
    /// is new.
    pub async fn add_listener(&self, listener: &Listener) -> Result<(Listener, bool), ClientError> {
        let (status, real) =
            self.json(Method::POST, "/api/v1/system/listeners", |r| r.json(listener)).await?;
        Ok((real, status == StatusCode::CREATED))
    }

    /// `POST /system/listeners/temporary`: answers on that address too, until the stream is dropped.
    pub async fn lend_listener(&self, listener: &Listener) -> Result<(Lent, RequestStream), ClientError> {
        let path = "/api/v1/system/listeners/temporary";
        let response = self.send(Method::POST, path, |r| r.timeout(FOREVER).json(listener)).await?;
        RequestStream::open(response, self.socket.clone()).await
    }

    /// `DELETE /system/listeners/{host}/{port}`.
    pub async fn remove_listener(&self, listener: &Listener) -> Result<(), ClientError> {
        let path = format!("/api/v1/system/listeners/{}/{}", listener.host, listener.port);
        self.send(Method::DELETE, &path, |r| r).await?;
        Ok(())
    }

    /// `POST /system/shutdown`: all services stop and stay stopped, then keeper and daemon end.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        self.send(Method::POST, "/api/v1/system/shutdown", |r| r).await?;
        Ok(())
    }

    /// `POST /auth/login-link`.
    pub async fn login_link(&self) -> Result<LoginLink, ClientError> {
        let (_, link) = self.json(Method::POST, "/api/v1/auth/login-link", |r| r).await?;
        Ok(link)
    }

    /// `GET /auth/whoami`.
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.get("/api/v1/auth/whoami").await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(self.json(Method::GET, path, |r| r).await?.1)
    }
}

/// Any text as a value in a query: what it means is for the daemon to say.
fn percent_encoded(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// 202 means that the wait was over first.
fn reached((status, outcome): (StatusCode, Outcome)) -> Result<Reached, ClientError> {
    match status {
        StatusCode::ACCEPTED => Ok(Reached::NotYet(outcome)),
        _ => Ok(Reached::Yes(outcome)),
    }
}

/// A reference that stays one segment of the path. Names hold nothing else, so what is refused
/// here cannot exist.
fn checked(reference: &str) -> Result<&str, ClientError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':');
    let dots = reference.bytes().all(|b| b == b'.');
    if dots || !reference.bytes().all(allowed) {
        return Err(ClientError::BadReference(reference.to_owned()));
    }
    Ok(reference)
}

/// Whether that text could be a reference at all.
pub fn may_be_reference(text: &str) -> bool {
    checked(text).is_ok()
}
