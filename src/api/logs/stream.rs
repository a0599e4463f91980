//! The body of an answer: lines as they are read, a piece at a time, as fast as the client takes them.
//!
//! A client that is slow makes the reader wait, and catches up from the files. Files are read in
//! blocking tasks; a follower looks ten times a second whether there is more.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::broadcast;

use super::chosen::Chosen;
use super::form::Form;
use crate::api::convert;
use crate::api::scope::Viewer;
use crate::daemon::view::Snapshot;
use crate::logs::{Item, Reading, Source, Stream};
use crate::store::EventRow;
use crate::wire::{LogControl, LogRecord};

/// How often a follower looks.
const LOOK: Duration = Duration::from_millis(100);
/// A follower that has nothing to say shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a line is shown although its newline has not come.
const UNFINISHED: Duration = Duration::from_secs(1);
/// So many bytes are sent at once, about.
const PIECE: usize = 64 << 10;

/// What is being read, and for whom.
pub struct Answer {
    pub viewer: Viewer,
    pub chosen: Chosen,
    /// Absent only while a blocking task has it.
    pub work: Option<Work>,
    pub structure: u64,
    pub follow: bool,
    /// Live events, where they are wanted.
    pub events: Option<broadcast::Receiver<Arc<EventRow>>>,
    pub over: bool,
}

/// What happened to processes, where that is wanted.
#[derive(Default)]
pub struct Happened {
    /// Before now, oldest first: told before the first line that is later.
    pub told: VecDeque<(u64, LogRecord)>,
    /// From now on.
    pub live: Option<broadcast::Receiver<Arc<EventRow>>>,
}

/// The part that reads files.
pub struct Work {
    pub reading: Reading,
    pub form: Form,
    pub limit: u64,
    /// What happened, oldest first: told before the first line that is later.
    pub told: VecDeque<(u64, LogRecord)>,
    pub out: Vec<u8>,
}

/// Why a piece is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// There may be more at once.
    More,
    /// Everything that is there was read.
    Dry,
    /// As many lines as were asked for.
    Full,
}

impl Work {
    /// `meant`: the logs that are meant from now on, where those are others.
    fn read(&mut self, meant: Option<Vec<Source>>) -> io::Result<State> {
        if let Some(meant) = meant {
            self.reading.follow(meant)?;
        }
        while self.out.len() < PIECE {
            if self.limit == 0 {
                return Ok(State::Full);
            }
            match self.reading.next_item()? {
                Some(Item::Line(line)) => {
                    while let Some((at, _)) = self.told.front()
                        && line.at.is_none_or(|time| *at <= time)
                        && let Some((_, record)) = self.told.pop_front()
                    {
                        self.form.told(&record, &mut self.out);
                    }
                    self.form.line(&line, &self.reading, &mut self.out);
                    self.limit -= 1;
                }
                Some(Item::Gone((process, stream))) => {
                    let stream = match stream {
                        Stream::Out => crate::wire::Stream::Out,
                        Stream::Err => crate::wire::Stream::Err,
                    };
                    let control = LogControl {
                        ctl: "gone".into(),
                        id: Some(i64::from(process.0)),
                        stream: Some(stream),
                        ..LogControl::default()
                    };
                    self.form.control(&control, &mut self.out);
                }
                Some(Item::Busy) => return Ok(State::More),
                None => {
                    for (_, record) in self.told.drain(..) {
                        self.form.told(&record, &mut self.out);
                    }
                    return Ok(State::Dry);
                }
            }
        }
        Ok(State::More)
    }

    fn read_unfinished(&mut self) -> io::Result<()> {
        while self.limit > 0
            && let Some(line) = self.reading.unfinished()?
        {
            self.form.line(&line, &self.reading, &mut self.out);
            self.limit -= 1;
        }
        Ok(())
    }

    fn say(&mut self, ctl: &str) {
        // Whoever gets cursors of one log each gets now and then one of all.
        let c = self.form.own.then(|| self.reading.cursor().encode());
        let control = LogControl { ctl: ctl.into(), c, ..LogControl::default() };
        self.form.control(&control, &mut self.out);
    }

    fn take(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| Bytes::from(std::mem::take(&mut self.out)))
    }
}

impl Answer {
    /// The pieces of the body.
    pub fn into_stream(self) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> {
        let pieces = futures_util::stream::unfold(self, |mut answer| async move {
            let piece = answer.next().await?;
            Some((piece, answer))
        });
        // Compression asks once more at the end.
        pieces.fuse()
    }

    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        match self.read_on().await {
            Ok(piece) => piece.map(Ok),
            // Broken off, not ended: the reader asks the next daemon for the rest.
            Err(e) if self.viewer.api.handle.is_leaving() => {
                self.over = true;
                Some(Err(e))
            }
            Err(e) => {
                self.over = true;
                tracing::error!("a log cannot be read: {e}");
                Some(Err(e))
            }
        }
    }

    async fn read_on(&mut self) -> io::Result<Option<Bytes>> {
        let mut silent = Duration::ZERO;
        while !self.over {
            if self.follow && !self.viewer.may_still() {
                return Ok(None);
            }
            let snapshot = self.viewer.api.handle.snapshot();
            // Asked before the last look: what is written until then is still told.
            let gone = self.follow && self.chosen.gone(&snapshot);
            let meant = self.take_up(&snapshot);
            let state = self.with(|work| work.read(meant)).await?;
            match state {
                State::More => {}
                State::Full => self.over = true,
                State::Dry if !self.follow => self.over = true,
                State::Dry => {
                    self.tell_events();
                    if silent == UNFINISHED {
                        self.with(Work::read_unfinished).await?;
                    }
                    if gone {
                        self.over = true;
                        self.work.iter_mut().for_each(|work| work.say("deleted"));
                    }
                }
            }
            if let Some(piece) = self.work.as_mut().and_then(Work::take) {
                return Ok(Some(piece));
            }
            if state == State::Dry && !self.over {
                if self.viewer.api.handle.is_leaving() {
                    return Err(io::Error::other("the daemon is being replaced"));
                }
                tokio::time::sleep(LOOK).await;
                silent += LOOK;
                if silent >= HEARTBEAT {
                    silent = UNFINISHED + LOOK;
                    self.work.iter_mut().for_each(|work| work.say("hb"));
                }
                self.work.iter_mut().for_each(|work| work.reading.refresh());
            }
        }
        Ok(None)
    }

    /// The logs that are meant now, when processes came or went since.
    fn take_up(&mut self, snapshot: &Snapshot) -> Option<Vec<Source>> {
        if !self.follow || snapshot.structure == self.structure || self.chosen.is_nobody() {
            return None;
        }
        self.structure = snapshot.structure;
        Some(self.chosen.sources(snapshot))
    }

    fn tell_events(&mut self) {
        let (Some(events), Some(work)) = (&mut self.events, &mut self.work) else { return };
        loop {
            match events.try_recv() {
                Ok(row) if self.chosen.tells(&row) => work.form.told(&told(&row), &mut work.out),
                Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return,
            }
        }
    }

    async fn with<T: Send + 'static>(
        &mut self,
        f: impl FnOnce(&mut Work) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut work = self.work.take().ok_or_else(|| io::Error::other("the reader is lost"))?;
        let (work, result) = tokio::task::spawn_blocking(move || {
            let result = f(&mut work);
            (work, result)
        })
        .await
        .map_err(io::Error::other)?;
        self.work = Some(work);
        result
    }
}

/// What happened, as a line.
pub fn told(row: &EventRow) -> LogRecord {
    let id = row.process.map_or(-1, |id| i64::from(id.0));
    LogRecord {
        ts: Some(convert::time(row.at_ms)),
        ..LogRecord::plain(id, &row.name, crate::wire::Stream::Sys, &row.detail)
    }
}
