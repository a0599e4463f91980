//! Whether the file of a stream takes what comes, and what became of what it did not take.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::protocol::{LogReport, LogStream};
use super::say;

/// While output is dropped, the daemon is told this often.
pub const TELL_AGAIN: Duration = Duration::from_secs(1);

/// The health of one file, as one stream sees it.
pub struct Health {
    path: PathBuf,
    /// What it does not take is dropped.
    drops: bool,
    /// Why the last write failed, as long as it does: said once, not once a second.
    trouble: Option<Errno>,
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

    /// The file took something.
    pub fn took(&mut self) {
        self.try_it();
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

    /// There is something to tell, now or a little later.
    pub fn has_news(&self) -> bool {
        self.news
    }

    /// What the daemon is to be told now, if anything.
    pub fn news(&mut self, stream: LogStream, now: Instant) -> Option<LogReport> {
        let soon = self.told.is_some_and(|told| now.duration_since(told) < TELL_AGAIN);
        if !self.news || soon {
            return None;
        }
        (self.news, self.told) = (false, Some(now));
        Some(self.report(stream))
    }

    /// Everything has always been well.
    pub fn is_spotless(&self) -> bool {
        self.trouble.is_none() && self.dropped_bytes == 0
    }

    /// How it is.
    pub fn report(&self, stream: LogStream) -> LogReport {
        LogReport {
            stream,
            path: self.path.clone(),
            errno: self.trouble.map(|errno| errno as i32),
            drops: self.drops,
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
        health.took();
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
        health.took();
        assert_eq!(news(&mut health, 1001), Some((None, 20, 3)));
        assert!(!health.is_spotless());
    }
}
