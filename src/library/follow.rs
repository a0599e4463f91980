//! [`LogFollower`]: lines as they come, over restarts of the daemon.

use std::time::{Duration, Instant};

use super::{Error, LogRecord, ProcessManager};
use crate::client::{ClientError, LogItem, LogPlace, LogQuery, LogStream};

/// How long is waited for a daemon to come back.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lines of an app or process, made by [`ProcessManager::follow_logs`].
pub struct LogFollower {
    manager: ProcessManager,
    reference: String,
    stream: Option<LogStream>,
    query: LogQuery,
    place: LogPlace,
}

impl LogFollower {
    pub(super) async fn open(
        manager: ProcessManager,
        reference: String,
        lines: u64,
    ) -> Result<LogFollower, Error> {
        let query = LogQuery::follow(lines);
        let stream = manager.stream_logs(&reference, &query).await?;
        Ok(LogFollower { manager, reference, stream: Some(stream), query, place: LogPlace::default() })
    }

    /// Waits for the next line; each comes once. `None` when the app or process is deleted.
    ///
    /// # Errors
    /// [`Error::NoConnection`] when the daemon has ended and none takes its place.
    pub async fn next(&mut self) -> Result<Option<LogRecord>, Error> {
        while let Some(stream) = &mut self.stream {
            let next = stream.next().await;
            if let Ok(Some(item)) = &next {
                self.place.pass(item);
            }
            match next {
                Ok(Some(LogItem::Record(record))) => return Ok(Some(record)),
                Ok(Some(LogItem::Removed { .. } | LogItem::Cursor(_))) => {}
                Ok(Some(LogItem::Deleted)) => self.stream = None,
                Err(error) if !error.is_absence() => return Err(error.into()),
                Ok(None) | Err(_) => self.stream = self.reopen().await?,
            }
        }
        Ok(None)
    }

    /// Asks again until a daemon answers. `None` when the app is deleted. Starts no daemon: one that
    /// was ended by `pmdaemon kill` stays ended.
    async fn reopen(&self) -> Result<Option<LogStream>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(20);
        loop {
            tokio::time::sleep(pause).await;
            let query = self.query.from(self.place.after());
            match self.manager.client.logs(Some(&self.reference), &query).await {
                Ok(stream) => return Ok(Some(stream)),
                Err(error) if error.status() == Some(404) => return Ok(None),
                Err(ClientError::NoDaemon(_)) if Instant::now() > deadline => {
                    return Err(Error::NoConnection(
                        "the daemon has ended, so there is nothing to follow".to_owned(),
                    ));
                }
                Err(error) if error.is_absence() && Instant::now() <= deadline => {}
                Err(error) => return Err(error.into()),
            }
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}
