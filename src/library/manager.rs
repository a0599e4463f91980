//! [`ProcessManager`]: what a program does with processes.

use std::time::Duration;

use super::config::PortConfig;
use super::{Error, LogFollower, LogRecord, ProcessConfig, ProcessInfo, SystemInfo, program};
use crate::client::start::{self, Patience};
use crate::client::{Client, ClientError, LogItem, LogQuery, LogStream, Reached, Selection};
use crate::home::Home;
use crate::wire::{Action, Outcome};

/// How long is waited until something new runs.
const START: Duration = Duration::from_secs(30);

/// How long is waited until an action is done.
const WAIT: Duration = Duration::from_secs(60);
/// Each process may use up its kill timeout, and there may be many.
const RELOAD_WAIT: Duration = Duration::from_secs(1800);

/// Makes a request, again while `$again` says that a failure is worth it. Not a function of a
/// closure: the futures of those could not be sent to other threads.
macro_rules! ask {
    ($manager:expr, $again:expr, $request:expr) => {{
        let mut patience = Patience::new($again);
        loop {
            match $request.await {
                Ok(answer) => break answer,
                Err(error) => patience.after(error, &$manager.home, program::find).await?,
            }
        }
    }};
}

/// May be asked twice: also again when the daemon dies meanwhile.
const TWICE: fn(&ClientError) -> bool = ClientError::is_absence;

/// Must not happen twice: again only when it did not arrive.
const ONCE: fn(&ClientError) -> bool = ClientError::is_undelivered;

/// A client of the daemon. Cheap to clone; clones speak to the same daemon.
///
/// ```no_run
/// # async fn example() -> Result<(), pmdaemon::Error> {
/// use pmdaemon::{Error, ProcessManager};
///
/// let mut manager = ProcessManager::new().await?;
/// match manager.restart("worker").await {
///     Ok(processes) => println!("restarted {}", processes.len()),
///     Err(Error::NotFound(sentence)) => println!("never started: {sentence}"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProcessManager {
    pub(super) home: Home,
    pub(super) client: std::sync::Arc<Client>,
}

impl ProcessManager {
    /// Connects to the daemon of this user's home: `PMDAEMON_HOME`, or `~/.pmdaemon`. When there is
    /// none, one is started with the program `pmdaemon`, which must be in `PATH` or named by
    /// `PMDAEMON_BIN`. It lives on when this program ends.
    ///
    /// # Errors
    /// [`Error::NoConnection`]: no home, no program, or the daemon does not become ready.
    pub async fn new() -> Result<ProcessManager, Error> {
        ProcessManager::of(Home::from_env().map_err(Error::NoConnection)?).await
    }

    /// As [`new`](ProcessManager::new), for the home in that directory, which is made if it is not
    /// there.
    ///
    /// # Errors
    /// As `new`.
    pub async fn with_home(home: impl AsRef<std::path::Path>) -> Result<ProcessManager, Error> {
        let path = std::path::absolute(home)
            .map_err(|e| Error::NoConnection(format!("the home of pmdaemon is not usable: {e}")))?;
        ProcessManager::of(Home::at(path)).await
    }

    async fn of(home: Home) -> Result<ProcessManager, Error> {
        start::ensure(&home, program::find).await?;
        let client = std::sync::Arc::new(Client::local(&home)?);
        Ok(ProcessManager { home, client })
    }

    /// Defines an app and starts it. Returns its processes, once each has been executed.
    ///
    /// # Errors
    /// [`Error::Refused`] with nothing changed: the name is taken, the script cannot be executed, …
    /// [`Error::Failed`] when it runs no more already.
    pub async fn start(&mut self, config: ProcessConfig) -> Result<Vec<ProcessInfo>, Error> {
        let new = config.into_new_app();
        let app = ask!(self, ONCE, self.client.create_app(&new, START));
        well(app.processes)
    }

    /// Starts an app or process that is stopped. What is up stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Failed`] when it does not come up.
    pub async fn start_again(&mut self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        well(self.act(Action::Start, reference).await?)
    }

    /// Stops an app or process, its whole tree. It stays stopped until it is started again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Failed`] when it is not down within a minute.
    pub async fn stop(&mut self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        self.act(Action::Stop, reference).await
    }

    /// Stops what runs and runs it anew; starts what is stopped.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Failed`] when it does not come up.
    pub async fn restart(&mut self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        let reached = ask!(self, ONCE, self.client.act(Action::Restart, reference, WAIT));
        well(done(Action::Restart, reached)?)
    }

    /// Restarts the processes of an app one after the other; the others go on meanwhile. Stops at the
    /// first that does not stay up.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] or [`Error::Failed`] when one does not come up, or not
    /// all are replaced within half an hour.
    pub async fn reload(&mut self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        let (on_time, reloaded) = ask!(self, ONCE, self.client.reload(reference, None, None, RELOAD_WAIT));
        if !on_time {
            let seconds = RELOAD_WAIT.as_secs();
            let told = format!("reload is not done after {seconds} s and the daemon goes on with it");
            return Err(Error::Failed(told));
        }
        well(reloaded.processes)
    }

    /// As [`restart`](ProcessManager::restart), on other ports until the next restart. The definition
    /// keeps its own.
    ///
    /// # Errors
    /// Also [`Error::Refused`] when the ports are taken or too few.
    pub async fn restart_with_port(
        &mut self,
        reference: &str,
        port: PortConfig,
    ) -> Result<Vec<ProcessInfo>, Error> {
        let port = port.to_string();
        let reached = ask!(self, ONCE, self.client.restart_on(reference, &port, WAIT));
        well(done(Action::Restart, reached)?)
    }

    /// Stops an app or process and forgets it, with its logs. Returns what it was.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Failed`] when it is not down within a minute.
    pub async fn delete(&mut self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        let reached = ask!(self, ONCE, self.client.act(Action::Delete, reference, WAIT));
        done(Action::Delete, reached)
    }

    /// Stops and forgets everything. Returns what there was.
    ///
    /// # Errors
    /// [`Error::Failed`] when something is not down within a minute.
    pub async fn delete_all(&mut self) -> Result<Vec<ProcessInfo>, Error> {
        self.delete_selected(Selection::All).await
    }

    /// Stops and forgets what has that status: `starting`, `online`, `stopping`, `stopped`,
    /// `errored` or `restarting`. Returns what it was.
    ///
    /// # Errors
    /// [`Error::Refused`] when that is no status; [`Error::Failed`] when something is not down
    /// within a minute.
    pub async fn delete_by_status(&mut self, status: &str) -> Result<Vec<ProcessInfo>, Error> {
        self.delete_selected(Selection::Statuses(vec![status.to_owned()])).await
    }

    /// All processes, by id.
    ///
    /// # Errors
    /// [`Error::NoConnection`].
    pub async fn list(&self) -> Result<Vec<ProcessInfo>, Error> {
        Ok(ask!(self, TWICE, self.client.processes()).items)
    }

    /// The processes of an app, by instance, or one process.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_process_info(&self, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        Ok(ask!(self, TWICE, self.client.app(reference)).processes)
    }

    /// The last `lines` of what an app or process wrote, stdout and stderr in order of time.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_logs(&self, reference: &str, lines: u64) -> Result<Vec<LogRecord>, Error> {
        let query = LogQuery::last(lines);
        Ok(ask!(self, TWICE, self.read_logs(reference, &query)))
    }

    /// The last `lines` of what an app or process wrote, then new ones as they come, until it is
    /// deleted.
    ///
    /// ```no_run
    /// # async fn example(manager: pmdaemon::ProcessManager) -> Result<(), pmdaemon::Error> {
    /// let mut logs = manager.follow_logs("worker", 10).await?;
    /// while let Some(line) = logs.next().await? {
    ///     println!("{}: {}", line.name, line.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn follow_logs(&self, reference: &str, lines: u64) -> Result<LogFollower, Error> {
        LogFollower::open(self.clone(), reference.to_owned(), lines).await
    }

    /// The host, and the daemon.
    ///
    /// # Errors
    /// [`Error::NoConnection`].
    pub async fn get_system_info(&self) -> Result<SystemInfo, Error> {
        Ok(ask!(self, TWICE, self.client.system()))
    }

    async fn read_logs(&self, reference: &str, query: &LogQuery) -> Result<Vec<LogRecord>, ClientError> {
        let mut stream = self.client.logs(Some(reference), query).await?;
        let mut records = Vec::new();
        while let Some(item) = stream.next().await? {
            match item {
                LogItem::Record(record) => records.push(record),
                LogItem::Removed { .. } | LogItem::Deleted | LogItem::Cursor(_) => {}
            }
        }
        Ok(records)
    }

    /// The stream that a follower reads.
    pub(super) async fn stream_logs(&self, reference: &str, query: &LogQuery) -> Result<LogStream, Error> {
        Ok(ask!(self, TWICE, self.client.logs(Some(reference), query)))
    }

    async fn act(&self, action: Action, reference: &str) -> Result<Vec<ProcessInfo>, Error> {
        done(action, ask!(self, TWICE, self.client.act(action, reference, WAIT)))
    }

    async fn delete_selected(&self, what: Selection) -> Result<Vec<ProcessInfo>, Error> {
        let reached = ask!(self, ONCE, self.client.act_on(Action::Delete, &what, WAIT));
        done(Action::Delete, reached)
    }
}

/// An action that took too long is no success.
fn done(action: Action, reached: Reached) -> Result<Vec<ProcessInfo>, Error> {
    match reached {
        Reached::Yes(Outcome { processes, .. }) => Ok(processes),
        Reached::NotYet(Outcome { processes, .. }) => {
            let told: Vec<String> =
                processes.iter().map(|p| format!("{} is {}", title(p), p.status)).collect();
            Err(Error::Failed(format!(
                "{} is not done after {} s and the daemon goes on with it: {}",
                action.as_str(),
                WAIT.as_secs(),
                told.join(", ")
            )))
        }
    }
}

/// What was started must not be errored.
fn well(processes: Vec<ProcessInfo>) -> Result<Vec<ProcessInfo>, Error> {
    let errored: Vec<String> = processes
        .iter()
        .filter(|process| process.status == "errored")
        .map(|process| {
            let reason = process.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} is errored{reason}", title(process))
        })
        .collect();
    if errored.is_empty() { Ok(processes) } else { Err(Error::Failed(errored.join(", "))) }
}

fn title(process: &ProcessInfo) -> String {
    format!("{} (id {})", process.name, process.id)
}
