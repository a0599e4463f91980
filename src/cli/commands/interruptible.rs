//! Ctrl+C while a command waits for the daemon: what was asked for goes on there, which is said.

use std::time::Duration;

use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;

/// The exit code of what was ended by SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// So long the daemon is asked then.
const LOOK: Duration = Duration::from_secs(2);

/// How to cancel what goes on of that kind.
async fn going(verb: &str) -> Option<String> {
    let session = Session::open().await.ok()?;
    let running = session.client.running_operations().await.ok()?.items;
    let numbers = running.iter().filter(|operation| operation.action == verb);
    let ends: Vec<String> =
        numbers.map(|operation| format!("pmdaemon operations cancel {}", operation.id)).collect();
    (!ends.is_empty()).then(|| format!("; {} ends it where it is", ends.join(" or ")))
}

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
            let cancel = tokio::time::timeout(LOOK, going(verb)).await.ok().flatten().unwrap_or_default();
            out::error(&format!(
                "no longer waiting: what this {verb} has begun goes on; pmdaemon list shows how it is, pmdaemon events \
                 what happens{cancel}"
            ));
            Err(CliError::Code(INTERRUPTED))
        }
    }
}
