//! When bytes are moved: noted when they come, moved together a moment later.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::epoll::EpollFlags;

use super::alarms::Alarm;
use super::capture::{CHUNK, COALESCE, Moved, RETRY};
use super::event_loop::Keeper;
use super::health::TELL_AGAIN;
use super::log_file::LogFile;
use super::poll::{Source, Which};
use super::process::io_words;
use super::protocol::{Report, Segments, Tend};
use super::segments;

/// A FIFO reports once and is silent until it is armed again, also about its end.
pub const ARMED: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLONESHOT);

impl Keeper {
    /// Something is in a FIFO, or its last writer is gone.
    pub fn readable(&mut self, run: u64, which: Which) {
        let Some(stream) = self.runs.get_mut(&run).and_then(|run| run.stream(which).as_mut()) else { return };
        let pause = if stream.busy { std::time::Duration::ZERO } else { COALESCE };
        self.capture.pending.push((run, which));
        self.alarms.set(Alarm::Drain, Instant::now() + pause);
    }

    /// One round: each FIFO that was noted, once.
    pub fn drain_pending(&mut self) {
        for (run, which) in std::mem::take(&mut self.capture.pending) {
            self.drain(run, which);
        }
    }

    /// Those whose file took nothing, again.
    pub fn retry_refused(&mut self) {
        for (run, which) in std::mem::take(&mut self.capture.refused) {
            self.drain(run, which);
        }
    }

    fn drain(&mut self, id: u64, which: Which) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(stream) = run.stream(which) else { return };
        match self.capture.shift(stream, CHUNK) {
            Moved::Some(_) | Moved::Empty => {
                let _ = self.poller.change(&*stream, Source::fifo(id, which), ARMED);
            }
            // Nobody can write to it any more: not armed, or it would report that for ever.
            Moved::Over => {}
            Moved::Refused => self.refuse(id, which),
        }
        self.tell_news(id, which);
        self.let_go_if_over(id);
    }

    /// Tells the daemon when a log takes nothing, and when it does again.
    fn tell_news(&mut self, id: u64, which: Which) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(stream) = run.stream(which) else { return };
        let news = stream.news(which);
        if stream.has_news() {
            self.alarms.set(Alarm::TellLogs, Instant::now() + TELL_AGAIN);
        }
        for log in news {
            self.tell(Report::LogChanged { run: id, log });
        }
    }

    /// What could not be told so soon after the last time.
    pub fn tell_all_news(&mut self) {
        for id in self.runs.keys().copied().collect::<Vec<_>>() {
            Which::BOTH.into_iter().for_each(|which| self.tell_news(id, which));
        }
    }

    fn refuse(&mut self, id: u64, which: Which) {
        if !self.capture.refused.contains(&(id, which)) {
            self.capture.refused.push((id, which));
        }
        self.alarms.set(Alarm::RetryWrites, Instant::now() + RETRY);
    }

    /// Moves everything that a run has written so far. Returns whether something had to stay.
    pub fn drain_run(&mut self, id: u64) -> bool {
        let mut left = false;
        for which in Which::BOTH {
            let Some(run) = self.runs.get_mut(&id) else { return false };
            let Some(stream) = run.stream(which) else { continue };
            if self.capture.empty(stream) {
                left = true;
                self.refuse(id, which);
            }
            self.tell_news(id, which);
        }
        left
    }

    /// Closes segments, or looks for files that others have moved.
    pub fn tend_logs(&mut self, request: u64, tend: Tend, logs: &[PathBuf]) {
        let (mut closed, mut problems) = (Vec::new(), Vec::new());
        for log in logs {
            let done = match tend {
                Tend::Close => self.close_segment(log),
                Tend::Reopen => self.capture.of_path(log).map_or(Ok(()), LogFile::follow).map(|()| 0),
            };
            closed.push(*done.as_ref().unwrap_or(&0));
            if let Err(error) = done {
                problems.push(format!("{}: {}", log.display(), io_words(&error)));
            }
        }
        self.tell(Report::LogsTended { request, closed, problems });
    }

    fn close_segment(&mut self, log: &Path) -> io::Result<u64> {
        for run in self.runs.values_mut() {
            for which in Which::BOTH {
                if let Some(stream) =
                    run.stream(which).as_mut().filter(|stream| self.capture.writes_to(stream, log))
                {
                    self.capture.empty(stream);
                }
            }
        }
        match self.capture.of_path(log) {
            Some(open) => {
                open.follow()?;
                open.rotate()?;
                Ok(open.closed())
            }
            None if log.exists() => {
                let mut log = LogFile::open(log, Segments::default())?;
                log.rotate()?;
                Ok(log.closed())
            }
            None => segments::highest(log),
        }
    }

    /// Closes the FIFOs of a run of which nothing is left, once they are empty.
    pub fn let_go_if_over(&mut self, id: u64) {
        if !self.runs.get(&id).is_some_and(|run| run.is_ended() && run.tree_empty) {
            return;
        }
        if !self.drain_run(id) {
            self.close_streams(id);
        }
    }

    /// Closes the FIFOs of a run.
    pub fn close_streams(&mut self, id: u64) {
        for which in Which::BOTH {
            let Some(run) = self.runs.get_mut(&id) else { return };
            if let Some(stream) = run.stream(which).take() {
                let last = stream.last_news(which);
                self.capture.close(stream);
                last.into_iter().for_each(|log| self.tell(Report::LogChanged { run: id, log }));
            }
        }
        self.capture.pending.retain(|(run, _)| *run != id);
        self.capture.refused.retain(|(run, _)| *run != id);
    }
}
