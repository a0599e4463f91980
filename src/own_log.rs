//! The program's own log: one line per event, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

/// Starts it. `PMDAEMON_LOG=debug` says more.
pub fn start() {
    let filter = EnvFilter::try_from_env("PMDAEMON_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_timer(Utc)
        // A log that cannot be written is no reason to stop: to say so on standard error, which is
        // the log, would be a panic.
        .log_internal_errors(false)
        .try_init();
}

struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(w, "{:.3}", jiff::Timestamp::now())
    }
}
