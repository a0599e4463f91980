//! A reload whose daemon has ended: the next one knows how far it came.

use std::time::Duration;

use tokio::time::Instant;

use super::super::error::CliError;
use super::super::session::Session;
use super::operations::far;
use crate::client::ClientError;
use crate::wire::{Operation, OperationItem, Process};

/// So many operations are looked through.
const OPERATIONS: u32 = 20;

/// So long what had begun is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(200);

/// What became of the reload of these processes whose answer was lost with that error; the error itself
/// where that is not known.
pub async fn told(session: &Session, processes: &[Process], error: CliError) -> CliError {
    if !matches!(error, CliError::Client(ClientError::Transport(_))) {
        return error;
    }
    match find(session, processes).await {
        Some(operation) if operation.state == "interrupted" => CliError::new(format!(
            "the reload was interrupted, because the daemon ended: operation {}{}; pmdaemon reload does what is left",
            operation.id,
            far(&operation)
        )),
        Some(_) | None => error,
    }
}

/// The newest reload that is on nothing else, when it is over.
async fn find(session: &Session, processes: &[Process]) -> Option<Operation> {
    let ours = |item: &OperationItem| processes.iter().any(|process| process.id == item.id);
    let newest = session.ask(async |c| c.operations(OPERATIONS).await).await.ok()?.items;
    for found in newest.iter().filter(|found| found.action == "reload") {
        let deadline = Instant::now() + WAIT;
        loop {
            let whole = session.ask(async |c| c.operation(found.id).await).await.ok()?;
            if !whole.items.iter().all(ours) {
                break;
            }
            if whole.state != "running" || Instant::now() > deadline {
                return Some(whole);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    None
}
