//! One channel at work: what waits is told in order, each until the receiver has taken it.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::channel::Channel;
use super::deliver::{self, Refused};
use super::queue::{Queue, pause_after};
use super::{kept, locked};
use crate::daemon::clock;
use crate::daemon::handle::Handle;
use crate::daemon::own_events::Own;
use crate::daemon::reach::Loopback;

/// One channel.
pub struct Task {
    pub handle: Handle,
    pub loopback: Loopback,
    pub channel: Arc<Channel>,
    pub queue: Arc<Mutex<Queue>>,
    pub wake: Arc<Notify>,
}

impl Task {
    /// Works until the daemon is about to end, or it is aborted.
    pub async fn run(self) {
        let handle = self.handle.clone();
        tokio::select! {
            () = self.work() => {}
            () = handle.leaving() => {}
        }
    }

    async fn work(&self) {
        let mut failures = 0;
        loop {
            let Some((number, notification)) = locked(&self.queue).first() else {
                self.wake.notified().await;
                continue;
            };
            match deliver::deliver(&self.channel, &notification, self.loopback).await {
                Ok(()) => {
                    failures = 0;
                    locked(&self.queue).taken(number, clock::unix_ms());
                    let done = kept::drop_waiting(&self.channel.name, number);
                    self.handle.recorder().write(vec![done]);
                }
                Err(Refused { why, retry_after }) => {
                    if failures == 0 {
                        tracing::warn!("the alert channel {} waits: {why}", self.channel.name);
                    }
                    let lost = locked(&self.queue).refused(why, clock::unix_ms());
                    lose(&self.handle, &self.channel.name, &lost, "was refused for an hour").await;
                    let chance = getrandom::u32().unwrap_or(u32::MAX / 2);
                    tokio::time::sleep(pause_after(failures, retry_after, chance)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }
}

/// Forgets what was given up, and tells that it was.
pub async fn lose(handle: &Handle, channel: &str, lost: &[u64], why: &str) {
    if lost.is_empty() {
        return;
    }
    handle.recorder().write(lost.iter().map(|number| kept::drop_waiting(channel, *number)).collect());
    let (count, what) = (lost.len(), if lost.len() == 1 { "notification" } else { "notifications" });
    let told = format!("{count} {what} of the alert channel {channel} got lost: what waited {why}");
    handle.tell(Own::AlertLost, told).await;
}
