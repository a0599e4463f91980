//! `runtime`: apps in the foreground, as the main process of a container (`pm2-runtime`).
//!
//! ```text
//!   start what was given ──▶ show what it writes ──┬─ nothing is to run any more ──▶ end, with its code
//!                                                  └─ asked to end ──▶ stop it all ──▶ end, with 0
//! ```
//!
//! What apps write is read from their logs, so that nothing is lost over a death of the daemon.

mod ended;
mod output;
mod signals;

use std::time::Duration;

use super::super::error::CliError;
use super::super::out;
use super::super::runtime_args::RuntimeArgs;
use super::super::session::{self, Session, on_this_machine};
use super::super::start_args::StartArgs;
use super::{act, kill, start};
use crate::client::{LogItem, LogPlace, LogQuery, LogStream, Selection, start as daemon};
use crate::home::Home;
use crate::wire::{Action, Stream};
use ended::Ours;
use output::Output;
use signals::{Asked, Signals};

/// How often it is looked whether anything runs, besides whenever something is told.
const LOOK: Duration = Duration::from_secs(2);

/// Before it is asked again for a stream that broke.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a daemon may be away.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub async fn run(args: RuntimeArgs) -> Result<(), CliError> {
    on_this_machine("pmdaemon runtime")?;
    let home = Home::from_env().map_err(CliError::new)?;
    if daemon::daemon_lives(&home) || daemon::keeper_lives(&home) {
        return Err(CliError::new(format!(
            "pmdaemon runs in {} already and runtime brings a daemon of its own: use pmdaemon start, or another \
             PMDAEMON_HOME",
            home.path().display()
        )));
    }
    if let Some(notice) = args.notice() {
        out::notice(&notice);
    }
    session::be_quiet();
    let mut signals = Signals::new()?;
    let since = jiff::Timestamp::now().to_string();
    let begun = tokio::select! {
        begun = begin(&args) => begun,
        () = signals.end() => Ok(None),
    };
    let code = match begun {
        Ok(Some((session, ours))) => Foreground::new(&args, session, ours, since).stay(&mut signals).await,
        Ok(None) => Ok(0),
        Err(error) => Err(error),
    };
    kill::end(&home).await?;
    match code? {
        0 => Ok(()),
        code => Err(CliError::Code(code)),
    }
}

/// Starts what was given. One that fails is told, and does not keep the others from running.
async fn begin(args: &RuntimeArgs) -> Result<Option<(Session, Ours)>, CliError> {
    if let Some(delay) = args.delay {
        tokio::time::sleep(delay).await;
    }
    // Nothing is printed but what apps write.
    let report = start::begin(StartArgs { json: true, ..args.start.clone() }).await?;
    let ours = Ours { ids: report.ids(), failed: report.has_failed() };
    let session = Session::open().await?;
    signals::wait_for_orphans();
    Ok(Some((session, ours)))
}

/// What runs, and where its output goes.
struct Foreground {
    session: Session,
    query: LogQuery,
    shown: Shown,
    ours: Ours,
    stays: bool,
}

/// What was shown, and how.
struct Shown {
    output: Output,
    place: LogPlace,
}

impl Foreground {
    fn new(args: &RuntimeArgs, session: Session, ours: Ours, since: String) -> Foreground {
        let query = LogQuery { since: Some(since), follow: true, events: true, ..LogQuery::default() };
        let output = Output::of(args, session.screen);
        let shown = Shown { output, place: LogPlace::default() };
        Foreground { session, query, shown, ours, stays: args.no_auto_exit }
    }

    /// Stays until the end. Answers with the exit code.
    async fn stay(mut self, signals: &mut Signals) -> Result<u8, CliError> {
        let mut stream = self.open().await?;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let look = tokio::select! {
                item = stream.next() => match item {
                    Ok(Some(item)) => self.shown.add(item)?,
                    // The daemon went away: the keeper brings another one.
                    Ok(None) | Err(_) => {
                        tokio::time::sleep(PAUSE).await;
                        stream = self.open().await?;
                        true
                    }
                },
                asked = signals.next() => match asked {
                    Asked::End => {
                        self.stop(stream).await?;
                        return Ok(0);
                    }
                    Asked::Pass(signal) => {
                        // When nothing is online there is nobody to hear it.
                        let _ = self.session.client.signal("all", signal).await;
                        false
                    }
                },
                _ = looks.tick() => true,
            };
            if look && let Some(code) = self.ended().await? {
                self.rest().await?;
                return Ok(code);
            }
        }
    }

    /// The exit code, when nothing runs any more and nothing is to run.
    async fn ended(&self) -> Result<Option<u8>, CliError> {
        if self.stays {
            return Ok(None);
        }
        let apps = self.session.ask(async |c| c.apps().await).await?.items;
        Ok(self.ours.code(&apps))
    }

    /// Stops everything, and shows what it says to that.
    async fn stop(&mut self, mut stream: LogStream) -> Result<(), CliError> {
        let stopped = self.session.client.act_on(Action::Stop, &Selection::All, act::WAIT);
        let mut stopped = Box::pin(stopped);
        loop {
            tokio::select! {
                // Whatever came of it, the end of the daemon stops what is left.
                _ = &mut stopped => break,
                Ok(Some(item)) = stream.next() => drop(self.shown.add(item)?),
            }
        }
        drop(stopped);
        self.rest().await
    }

    /// Shows everything that was written and is not shown yet.
    async fn rest(&mut self) -> Result<(), CliError> {
        let query = LogQuery { follow: false, events: false, ..self.query.from(self.shown.place.after()) };
        let mut stream = self.session.ask(async |c| c.logs(None, &query).await).await?;
        while let Some(item) = stream.next().await? {
            self.shown.add(item)?;
        }
        Ok(())
    }

    /// Opens the stream behind what was shown. The keeper starts a daemon when there is none.
    async fn open(&self) -> Result<LogStream, CliError> {
        let query = self.query.from(self.shown.place.after());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.session.client.logs(None, &query).await {
                Err(error) if error.is_absence() && tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                opened => return Ok(opened?),
            }
        }
    }
}

impl Shown {
    /// Shows an item. Answers whether it tells of something that happened to a process.
    fn add(&mut self, item: LogItem) -> Result<bool, CliError> {
        self.place.pass(&item);
        match item {
            LogItem::Record(record) if record.stream == Stream::Sys => Ok(true),
            LogItem::Record(record) => self.output.write(&record).map(|()| false),
            LogItem::Removed { .. } | LogItem::Deleted | LogItem::Cursor(_) => Ok(false),
        }
    }
}
