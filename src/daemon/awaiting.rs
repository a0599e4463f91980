//! Looks for the signs that only the daemon can see: a port that accepts connections, a line in the
//! logs. One task for each run that is awaited by one of them; what it finds comes back into the
//! loop as a fact. It ends with that, or with `end`.
//!
//! On a port whose socket is shared, somebody else's answer is no sign: there the run itself has to be
//! seen to accept from it. That is asked of each new run of a reload, whatever its health check says,
//! which is answered by any of those that share it. On a port of its own the answer of somebody who was
//! there before the run is no sign either.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::log_files::LogFiles;
use super::{accepting, clock, listening, preparing};
use crate::logs::{self, Filter, Item, Line, Reading, Source, Start, Stream, Until};
use crate::model::{AppSpec, Fact, Moment, Pid, PortPlan, ProcessId, ReadyBy, RunId, Sign};
use crate::probe;

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// Of a line so many bytes are kept until it is whole.
const LONGEST_LINE: usize = 64 * 1024;

/// The runs that are awaited.
pub struct Awaiting {
    tasks: HashMap<RunId, AbortHandle>,
    found: mpsc::Sender<Fact>,
}

/// Whom to look at.
pub struct Awaited {
    /// The life.
    pub run: RunId,
    /// Whose.
    pub process: ProcessId,
    /// The app's definition.
    pub spec: Arc<AppSpec>,
    /// Where it prints to.
    pub logs: LogFiles,
    /// The port that it was given, if any.
    pub port: Option<u16>,
    /// Its main process, if that is known.
    pub pid: Option<Pid>,
    /// When it was executed.
    pub since: Moment,
}

impl Awaiting {
    /// Nobody is awaited; what is found goes there.
    pub fn new(found: mpsc::Sender<Fact>) -> Awaiting {
        Awaiting { tasks: HashMap::new(), found }
    }

    /// Begins to look for the sign of a run.
    pub fn begin(&mut self, by: ReadyBy, awaited: Awaited) {
        let run = awaited.run;
        let found = self.found.clone();
        let task = match by {
            // The keeper hears these.
            ReadyBy::Auto | ReadyBy::Notify | ReadyBy::Message => return,
            ReadyBy::Port if matches!(awaited.spec.port, Some(PortPlan::Shared(_))) => {
                let (Some(pid), Some(port)) = (awaited.pid, awaited.port) else { return };
                tokio::spawn(async move {
                    accepts_with_others(pid, port).await;
                    tell(&found, run, Sign::Accepts).await;
                })
            }
            ReadyBy::Port => tokio::spawn(async move {
                // What it was given is its own.
                let given = awaited.port.zip(awaited.pid);
                accepts(preparing::own_port(&awaited.spec, awaited.port).await, given).await;
                tell(&found, run, Sign::Accepts).await;
            }),
            ReadyBy::Log(pattern) => {
                // It was tried when the app was defined.
                let Ok(pattern) = Regex::new(&pattern) else { return };
                tokio::spawn(async move {
                    match matches(awaited, pattern).await {
                        Ok(()) => tell(&found, run, Sign::Line).await,
                        Err(e) => tracing::warn!("run {run} is not seen to be ready: {e}"),
                    }
                })
            }
        };
        if let Some(other) = self.tasks.insert(run, task.abort_handle()) {
            other.abort();
        }
    }

    /// Looks no longer.
    pub fn end(&mut self, run: RunId) {
        if let Some(task) = self.tasks.remove(&run) {
            task.abort();
        }
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

async fn tell(found: &mpsc::Sender<Fact>, run: RunId, sign: Sign) {
    // A loop that is gone needs no facts.
    let _ = found.send(Fact::Ready { run, sign, at: clock::now() }).await;
}

/// Returns when the port accepts connections; never, if there is none. `given`: the number, if it is the
/// run's own, and its main process. Somebody else may have been quicker to listen there, of another home,
/// say: then the answer is not the run's.
async fn accepts(port: Option<String>, given: Option<(u16, Pid)>) {
    let Some(port) = port else { return std::future::pending().await };
    let address = format!("localhost:{port}");
    loop {
        // A port that swallows the attempt must not keep us from the next one.
        let attempt = tokio::time::timeout(PAUSE * 10, probe::tcp::connect(&address)).await;
        let answers = matches!(attempt, Ok(Ok(())));
        if answers && !is_somebody_elses(given).await {
            return;
        }
        // To look who listens takes longer.
        tokio::time::sleep(if answers { PAUSE * 5 } else { PAUSE }).await;
    }
}

async fn is_somebody_elses(given: Option<(u16, Pid)>) -> bool {
    let Some((port, main)) = given else { return false };
    tokio::task::spawn_blocking(move || listening::is_taken(port, main)).await.unwrap_or(false)
}

/// Returns when that process accepts from a socket that others of its app have open, too.
async fn accepts_with_others(pid: Pid, port: u16) {
    while !tokio::task::spawn_blocking(move || accepting::accepts(pid, port)).await.unwrap_or(false) {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Returns when the run has printed a line that matches.
async fn matches(awaited: Awaited, pattern: Regex) -> std::io::Result<()> {
    // Earlier runs wrote to the same files.
    let since = Some(clock::unix_us_of(awaited.since));
    let Awaited { process, logs, .. } = awaited;
    let source = |stream, path| Source { process, name: String::new(), stream, path, since, until: None };
    let sources = vec![source(Stream::Out, logs.out), source(Stream::Err, logs.err)];
    let mut search = Search { pattern, begun: Default::default() };
    let mut reading =
        blocking(move || Reading::open(sources, &Start::Beginning, Filter::default(), Until::Ever)).await?;
    loop {
        let found;
        (found, search, reading) = blocking(move || {
            let found = search.reads(&mut reading)?;
            Ok((found, search, reading))
        })
        .await?;
        if found {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn blocking<T: Send + 'static>(
    look: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(look).await.map_err(std::io::Error::other)?
}

/// Lines that come in pieces, put together again.
struct Search {
    pattern: Regex,
    /// What each stream has of a line that is not whole yet.
    begun: HashMap<Stream, Vec<u8>>,
}

impl Search {
    /// Looks through everything that was not read yet.
    fn reads(&mut self, reading: &mut Reading) -> std::io::Result<bool> {
        reading.refresh();
        while let Some(item) = reading.next_item()? {
            match item {
                Item::Line(piece) if self.finds_in(&piece) => return Ok(true),
                Item::Line(_) | Item::Gone(_) | Item::Busy => {}
            }
        }
        Ok(false)
    }

    fn finds_in(&mut self, piece: &Line) -> bool {
        let line = self.begun.entry(piece.stream).or_default();
        if line.len() + piece.text.len() <= LONGEST_LINE {
            line.extend_from_slice(&piece.text);
        }
        let found = self.pattern.is_match(&logs::clean(line));
        if piece.complete {
            line.clear();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Position;

    fn piece(stream: Stream, text: &str, complete: bool) -> Line {
        let text = text.as_bytes().to_vec();
        let (start, end) = (Position::BEGINNING, Position::BEGINNING);
        Line { process: ProcessId(0), name: "web".into(), stream, at: None, text, complete, start, end }
    }

    #[test]
    fn a_line_is_found_in_pieces_and_not_across_lines_or_streams() {
        let check = |pieces: &[(Stream, &str, bool)], found: bool| {
            let pattern = Regex::new("listening on \\d+").unwrap();
            let mut search = Search { pattern, begun: HashMap::new() };
            let mut pieces = pieces.iter().map(|(stream, text, whole)| piece(*stream, text, *whole));
            assert_eq!(pieces.any(|piece| search.finds_in(&piece)), found);
        };
        check(&[(Stream::Out, "now listening on 80", true)], true);
        check(&[(Stream::Err, "listening", false), (Stream::Err, " on 8", false)], true);
        check(&[(Stream::Out, "listening", true), (Stream::Out, " on 8", true)], false);
        check(&[(Stream::Out, "listening", false), (Stream::Err, " on 8", true)], false);
        check(&[(Stream::Out, "listening on port", true)], false);
    }
}
