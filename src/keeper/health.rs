//! Whether the file of a stream takes what comes, and what became of what it did not take.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::protocol::{LogReport, LogStream};
use super::say;

/// While output is dropped, the daemon is told this often.
pub const TELL_AGAIN: Duration = Duration::from_secs(1);

/// While output comes, the daemon is told so often how much it was: as often as such a number is asked
/// for, and rarely enough to cost nothing.
const TELL_TAKEN: Duration = Duration::from_secs(15);

/// The health of one file, as one stream sees it.
pub struct Health {
    path: PathBuf,
    /// What it does not take is dropped.
    drops: bool,
    /// Why the last write failed, as long as it does: said once, not once a second.
    trouble: Option<Errno>,
    /// Bytes that it took, and how many of those the daemon has been told of.
    taken_bytes: u64,
    told_bytes: u64,
    dropped_bytes: u64,
    dropped_lines: u64,
    /// Something has changed since the daemon was told.
    news: bool,
    /// Something came for it.
    tried: bool,
    told: Option<Instant>,
}

impl Health {
    /// Of a file that was not tried yet. With the first output it is told how it is: an earlier run,
    /// or an earlier keeper, may have told otherwise.
    pub fn unknown(path: &Path, drops: bool) -> Health {
        Health {
            path: path.to_owned(),
            drops,
            trouble: None,
            taken_bytes: 0,
            told_bytes: 0,
            dropped_bytes: 0,
            dropped_lines: 0,
            news: false,
            tried: false,
            told: None,
        }
    }

    fn try_it(&mut self) {
        if !std::mem::replace(&mut self.tried, true) {
            self.news = true;
        }
    }

    /// The file took so much.
    pub fn took(&mut self, bytes: usize) {
        self.try_it();
        self.taken_bytes += bytes as u64;
        if self.trouble.take().is_some() {
            self.news = true;
            self.told = None;
            say::info!("{} takes output again", self.path.display());
        }
    }

    /// The file took nothing.
    pub fn refused(&mut self, errno: Errno) {
        self.try_it();
        if self.trouble.replace(errno) == Some(errno) {
            return;
        }
        self.news = true;
        self.told = None;
        let outcome = match self.drops {
            true => "what its program writes is dropped meanwhile",
            false => "its program waits once the pipe is full",
        };
        say::warning!("cannot write to {}: {}; {outcome}", self.path.display(), errno.desc());
    }

    /// So much was dropped.
    pub fn dropped(&mut self, bytes: usize, lines: usize) {
        self.dropped_bytes += bytes as u64;
        self.dropped_lines += lines as u64;
        self.news = true;
    }

    /// There is something that was not told.
    pub fn has_news(&self) -> bool {
        self.news || self.taken_bytes > self.told_bytes
    }

    /// When the daemon is to be told something, if there is anything.
    pub fn news_at(&self, now: Instant) -> Option<Instant> {
        let pause = match self.news {
            true => TELL_AGAIN,
            false if self.taken_bytes > self.told_bytes => TELL_TAKEN,
            false => return None,
        };
        Some(self.told.map_or(now, |told| told + pause))
    }

    /// What the daemon is to be told now, if anything.
    pub fn news(&mut self, stream: LogStream, now: Instant) -> Option<LogReport> {
        self.news_at(now).filter(|at| *at <= now)?;
        (self.news, self.told, self.told_bytes) = (false, Some(now), self.taken_bytes);
        Some(self.report(stream))
    }

    /// It was tried: there is something to tell about it.
    pub fn was_tried(&self) -> bool {
        self.tried
    }

    /// How it is.
    pub fn report(&self, stream: LogStream) -> LogReport {
        LogReport {
            stream,
            path: self.path.clone(),
            errno: self.trouble.map(|errno| errno as i32),
            drops: self.drops,
            taken_bytes: self.taken_bytes,
            dropped_bytes: self.dropped_bytes,
            dropped_lines: self.dropped_lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_and_its_end_are_told_once_and_losses_once_a_second() {
        let mut health = Health::unknown(Path::new("/l"), true);
        let now = Instant::now();
        let news = |health: &mut Health, after: u64| {
            let report = health.news(LogStream::Out, now + Duration::from_millis(after));
            report.map(|report| (report.errno, report.dropped_bytes, report.dropped_lines))
        };
        health.took(5);
        assert_eq!(news(&mut health, 0), Some((None, 0, 0)));
        assert_eq!(news(&mut health, 9000), None);
        health.refused(Errno::ENOSPC);
        health.dropped(10, 1);
        assert_eq!(news(&mut health, 0), Some((Some(28), 10, 1)));
        health.refused(Errno::ENOSPC);
        health.dropped(10, 2);
        assert_eq!(news(&mut health, 999), None);
        assert_eq!(news(&mut health, 1000), Some((Some(28), 20, 3)));
        assert_eq!(news(&mut health, 9000), None);
        health.took(5);
        assert_eq!(news(&mut health, 1001), Some((None, 20, 3)));
        assert_eq!(health.report(LogStream::Out).taken_bytes, 10);
    }

    #[test]
    fn how_much_has_come_is_told_with_the_first_of_it_and_then_now_and_then() {
        let mut health = Health::unknown(Path::new("/l"), true);
        let now = Instant::now();
        let news = |health: &mut Health, second: u64| {
            let report = health.news(LogStream::Out, now + Duration::from_secs(second));
            report.map(|report| report.taken_bytes)
        };
        assert_eq!(health.news_at(now), None);
        health.took(10);
        assert_eq!(news(&mut health, 0), Some(10));
        assert!(!health.has_news());
        health.took(20);
        health.took(30);
        assert!(health.has_news());
        assert_eq!((news(&mut health, 14), news(&mut health, 15)), (None, Some(60)));
        assert_eq!((news(&mut health, 99), health.news_at(now)), (None, None), "nothing has come since");
    }
}
