//! What the outside asks of the foreground, and the orphans that process 1 gets.

use std::io::IsTerminal;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::super::error::CliError;

/// What a signal means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Stop everything and end.
    End,
    /// The apps are to get it, by that name.
    Pass(&'static str),
}

/// The signals that are heard, from the moment this exists.
pub struct Signals {
    all: Vec<(Asked, Signal)>,
}

impl Signals {
    /// Begins to listen. When a terminal hangs up, that is no message to the apps.
    pub fn new() -> Result<Signals, CliError> {
        let on_hangup = if std::io::stdin().is_terminal() { Asked::End } else { Asked::Pass("HUP") };
        let kinds = [
            (Asked::End, SignalKind::terminate()),
            (Asked::End, SignalKind::interrupt()),
            (Asked::End, SignalKind::quit()),
            (on_hangup, SignalKind::hangup()),
            (Asked::Pass("USR1"), SignalKind::user_defined1()),
            (Asked::Pass("USR2"), SignalKind::user_defined2()),
        ];
        let all = kinds.into_iter().map(|(asked, kind)| Ok((asked, signal(kind)?)));
        let all: Result<Vec<_>, std::io::Error> = all.collect();
        let all = all.map_err(|e| CliError::new(format!("cannot wait for signals: {e}")))?;
        Ok(Signals { all })
    }

    /// The next one.
    pub async fn next(&mut self) -> Asked {
        let any = self.all.iter_mut().map(|(asked, signal)| {
            Box::pin(async move {
                signal.recv().await;
                *asked
            })
        });
        futures_util::future::select_all(any).await.0
    }

    /// Waits until somebody asks for the end.
    pub async fn end(&mut self) {
        while self.next().await != Asked::End {}
    }
}

/// As process 1, waits for everybody who ends: nobody else does. Call it when no child is waited for.
pub fn wait_for_orphans() {
    if std::process::id() != 1 {
        return;
    }
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    tokio::spawn(async move {
        loop {
            while !matches!(
                waitpid(None, Some(WaitPidFlag::WNOHANG)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD)
            ) {}
            if ended.recv().await.is_none() {
                return;
            }
        }
    });
}
