//! The signals that end a command that would go on for ever.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::CliError;

/// SIGINT (Ctrl+C), SIGTERM and SIGHUP, heard from the moment this exists.
pub struct Stop {
    signals: Vec<Signal>,
}

impl Stop {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn new() -> Result<Stop, CliError> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let signals: Result<Vec<_>, _> = kinds.into_iter().map(signal).collect();
        let signals = signals.map_err(|e| CliError::new(format!("cannot wait for Ctrl+C: {e}")))?;
        Ok(Stop { signals })
    }

    /// Waits for one of them.
    pub async fn asked(&mut self) {
        let any = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(any).await;
    }
}
