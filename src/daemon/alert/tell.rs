//! From a step to what is told: kept first, then told as an event and to the channels.

use std::time::Duration;

use super::facts::last_lines;
use super::firing::{Alert, Step};
use super::notification::{Notification, What};
use super::{Alerts, kept, locked, task};
use crate::daemon::clock;
use crate::daemon::own_events::Own;
use crate::model::ProcessId;
use crate::store::Change;

/// So long is waited for the store. That it takes nothing may be what is to be told.
const STORE: Duration = Duration::from_secs(2);

impl Alerts {
    /// Keeps what has changed, and tells it. `lines` are the facts, if they are known already.
    pub(super) async fn tell(&self, step: Option<Step>, lines: Option<Vec<String>>) {
        let Some(step) = step else { return };
        let lines = match (step, lines) {
            (Step::Fires(_) | Step::Repeats(_), None) => self.facts(step.id()).await,
            (_, lines) => lines,
        };
        let Some((alert, mut changes)) = self.changed(step.id(), lines) else { return };
        let what = match step {
            Step::Fires(_) | Step::Repeats(_) => Some(What::Firing),
            Step::Resolves(_) => Some(What::Resolved),
            Step::Again(_) | Step::Fades(_) => None,
        };
        let told = what.map(|what| Notification::new(what, alert.clone(), clock::unix_ms()));
        let waiting = told.as_ref().map(|told| self.waiting(told)).unwrap_or_default();
        if let Some(told) = &told {
            changes.extend(waiting.iter().map(|(name, number)| kept::put_waiting(name, *number, told)));
        }
        changes.extend(self.forget());
        // Kept before it is told: a daemon that dies in between tells nothing twice.
        let kept = self.0.handle.keep(changes);
        if let Ok(Err(e)) = tokio::time::timeout(STORE, kept).await {
            tracing::warn!("an alert is told before it is kept: {e}");
        }
        if let Some(told) = told {
            for (name, number) in waiting {
                self.put(&name, number, told.clone()).await;
            }
            let (own, word) = match told.what {
                What::Firing | What::Test => (Own::AlertFiring, "fires"),
                What::Resolved => (Own::AlertResolved, "is over"),
            };
            let Alert { rule, summary, .. } = &alert;
            self.0.handle.tell(own, format!("the alert {rule} {word}: {summary}")).await;
        }
    }

    async fn facts(&self, id: u64) -> Option<Vec<String>> {
        let process = locked(&self.0.book).get(id)?.subject.process.as_ref().map(|whose| whose.id)?;
        Some(last_lines(&self.0.handle, ProcessId(process)).await)
    }

    fn changed(&self, id: u64, lines: Option<Vec<String>>) -> Option<(Alert, Vec<Change>)> {
        let mut book = locked(&self.0.book);
        if let Some(lines) = lines {
            book.put_lines(id, lines);
        }
        let alert = book.get(id)?.clone();
        let changes = kept::put_alert(&alert, book.next()).into();
        Some((alert, changes))
    }

    /// The channels that are told, and the number that it has with each.
    fn waiting(&self, told: &Notification) -> Vec<(String, u64)> {
        let channels = locked(&self.0.channels);
        let meant = told.alert.channels.iter().filter_map(|name| Some((name, channels.get(name)?)));
        meant.map(|(name, running)| (name.clone(), locked(&running.queue).next_number())).collect()
    }

    async fn put(&self, channel: &str, number: u64, told: Notification) {
        let lost = {
            let channels = locked(&self.0.channels);
            // Removed meanwhile.
            let Some(running) = channels.get(channel) else {
                self.0.handle.recorder().write(vec![kept::drop_waiting(channel, number)]);
                return;
            };
            let lost = locked(&running.queue).put(number, told);
            running.wake.notify_one();
            lost
        };
        task::lose(&self.0.handle, channel, &lost, "behind too many others").await;
    }

    fn forget(&self) -> Vec<Change> {
        let rules = locked(&self.0.rules);
        let cool_down = |name: &str| rules.get(name).map(|rule| rule.cool_down_ms);
        let forgotten = locked(&self.0.book).forget(clock::unix_ms(), cool_down);
        forgotten.into_iter().map(kept::drop_alert).collect()
    }
}
