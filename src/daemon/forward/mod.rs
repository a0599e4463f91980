//! Forwarding: lines go to a receiver elsewhere, by syslog or HTTP (`deliver`).
//!
//! The log files are the queue. Each forward has a cursor, the place in each log up to which its
//! receiver has taken everything; it is kept in the store after that, so that the next daemon goes
//! on there. A line is sent at least once, in order within its log: what was sent just before a
//! daemon died is sent again. Nothing is lost while retention holds it, however long a receiver is
//! away; what retention has removed first is counted, shown and told as an event.
//!
//! A new forward begins with what is written from then on. Apps that are defined later are sent
//! from their first line. A line is sent when it is complete. In memory is one batch of each
//! forward (`source`), whatever lies on the disk.

pub mod definition;
mod deliver;
mod http;
mod progress;
mod record;
mod source;
mod syslog;
mod task;
mod whose;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clock;
use super::handle::{Handle, HandleError};
use super::view::{ProcessView, Snapshot};
use crate::logs::{Cursor, Filter, Item, Position, Reading, Start, Stream, Until, lag};
use crate::model::{Pid, ProcessId};
use crate::store::Change;
use definition::Definition;
use deliver::Way;
pub use progress::Progress;
pub use record::Record;
pub(super) use source::logs_of;
use task::Task;

/// Which processes references mean; those that mean nothing now are passed over.
pub type Choose = Arc<dyn Fn(&Snapshot, &[String]) -> Vec<Arc<ProcessView>> + Send + Sync>;

/// More than so many bytes are not read to count their lines.
const COUNTED: u64 = 8 << 20;
/// More forwards than these are refused.
const MOST: usize = 32;

const DEFINITION: &str = "forward ";

fn definition_key(name: &str) -> String {
    format!("{DEFINITION}{name}")
}

fn progress_key(name: &str) -> String {
    format!("forwarded {name}")
}

/// Why there is no new forward, or none of that name.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The name is in use.
    #[error("there is a forward {0} already: remove it first, or use another name")]
    Taken(String),
    /// Nothing has that name.
    #[error("there is no forward {0}: pmdaemon forward list shows which there are")]
    Unknown(String),
    /// There are too many.
    #[error("there are {MOST} forwards already: remove one first")]
    TooMany,
    /// A log cannot be read.
    #[error("a log cannot be read: {0}")]
    Unreadable(String),
    /// The receiver has not taken a line.
    #[error("{0}")]
    Refused(String),
    /// It cannot be saved.
    #[error(transparent)]
    Handle(#[from] HandleError),
}

/// A forward, as it is now.
pub struct Status {
    /// What was asked for.
    pub definition: Arc<Definition>,
    /// How far it is.
    pub progress: Progress,
    /// Each of its logs.
    pub logs: Vec<LogStatus>,
    /// How many lines are still to be sent, unless there are too many to be counted.
    pub lag_lines: Option<u64>,
}

/// One log of a forward.
pub struct LogStatus {
    /// Whose.
    pub process: ProcessId,
    /// What that is called.
    pub name: String,
    /// Which of its streams.
    pub stream: Stream,
    /// Everything before was sent.
    pub place: Position,
    /// So many bytes were not.
    pub lag_bytes: u64,
}

struct Running {
    definition: Arc<Definition>,
    progress: Arc<Mutex<Progress>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// All of them.
pub struct Forwards {
    handle: Handle,
    choose: Choose,
    running: Mutex<BTreeMap<String, Running>>,
    /// Held by whoever adds or removes one.
    changing: tokio::sync::Mutex<()>,
}

impl Forwards {
    /// None yet.
    pub fn new(handle: Handle, choose: Choose) -> Forwards {
        Forwards { handle, choose, running: Mutex::default(), changing: tokio::sync::Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins again with those that the store has.
    pub fn restore(&self, settings: &BTreeMap<String, String>) {
        for (key, value) in settings.iter().filter(|(key, _)| key.starts_with(DEFINITION)) {
            // Nothing of the value is told: it may have secrets in it.
            let Ok(definition) = serde_json::from_str::<Definition>(value) else {
                tracing::error!("the {key} in the store is not understood, and is left alone");
                continue;
            };
            let kept = settings.get(&progress_key(&definition.name)).map(|text| Progress::parse(text));
            let progress = match kept {
                Some(Ok(progress)) => progress,
                Some(Err(why)) => {
                    tracing::error!("the place of the {key} is not understood ({why}): it begins anew");
                    Progress::default()
                }
                None => Progress::default(),
            };
            self.begin(definition, progress);
        }
    }

    fn begin(&self, definition: Definition, progress: Progress) {
        let (definition, progress) = (Arc::new(definition), Arc::new(Mutex::new(progress)));
        let (stop, stopped) = watch::channel(false);
        let task = Task {
            handle: self.handle.clone(),
            choose: self.choose.clone(),
            definition: definition.clone(),
            progress: progress.clone(),
            stop: stopped,
        };
        let task = tokio::spawn(task.run());
        self.running().insert(definition.name.clone(), Running { definition, progress, stop, task });
    }

    /// Begins one, with what is written from now on.
    ///
    /// # Errors
    /// Nothing was begun then.
    pub async fn add(&self, definition: Definition) -> Result<Status, ForwardError> {
        let _alone = self.changing.lock().await;
        if self.running().contains_key(&definition.name) {
            return Err(ForwardError::Taken(definition.name));
        }
        if self.running().len() >= MOST {
            return Err(ForwardError::TooMany);
        }
        let views = (self.choose)(&self.handle.snapshot(), &definition.apps);
        let of = definition.clone();
        let cursor = blocking(move || source::end_of(&of, &views)).await?;
        let progress = Progress { cursor, ..Progress::default() };
        let value = serde_json::to_string(&definition).expect("it is plain data");
        let name = definition.name.clone();
        // Recorded before answered: from here on nothing is left out.
        self.handle
            .record(vec![
                Change::PutSetting { name: definition_key(&name), value },
                Change::PutSetting { name: progress_key(&name), value: progress.to_text() },
            ])
            .await?;
        self.begin(definition, progress);
        self.status(&name).await
    }

    /// Ends one.
    ///
    /// # Errors
    /// It goes on then.
    pub async fn remove(&self, name: &str) -> Result<(), ForwardError> {
        let _alone = self.changing.lock().await;
        self.handle.may_save()?;
        let running = self.running().remove(name);
        let running = running.ok_or_else(|| ForwardError::Unknown(name.to_owned()))?;
        running.stop.send_replace(true);
        // It writes its place once more before it is gone.
        let _ = running.task.await;
        let changes = [definition_key(name), progress_key(name)].map(Change::DropSetting);
        Ok(self.handle.keep(changes.into()).await?)
    }

    /// Sends one line of its own.
    ///
    /// # Errors
    /// The receiver has not taken it.
    pub async fn test(&self, name: &str) -> Result<(), ForwardError> {
        let definition = self.running().get(name).map(|running| running.definition.clone());
        let definition = definition.ok_or_else(|| ForwardError::Unknown(name.to_owned()))?;
        let line = Record {
            at: Some(clock::unix_ms() * 1000),
            process: ProcessId(0),
            pid: Some(Pid(std::process::id().cast_signed())),
            name: "pmdaemon".into(),
            namespace: "pmdaemon".into(),
            stream: Stream::Out,
            level: Some(crate::logs::Level::Info),
            text: format!("this is a test of the forward {name} of pmdaemon").into_bytes(),
            partial: false,
            start: Position::BEGINNING,
        };
        let way = Way::of(definition).map_err(ForwardError::Refused)?;
        way.deliver(&[line]).await.map_err(ForwardError::Refused)
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// A log cannot be read.
    pub async fn list(&self) -> Result<Vec<Status>, ForwardError> {
        let names: Vec<String> = self.running().keys().cloned().collect();
        let mut all = Vec::new();
        for name in names {
            match self.status(&name).await {
                Ok(status) => all.push(status),
                // Removed meanwhile.
                Err(ForwardError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn status(&self, name: &str) -> Result<Status, ForwardError> {
        let found = self.running().get(name).map(|running| {
            let progress = running.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
            (running.definition.clone(), progress)
        });
        let (definition, progress) = found.ok_or_else(|| ForwardError::Unknown(name.to_owned()))?;
        let views = (self.choose)(&self.handle.snapshot(), &definition.apps);
        let (of, cursor) = (definition.clone(), progress.cursor.clone());
        let (logs, lag_lines) = blocking(move || standing(&of, &views, &cursor)).await?;
        Ok(Status { definition, progress, logs, lag_lines })
    }
}

fn standing(
    definition: &Definition,
    views: &[Arc<ProcessView>],
    cursor: &Cursor,
) -> std::io::Result<(Vec<LogStatus>, Option<u64>)> {
    let mut sources = source::sources(definition, views);
    sources.retain(|source| source.path.as_path() != std::path::Path::new("/dev/null"));
    let places = sources.iter().map(|source| (&source.path, cursor.after(source.log())));
    let sizes = lag::sizes(places)?;
    let status = |source: &crate::logs::Source| {
        let place = cursor.after(source.log());
        let lag_bytes = sizes.get(&source.path).map_or(0, |sizes| lag::behind(sizes, place));
        let (process, name, stream) = (source.process, source.name.clone(), source.stream);
        LogStatus { process, name, stream, place, lag_bytes }
    };
    let logs: Vec<LogStatus> = sources.iter().map(status).collect();
    if logs.iter().map(|log| log.lag_bytes).sum::<u64>() > COUNTED {
        return Ok((logs, None));
    }
    let filter = Filter { level: definition.level(), grep: None };
    let mut reading = Reading::open(sources, &Start::After(cursor.clone()), filter, Until::Now)?;
    let mut lines = 0;
    while let Some(item) = reading.next_item()? {
        match item {
            Item::Line(line) => lines += u64::from(line.complete),
            Item::Gone(_) | Item::Busy => {}
        }
    }
    Ok((logs, Some(lines)))
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ForwardError> {
    match tokio::task::spawn_blocking(f).await {
        Ok(done) => done.map_err(|e| ForwardError::Unreadable(e.to_string())),
        Err(e) => Err(ForwardError::Unreadable(e.to_string())),
    }
}
