//! How far something on many processes is, while its command waits: one line on the terminal.

use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

use super::super::render::escape::harmless;
use super::super::session::Session;
use crate::wire::{Operation, OperationItem, Process};

/// From one look to the next; what is quicker shows nothing.
const LOOK: Duration = Duration::from_millis(300);
/// So many processes are named that are under way.
const NAMED: usize = 3;

/// Waits for `request`, which does `action` to these processes, and shows meanwhile how far that is. A
/// single process, or a stderr that is no terminal, is shown nothing.
pub async fn beside<T>(
    session: &Session,
    action: &str,
    processes: &[Process],
    request: impl Future<Output = T>,
) -> T {
    if processes.len() < 2 || !std::io::stderr().is_terminal() {
        return request.await;
    }
    let mut request = pin!(request);
    let mut shown = Shown { session, action, processes, operation: None, is_there: false };
    loop {
        tokio::select! {
            answer = &mut request => {
                shown.clear();
                return answer;
            }
            () = shown.look() => {}
        }
    }
}

struct Shown<'a> {
    session: &'a Session,
    action: &'a str,
    processes: &'a [Process],
    /// Once it is known.
    operation: Option<i64>,
    /// There is a line on the terminal.
    is_there: bool,
}

impl Shown<'_> {
    async fn look(&mut self) {
        tokio::time::sleep(LOOK).await;
        // Only to be shown: what fails is told by the answer to the command.
        let Some(operation) = self.find().await else { return };
        self.operation = Some(operation.id);
        let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0);
        let text: String = line(&operation).chars().take(usize::from(width).saturating_sub(1)).collect();
        self.is_there = true;
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K{text}");
    }

    /// The operation of this command: the newest of its kind that is on nothing else.
    async fn find(&self) -> Option<Operation> {
        let client = &self.session.client;
        if let Some(id) = self.operation {
            return client.operation(id).await.ok();
        }
        let running = client.running_operations().await.ok()?;
        let ours = |item: &OperationItem| self.processes.iter().any(|process| process.id == item.id);
        for found in running.items.iter().filter(|found| found.action == self.action) {
            let whole = client.operation(found.id).await.ok()?;
            if whole.items.iter().all(ours) {
                return Some(whole);
            }
        }
        None
    }

    fn clear(&mut self) {
        if self.is_there {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// `restart: 3 of 12 done, 1 failed; web-3 draining, web-4 starting, 2 more`
fn line(operation: &Operation) -> String {
    let progress = operation.progress;
    let mut text = format!("{}: {} of {} done", operation.action, progress.done, progress.total);
    if progress.failed > 0 {
        text.push_str(&format!(", {} failed", progress.failed));
    }
    let under_way = |item: &&OperationItem| matches!(item.state.as_str(), "draining" | "starting" | "ready");
    let under_way: Vec<&OperationItem> = operation.items.iter().filter(under_way).collect();
    let named = under_way.iter().take(NAMED).map(|item| format!("{} {}", harmless(&item.name), item.state));
    let mut named: Vec<String> = named.collect();
    if under_way.len() > NAMED {
        named.push(format!("{} more", under_way.len() - NAMED));
    }
    if !named.is_empty() {
        text.push_str(&format!("; {}", named.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OperationProgress;

    #[test]
    fn the_line_says_how_many_are_done_and_names_what_is_under_way() {
        let item = |id: i64, state: &str| OperationItem {
            id,
            name: format!("web-{id}"),
            namespace: "default".into(),
            action: "restart".into(),
            state: state.into(),
            reason: None,
            since: String::new(),
        };
        let states = ["done", "failed", "draining", "starting", "ready", "draining", "waiting"];
        let mut operation = Operation {
            id: 7,
            action: "restart".into(),
            state: "running".into(),
            author: "local".into(),
            begun_at: String::new(),
            ended_at: None,
            progress: OperationProgress { total: 7, done: 1, failed: 1, left: 0 },
            items: (0..).zip(states).map(|(id, state)| item(id, state)).collect(),
        };
        let told = "restart: 1 of 7 done, 1 failed; web-2 draining, web-3 starting, web-4 ready, 1 more";
        assert_eq!(line(&operation), told);
        operation.items.truncate(1);
        operation.progress = OperationProgress { total: 1, done: 1, failed: 0, left: 0 };
        assert_eq!(line(&operation), "restart: 1 of 1 done");
    }
}
