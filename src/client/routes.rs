//! One method per route of the API.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::IF_MATCH;
use reqwest::{Method, StatusCode};

use super::{Client, ClientError, LogQuery, LogStream, TextStream};
use crate::wire::{
    Action, App, AppList, Bulk, EventList, InheritedEnv, JobRunList, LoginLink, LogsTended, NewApp,
    Operation, OperationList, Outcome, Plan, PlanOrder, Port, PortList, Process, ProcessList, Reloaded,
    RevisionList, RollbackOrder, ScaleOrder, SignalOrder, Then, WatchOrder, Whoami,
};

/// What the server adds to a wait before it must have answered.
pub(super) const MARGIN: Duration = Duration::from_secs(15);

/// As a tag: whichever version the definition has.
pub const ANY: &str = "*";

/// A stream has no end to wait for; a broken connection ends it.
pub(super) const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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
        Bulk { all, refs, states, ..Bulk::new(action) }
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
        self.get(&format!("/api/v1/apps/{}", escaped(reference)?)).await
    }

    /// `GET /apps?ref=`: the apps that a reference means, each with those of its processes that are
    /// meant.
    pub async fn apps_of(&self, reference: &str) -> Result<Vec<App>, ClientError> {
        let list: AppList = self.get(&format!("/api/v1/apps?ref={}", escaped(reference)?)).await?;
        Ok(list.items)
    }

    /// `PUT /apps/{ref}`: changes the definition of one app, of the version that this tag names
    /// ([`ANY`]: whichever it is), and waits for what follows.
    pub async fn update_app(
        &self,
        reference: &str,
        tag: &str,
        app: &NewApp,
        then: Then,
        wait: Duration,
    ) -> Result<App, ClientError> {
        let (reference, seconds) = (escaped(reference)?, wait.as_secs());
        let path = format!("/api/v1/apps/{reference}?then={}&wait={seconds}s", then.as_str());
        let (_, app) = self
            .json(Method::PUT, &path, |r| r.timeout(wait + MARGIN).header(IF_MATCH, tag).json(app))
            .await?;
        Ok(app)
    }

    /// `GET /api/processes`: all processes in the shape of `pm2 jlist`.
    pub async fn compat_list(&self) -> Result<serde_json::Value, ClientError> {
        self.get("/api/processes").await
    }

    /// `POST /plans`: what would have to be done for apps to be so.
    pub async fn plan(&self, order: &PlanOrder) -> Result<Plan, ClientError> {
        Ok(self
            .json(Method::POST, "/api/v1/plans", |r| r.timeout(Duration::from_secs(60)).json(order))
            .await?
            .1)
    }

    /// `GET /apps/{ref}/revisions`: the versions of the definition of one app, ascending.
    pub async fn revisions(&self, reference: &str) -> Result<RevisionList, ClientError> {
        self.get(&format!("/api/v1/apps/{}/revisions", escaped(reference)?)).await
    }

    /// `POST /apps/{ref}/rollback`: an earlier version is the definition again; waits for what
    /// follows.
    pub async fn rollback(
        &self,
        reference: &str,
        order: &RollbackOrder,
        wait: Duration,
    ) -> Result<App, ClientError> {
        let path = format!("/api/v1/apps/{}/rollback?wait={}s", escaped(reference)?, wait.as_secs());
        Ok(self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN).json(order)).await?.1)
    }

    /// `DELETE /apps/{ref}/logs`, or `/logs`: empties logs.
    pub async fn flush(&self, reference: Option<&str>) -> Result<LogsTended, ClientError> {
        Ok(self.json(Method::DELETE, &logs_path(reference, "")?, |r| r).await?.1)
    }

    /// `POST /apps/{ref}/logs/reopen`, or `/logs/reopen`: opens log files again.
    pub async fn reload_logs(&self, reference: Option<&str>) -> Result<LogsTended, ClientError> {
        Ok(self.json(Method::POST, &logs_path(reference, "/reopen")?, |r| r).await?.1)
    }

    /// `PUT /apps/{ref}/scale`: another number of processes of one app.
    pub async fn scale(
        &self,
        reference: &str,
        order: &ScaleOrder,
        wait: Duration,
    ) -> Result<Reached, ClientError> {
        let path = format!("/api/v1/apps/{}/scale?wait={}s", escaped(reference)?, wait.as_secs());
        reached(self.json(Method::PUT, &path, |r| r.timeout(wait + MARGIN).json(order)).await?)
    }

    /// `POST /apps/{ref}/signal`: answers with the processes that it was sent to.
    pub async fn signal(&self, reference: &str, signal: &str) -> Result<Outcome, ClientError> {
        let path = format!("/api/v1/apps/{}/signal", escaped(reference)?);
        let order = SignalOrder { signal: signal.to_owned() };
        Ok(self.json(Method::POST, &path, |r| r.json(&order)).await?.1)
    }

    /// `POST /apps/{ref}/reload`: answers when all are replaced, or false after the wait. `soak`: how
    /// long each new run has to stay well, if not for as long as the app says; `port`: where they are to
    /// be, if not where the app says.
    pub async fn reload(
        &self,
        reference: &str,
        soak: Option<Duration>,
        port: Option<&str>,
        wait: Duration,
    ) -> Result<(bool, Reloaded), ClientError> {
        let soak = soak.map(|soak| format!("&soak={}ms", soak.as_millis())).unwrap_or_default();
        let to = port.map(|port| format!("&port={}", percent_encoded(port))).unwrap_or_default();
        let path = format!("/api/v1/apps/{}/reload?wait={}s{soak}{to}", escaped(reference)?, wait.as_secs());
        let (status, reloaded) = self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN)).await?;
        Ok((status != StatusCode::ACCEPTED, reloaded))
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
        let app = escaped(reference)?;
        let path = format!("/api/v1/apps/{app}/start?ready=true&wait={}ms", limit.as_millis());
        reached(self.json(Method::POST, &path, |r| r.timeout(limit + MARGIN)).await?)
    }

    /// `POST /apps/{ref}/restart?ready=true`: restarts it, perhaps on other ports, and waits until it
    /// is ready.
    pub async fn restart_until_ready(
        &self,
        reference: &str,
        port: Option<&str>,
        limit: Duration,
    ) -> Result<Reached, ClientError> {
        let on = port.map(|port| format!("&port={}", percent_encoded(port))).unwrap_or_default();
        let (app, ms) = (escaped(reference)?, limit.as_millis());
        let path = format!("/api/v1/apps/{app}/restart?ready=true&wait={ms}ms{on}");
        reached(self.json(Method::POST, &path, |r| r.timeout(limit + MARGIN)).await?)
    }

    /// `POST /apps/{ref}/{start|stop|restart|reset}`, `DELETE /apps/{ref}`: to one reference.
    pub async fn act(&self, action: Action, reference: &str, wait: Duration) -> Result<Reached, ClientError> {
        let app = format!("/api/v1/apps/{}", escaped(reference)?);
        let seconds = wait.as_secs();
        let (method, path) = match action {
            Action::Start | Action::Stop | Action::Restart => {
                (Method::POST, format!("{app}/{}?wait={seconds}s", action.as_str()))
            }
            // Nothing has to be waited for.
            Action::Reset => (Method::POST, format!("{app}/{}", action.as_str())),
            Action::Delete => (Method::DELETE, format!("{app}?wait={seconds}s")),
        };
        reached(self.json(method, &path, |r| r.timeout(wait + MARGIN)).await?)
    }

    /// `DELETE /apps/{ref}`, if its definition is of the version that this tag names.
    pub async fn delete_app(
        &self,
        reference: &str,
        tag: &str,
        wait: Duration,
    ) -> Result<Reached, ClientError> {
        let path = format!("/api/v1/apps/{}?wait={}s", escaped(reference)?, wait.as_secs());
        reached(self.json(Method::DELETE, &path, |r| r.timeout(wait + MARGIN).header(IF_MATCH, tag)).await?)
    }

    /// `POST /apps/{ref}/restart?port=`: on other ports, until the next restart.
    pub async fn restart_on(
        &self,
        reference: &str,
        port: &str,
        wait: Duration,
    ) -> Result<Reached, ClientError> {
        let (app, seconds, port) = (escaped(reference)?, wait.as_secs(), percent_encoded(port));
        let path = format!("/api/v1/apps/{app}/restart?wait={seconds}s&port={port}");
        reached(self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN)).await?)
    }

    /// `PUT /apps/{ref}/inherited-env`: what every app that is meant inherits from its next run on.
    pub async fn inherit(
        &self,
        reference: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/apps/{}/inherited-env", escaped(reference)?);
        let env = InheritedEnv { variables: variables.clone() };
        self.send(Method::PUT, &path, |r| r.json(&env)).await?;
        Ok(())
    }

    /// `PUT /apps/{ref}/watch`: whether changes of files restart every app that is meant.
    pub async fn watch(&self, reference: &str, on: Option<bool>) -> Result<(), ClientError> {
        let path = format!("/api/v1/apps/{}/watch", escaped(reference)?);
        self.send(Method::PUT, &path, |r| r.json(&WatchOrder { on })).await?;
        Ok(())
    }

    /// `GET /apps/{ref}/runs`: what became of the times of a job.
    pub async fn runs(&self, reference: &str, limit: u32) -> Result<JobRunList, ClientError> {
        self.get(&format!("/api/v1/apps/{}/runs?limit={limit}", escaped(reference)?)).await
    }

    /// `GET /ports`.
    pub async fn ports(&self) -> Result<PortList, ClientError> {
        self.get("/api/v1/ports").await
    }

    /// `GET /ports/{port}`.
    pub async fn port(&self, port: u16) -> Result<Port, ClientError> {
        self.get(&format!("/api/v1/ports/{port}")).await
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

    /// `GET /operations/{id}`.
    pub async fn operation(&self, id: i64) -> Result<Operation, ClientError> {
        self.get(&format!("/api/v1/operations/{id}")).await
    }

    /// `GET /operations`: the newest `limit`, the newest first, without their items.
    pub async fn operations(&self, limit: u32) -> Result<OperationList, ClientError> {
        self.get(&format!("/api/v1/operations?limit={limit}")).await
    }

    /// `DELETE /operations/{id}`: leaves undone what of it has not begun.
    pub async fn cancel_operation(&self, id: i64) -> Result<Operation, ClientError> {
        Ok(self.json(Method::DELETE, &format!("/api/v1/operations/{id}"), |r| r).await?.1)
    }

    /// `GET /operations`: those that go on, the newest first, without their items.
    pub async fn running_operations(&self) -> Result<OperationList, ClientError> {
        self.get("/api/v1/operations?state=running").await
    }

    /// `GET /apps/{ref}/logs`, or `GET /logs` for all apps.
    pub async fn logs(&self, reference: Option<&str>, query: &LogQuery) -> Result<LogStream, ClientError> {
        let path = match reference {
            Some(reference) => format!("/api/v1/apps/{}/logs", escaped(reference)?),
            None => "/api/v1/logs".to_owned(),
        };
        let path = path + &query.text();
        let accept = "application/x-ndjson";
        let response = self.send(Method::GET, &path, |r| r.timeout(FOREVER).header("accept", accept)).await?;
        Ok(LogStream::new(response, self.place.clone()))
    }

    /// `GET /system/log`: pmdaemon's own log, as text.
    pub async fn own_log(&self, query: &LogQuery) -> Result<TextStream, ClientError> {
        let path = format!("/api/v1/system/log{}", query.text());
        let response = self.send(Method::GET, &path, |r| r.timeout(FOREVER)).await?;
        Ok(TextStream::new(response, self.place.clone()))
    }

    /// `GET /events`: the latest `limit`, of all processes or of one, oldest first.
    pub async fn events(&self, limit: u32, process: Option<i64>) -> Result<EventList, ClientError> {
        self.earlier_events(limit, process, None).await
    }

    /// The same, on the page before: its `next_cursor`.
    pub async fn earlier_events(
        &self,
        limit: u32,
        process: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<EventList, ClientError> {
        let of = process.map(|id| format!("&process={id}")).unwrap_or_default();
        let on = cursor.map(|cursor| format!("&cursor={}", percent_encoded(cursor))).unwrap_or_default();
        self.get(&format!("/api/v1/events?limit={limit}{of}{on}")).await
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

    pub(super) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(self.json(Method::GET, path, |r| r).await?.1)
    }
}

/// Any text as a value in a query: what it means is for the daemon to say.
pub(super) fn percent_encoded(text: &str) -> String {
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

fn logs_path(reference: Option<&str>, what: &str) -> Result<String, ClientError> {
    Ok(match reference {
        Some(reference) => format!("/api/v1/apps/{}/logs{what}", escaped(reference)?),
        None => format!("/api/v1/logs{what}"),
    })
}

/// A reference as one segment of a path, or as a value of a query: whatever could end it is
/// escaped. Dots alone cannot be, and are no reference.
pub(super) fn escaped(reference: &str) -> Result<String, ClientError> {
    if reference.bytes().all(|b| b == b'.') {
        return Err(ClientError::BadReference(reference.to_owned()));
    }
    Ok(percent_encoded(reference))
}

/// Whether that text could be a reference at all.
pub fn may_be_reference(text: &str) -> bool {
    escaped(text).is_ok() && !text.contains(char::is_whitespace)
}
