//! Ctrl+C while a command waits for the daemon: what was asked for goes on there, which is said.

use super::super::error::CliError;
use super::super::out;

/// The exit code of what was ended by SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Waits for `work`, which asks the daemon for `verb`, or for Ctrl+C. It must not ask on the terminal:
/// nobody hears Ctrl+C there.
///
/// # Errors
/// Those of `work`; and exit code 130.
pub async fn interruptible(
    verb: &str,
    work: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    tokio::select! {
        result = work => result,
        Ok(()) = tokio::signal::ctrl_c() => {
            out::error(&format!(
                "no longer waiting: what this {verb} has begun goes on; pmdaemon list shows how it is, pmdaemon events \
                 what happens"
            ));
            Err(CliError::Code(INTERRUPTED))
        }
    }
}
