//! When bytes are moved: noted when they come, moved together a moment later; and without waiting for
//! them where they come fast.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::epoll::EpollFlags;

use super::alarms::Alarm;
use super::capture::{CHUNK, COALESCE, Moved, RETRY};
use super::event_loop::Keeper;
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
        self.capture.pending.push((run, which));
        self.alarms.set(Alarm::Drain, Instant::now() + COALESCE);
    }

    /// One round: each FIFO that was noted, once.
    pub fn drain_pending(&mut self) {
        for (run, which) in std::mem::take(&mut self.capture.pending) {
            self.drain(run, which);
        }
    }

    /// Those that fill fast and whose time has come.
    pub fn visit(&mut self) {
        let now = Instant::now();
        for (_, run, which) in self.capture.visits.extract_if(.., |(at, ..)| *at <= now).collect::<Vec<_>>() {
            self.drain(run, which);
        }
        if let Some(next) = self.capture.visits.iter().map(|(at, ..)| *at).min() {
            self.alarms.set(Alarm::Visit, next);
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
            Moved::Some(count) => self.look_again(id, which, count),
            Moved::Empty => self.look_again(id, which, 0),
            // Nobody can write to it any more: not armed, or it would report that for ever.
            Moved::Over => {}
            Moved::Refused => self.refuse(id, which),
        }
        self.tell_news(id, which);
        self.let_go_if_over(id);
    }

    /// So much was in a FIFO. If that is much it is visited, otherwise waited for.
    fn look_again(&mut self, id: u64, which: Which, moved: usize) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(stream) = run.stream(which) else { return };
        let source = Source::fifo(id, which);
        let pause = match (stream.visit_after(moved), stream.visited) {
            (None, false) => {
                let _ = self.poller.change(&*stream, source, ARMED);
                return;
            }
            (None, true) => match self.poller.add(&*stream, source, ARMED) {
                Ok(()) => {
                    stream.visited = false;
                    return;
                }
                Err(_) => RETRY,
            },
            (Some(pause), true) => pause,
            (Some(pause), false) => {
                self.poller.leave(&*stream);
                stream.visited = true;
                pause
            }
        };
        let at = Instant::now() + pause;
        self.capture.visits.retain(|(_, run, of)| (*run, *of) != (id, which));
        self.capture.visits.push((at, id, which));
        self.alarms.set(Alarm::Visit, at);
    }

    /// Tells the daemon when a log takes nothing, and when it does again.
    fn tell_news(&mut self, id: u64, which: Which) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(stream) = run.stream(which) else { return };
        let news = stream.news(which);
        if let Some(at) = stream.news_at() {
            self.alarms.set(Alarm::TellLogs, at);
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
        self.capture.visits.retain(|(_, run, _)| *run != id);
    }
}
