//! The way in: what the API and the library hold of the daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::counting::Counts;
use super::giving;
use super::log_health::LogHealth;
use super::log_orders::{Reply, Tended};
use super::own_events::Own;
use super::revisions::Author;
use super::sampling::{LOOKING, Measured, Usages};
use super::secret_env;
use super::sockets::Sockets;
use super::succession::{self, Wish};
use super::view::Snapshot;
use crate::home::Home;
use crate::keeper::protocol::{Inlet, Tend};
use crate::model::{Fact, ProcessId, RunId};
use crate::settings::RestartBudget;
use crate::store::{Change, EventRow, Noted, Recorder, StoreError};
use crate::supervisor::{Accepted, Command, Denied};

/// One answer for each command, in their order.
pub type Answers = Vec<Result<Accepted, Denied>>;

/// What commands would do.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// What they would be answered.
    pub answers: Answers,
    /// Other processes that would be started, or ended, with what they are about.
    pub others: Vec<ProcessId>,
}

/// Why a command got no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HandleError {
    /// The daemon is ending.
    #[error("the daemon is ending: try again in a moment")]
    Ending,
    /// The keeper died before it had answered.
    #[error("the keeper died meanwhile and there is a new one: try again")]
    KeeperLost,
    /// Somebody has changed the definition meanwhile; nothing was done.
    #[error("the definition is at revision {0} by now: somebody changed it meanwhile, and nothing was done")]
    OtherRevision(u64),
    /// Nothing can be saved at the moment, so nothing was done.
    #[error("nothing was changed, because it could not be saved: {0}")]
    CannotSave(Arc<StoreError>),
    /// It was done before it turned out that it cannot be saved.
    #[error("the change is in effect, and is saved as soon as that is possible: {0}")]
    NotSavedYet(Arc<StoreError>),
}

/// What goes to the driver.
pub(super) enum Ask {
    /// Commands, stepped one after the other in one turn and recorded in one transaction.
    Commands { commands: Vec<Command>, author: Author, reply: oneshot::Sender<Result<Answers, HandleError>> },
    /// What commands would do. Nothing is done.
    Rehearse { commands: Vec<Command>, reply: oneshot::Sender<Rehearsed> },
    /// An order about logs for the keeper.
    TendLogs { tend: Tend, logs: Vec<PathBuf>, reply: Reply },
    /// Text for a program.
    Give { run: RunId, to: Inlet, text: String, reply: giving::Reply },
    /// Something happened that is not about one run.
    Learn(Fact),
    /// Something happened to pmdaemon itself.
    Tell(Own, String),
    /// The host bears other numbers of automatic restarts.
    LimitRestarts(RestartBudget),
    /// Stop everything for good, then end keeper and daemon.
    End,
    /// Have the keeper become another program.
    Replace(Wish),
    /// End this daemon alone; everything that was asked before is done.
    Leave,
}

/// Whether what these change is a promise for later. Of a signal only the history tells.
pub(super) fn is_to_be_saved(commands: &[Command]) -> bool {
    !commands.iter().all(|command| matches!(command, Command::Signal { .. }))
}

/// Whether these are begun only if they can be saved. What fills the disk can be stopped all the
/// same: whoever asked is told that it is not saved yet.
fn need_room(commands: &[Command]) -> bool {
    !commands.iter().all(|command| matches!(command, Command::Signal { .. } | Command::Stop { .. }))
}

/// Cheap to clone; every clone reaches the same daemon.
#[derive(Clone)]
pub struct Handle {
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(super) events: broadcast::Sender<Arc<EventRow>>,
    pub(super) keeper_pid: watch::Receiver<Option<i32>>,
    pub(super) usages: Arc<Usages>,
    pub(super) log_health: Arc<LogHealth>,
    pub(super) counts: Arc<Counts>,
    pub(super) recorder: Recorder,
    pub(super) home: Home,
    pub(super) sockets: Arc<Sockets>,
    pub(super) change: succession::Watch,
    pub(super) leaving: Arc<watch::Sender<bool>>,
    pub(super) noted_loss: Option<Noted>,
    pub(super) secrets: secret_env::Shared,
}

impl Handle {
    /// Carries out commands, all in one turn, and answers when what they changed is durable. When
    /// the store is known not to take anything, none is carried out; but a signal is, which leaves
    /// nothing to remember, and a stop, which is remembered later.
    ///
    /// # Errors
    /// When the daemon is ending or the store cannot be written.
    pub async fn command(&self, commands: Vec<Command>) -> Result<Answers, HandleError> {
        self.command_by(Author::ourselves(), commands).await
    }

    /// As [`command`](Self::command), for those that make or change definitions: `author` is noted
    /// with each version that is new.
    ///
    /// # Errors
    /// When the daemon is ending or the store cannot be written.
    pub async fn command_by(&self, author: Author, commands: Vec<Command>) -> Result<Answers, HandleError> {
        if need_room(&commands) {
            self.may_save()?;
        }
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Commands { commands, author, reply }).await.map_err(|_| HandleError::Ending)?;
        answer.await.map_err(|_| HandleError::Ending)?
    }

    /// What commands would do if they were given now, all in one turn. Nothing is done.
    ///
    /// # Errors
    /// When the daemon is ending.
    pub async fn rehearse(&self, commands: Vec<Command>) -> Result<Rehearsed, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Rehearse { commands, reply }).await.map_err(|_| HandleError::Ending)?;
        answer.await.map_err(|_| HandleError::Ending)
    }

    /// Does something with logs, through the keeper.
    ///
    /// # Errors
    /// When the daemon is ending, or the keeper dies meanwhile.
    pub async fn tend_logs(&self, tend: Tend, logs: Vec<PathBuf>) -> Result<Tended, HandleError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::TendLogs { tend, logs, reply };
        self.asks.send(ask).await.map_err(|_| HandleError::Ending)?;
        answer.await.map_err(|_| HandleError::Ending)?
    }

    /// Gives a program a line: as a message on its IPC channel, or on its standard input. The answer is a
    /// sentence when it did not take it.
    ///
    /// # Errors
    /// When the daemon is ending, or the keeper dies meanwhile: it may have been given then.
    pub async fn give(&self, run: RunId, to: Inlet, text: String) -> Result<Result<(), String>, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Give { run, to, text, reply }).await.map_err(|_| HandleError::Ending)?;
        answer.await.map_err(|_| HandleError::Ending)?
    }

    /// Lets the brain know what has happened outside of its runs.
    pub async fn learn(&self, fact: Fact) {
        // A daemon that ends restarts nothing any more.
        let _ = self.asks.send(Ask::Learn(fact)).await;
    }

    /// Lets the brain know how many automatic restarts the host bears from now on.
    pub(super) async fn limit_restarts(&self, set: RestartBudget) {
        // The next daemon reads it anyway.
        let _ = self.asks.send(Ask::LimitRestarts(set)).await;
    }

    /// Keeps and tells what happened to pmdaemon itself.
    pub async fn tell(&self, what: Own, detail: String) {
        // While the daemon ends nobody keeps it.
        let _ = self.asks.send(Ask::Tell(what, detail)).await;
    }

    /// The same, for a thread that may wait.
    pub fn tell_from_thread(&self, what: Own, detail: String) {
        let _ = self.asks.blocking_send(Ask::Tell(what, detail));
    }

    /// Whether something that is to be saved should be begun at all.
    ///
    /// # Errors
    /// When the store is known not to take anything.
    pub fn may_save(&self) -> Result<(), HandleError> {
        self.recorder.may_write().map_err(HandleError::CannotSave)
    }

    /// Asks for the end of every service, of the keeper and of the daemon. Services stay stopped.
    ///
    /// # Errors
    /// When the daemon is ending already, or it cannot be saved that services stay stopped.
    pub async fn end(&self) -> Result<(), HandleError> {
        self.may_save()?;
        self.asks.send(Ask::End).await.map_err(|_| HandleError::Ending)
    }

    /// Has another program take the place of keeper and daemon. What comes of it is told by
    /// [`change`](Self::change), here or, when it succeeds, by the next daemon.
    ///
    /// # Errors
    /// When the daemon is ending already.
    pub async fn replace(&self, wish: Wish) -> Result<(), HandleError> {
        self.asks.send(Ask::Replace(wish)).await.map_err(|_| HandleError::Ending)
    }

    /// The latest change of programs, if one is known.
    pub fn change(&self) -> succession::Watch {
        self.change.clone()
    }

    /// Ends the driver once it has done everything that was asked before; services go on.
    pub async fn leave(&self) {
        // One that is gone has left.
        let _ = self.asks.send(Ask::Leave).await;
    }

    /// Says that this daemon is about to end, so that nobody begins what takes long: streams break
    /// off, to be taken up again at the next daemon.
    pub fn begin_to_leave(&self) {
        self.leaving.send_replace(true);
    }

    /// Whether this daemon is about to end.
    pub fn is_leaving(&self) -> bool {
        *self.leaving.borrow()
    }

    /// Waits until this daemon is about to end.
    pub async fn leaving(&self) {
        // The sender lives as long as this handle.
        let _ = self.leaving.subscribe().wait_for(|leaving| *leaving).await;
    }

    /// Listening sockets that outlive this daemon.
    pub fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Writes changes down that are not the brain's, and answers when they are durable. They are
    /// handed over by the call itself, so that the store gets them in the order of the calls.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn record(&self, changes: Vec<Change>) -> impl Future<Output = Result<(), HandleError>> + use<> {
        let (reply, answer) = oneshot::channel();
        self.recorder.write_then(changes, move |saved| {
            let _ = reply.send(saved.map_err(HandleError::CannotSave));
        });
        async { answer.await.map_err(|_| HandleError::Ending)? }
    }

    /// As [`record`](Self::record), for changes that are in effect already.
    ///
    /// # Errors
    /// When the store cannot be written now: they are written as soon as that is possible.
    pub fn keep(&self, changes: Vec<Change>) -> impl Future<Output = Result<(), HandleError>> + use<> {
        let (reply, answer) = oneshot::channel();
        self.recorder.keep_then(changes, move |saved| {
            let _ = reply.send(saved.map_err(HandleError::NotSavedYet));
        });
        async { answer.await.map_err(|_| HandleError::Ending)? }
    }

    /// The picture of now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }

    /// Wakes with every change of the picture.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// Waits until the picture satisfies `level`, at most for `limit`. The answer is the last
    /// picture, and whether it did.
    pub async fn wait(&self, limit: Duration, level: impl Fn(&Snapshot) -> bool) -> (Arc<Snapshot>, bool) {
        let mut watch = self.watch();
        let reached = tokio::time::timeout(limit, watch.wait_for(|snapshot| level(snapshot)));
        match reached.await {
            Ok(Ok(snapshot)) => (snapshot.clone(), true),
            Ok(Err(_)) | Err(_) => (self.snapshot(), false),
        }
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<EventRow>> {
        self.events.subscribe()
    }

    /// The keeper's process, while one is connected.
    pub fn keeper_pid(&self) -> Option<i32> {
        *self.keeper_pid.borrow()
    }

    /// CPU and memory of what runs now, at most a second old. Absent while the daemon ends.
    pub async fn measured(&self) -> Option<Arc<Measured>> {
        let seq = self.snapshot.borrow().seq;
        self.usages.fresh(LOOKING, seq).await
    }

    /// CPU and memory, and who looks at them.
    pub fn usages(&self) -> &Arc<Usages> {
        &self.usages
    }

    /// How the runs of processes ended, and what came after them.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How the logs of processes are.
    pub fn log_health(&self) -> &LogHealth {
        &self.log_health
    }

    /// The store.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The store was damaged, at this daemon's start or an earlier one's.
    pub fn noted_loss(&self) -> Option<&Noted> {
        self.noted_loss.as_ref()
    }

    /// The secrets.
    pub fn secrets(&self) -> &secret_env::Secrets {
        &self.secrets
    }

    /// The home.
    pub fn home(&self) -> &Home {
        &self.home
    }
}
