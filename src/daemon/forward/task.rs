//! One forward at work: read a batch, send it until the receiver has taken it, remember how far.
//!
//! ```text
//!   Logs::next ──► deliver ──► taken: the cursor moves, and is kept
//!                     ▲  │
//!                     └──┘ refused: again after a pause that grows, with jitter
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::definition::Definition;
use super::deliver::Way;
use super::progress::Progress;
use super::source::{Batch, Gap, Logs};
use super::{Choose, progress_key};
use crate::daemon::clock;
use crate::daemon::handle::Handle;
use crate::daemon::own_events::Own;
use crate::store::Change;

/// How often it is looked for more.
const LOOK: Duration = Duration::from_millis(200);
/// Progress is kept no more often than this while there is more to send.
const KEEP: Duration = Duration::from_secs(1);
/// The first pause after a refusal, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];
/// While there is much to send it is noted this often how much.
const MEASURE: Duration = Duration::from_secs(5);

/// One forward.
pub struct Task {
    pub handle: Handle,
    pub choose: Choose,
    pub definition: Arc<Definition>,
    pub progress: Arc<Mutex<Progress>>,
    pub stop: watch::Receiver<bool>,
}

impl Task {
    /// Works until it is stopped or the daemon is about to end.
    pub async fn run(mut self) {
        let mut failures = 0;
        loop {
            match self.work().await {
                Ok(()) => break,
                Err(why) => {
                    self.failed(why);
                    if self.pause(failures).await {
                        break;
                    }
                    failures += 1;
                }
            }
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, why: String) {
        let mut progress = self.progress();
        let since = progress.error.as_ref().map_or_else(clock::unix_ms, |(_, since)| *since);
        if progress.error.is_none() {
            tracing::warn!("the forward {} waits: {why}", self.definition.name);
        }
        progress.error = Some((why, since));
    }

    /// Waits before the next attempt; true: it is to end.
    async fn pause(&mut self, failures: u32) -> bool {
        self.wait(pause_after(failures, getrandom::u32().unwrap_or(0))).await
    }

    /// Waits; true: it is to end.
    async fn wait(&mut self, pause: Duration) -> bool {
        let handle = self.handle.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => false,
            _ = self.stop.wait_for(|stop| *stop) => true,
            () = handle.leaving() => true,
        }
    }

    /// Ends with `Ok` when it is to end.
    async fn work(&mut self) -> Result<(), String> {
        let way = Way::of(self.definition.clone())?;
        let mut snapshot = self.handle.snapshot();
        let views = (self.choose)(&snapshot, &self.definition.apps);
        let (definition, cursor) = (self.definition.clone(), self.progress().cursor.clone());
        let mut logs = blocking(move || Logs::open(&definition, &views, &cursor)).await?;
        let (mut kept, mut measured) = (Instant::now(), Instant::now());
        let mut unkept = false;
        loop {
            let now = self.handle.snapshot();
            if now.seq != snapshot.seq {
                snapshot = now;
                let views = (self.choose)(&snapshot, &self.definition.apps);
                let definition = self.definition.clone();
                logs = blocking(move || {
                    logs.follow(&definition, &views)?;
                    Ok(logs)
                })
                .await?;
            }
            let measure = measured.elapsed() > MEASURE;
            let (back, batch) = blocking(move || {
                let batch = logs.next()?;
                if batch.full && measure {
                    logs.measure();
                }
                Ok((logs, batch))
            })
            .await?;
            logs = back;
            if batch.full && measure {
                measured = Instant::now();
            }
            for gap in &batch.gaps {
                self.tell(gap).await;
            }
            if !batch.records.is_empty() {
                let mut failures = 0;
                while let Err(why) = self.send(&way, &batch).await {
                    let Some(why) = why else {
                        self.keep();
                        return Ok(());
                    };
                    self.failed(why);
                    logs = blocking(move || {
                        logs.measure();
                        Ok(logs)
                    })
                    .await?;
                    if self.pause(failures).await {
                        self.keep();
                        return Ok(());
                    }
                    failures += 1;
                }
            }
            unkept |= self.taken(&batch);
            if unkept && (!batch.full || kept.elapsed() > KEEP) && kept.elapsed() > LOOK {
                self.keep();
                (kept, unkept) = (Instant::now(), false);
            }
            if !batch.full && self.wait(LOOK).await {
                self.keep();
                return Ok(());
            }
        }
    }

    /// `Err(None)`: it is to end.
    async fn send(&mut self, way: &Way, batch: &Batch) -> Result<(), Option<String>> {
        let handle = self.handle.clone();
        tokio::select! {
            sent = way.deliver(&batch.records) => sent.map_err(Some),
            _ = self.stop.wait_for(|stop| *stop) => Err(None),
            () = handle.leaving() => Err(None),
        }
    }

    /// The receiver has it. False: nothing moved.
    fn taken(&self, batch: &Batch) -> bool {
        let mut progress = self.progress();
        let moved = progress.cursor != batch.cursor;
        progress.cursor = batch.cursor.clone();
        if !batch.records.is_empty() {
            progress.sent_lines += batch.records.iter().filter(|record| !record.partial).count() as u64;
            let bytes = |record: &super::Record| record.text.len() as u64 + u64::from(!record.partial);
            progress.sent_bytes += batch.records.iter().map(bytes).sum::<u64>();
            progress.last_sent_ms = Some(clock::unix_ms());
            if progress.error.take().is_some() {
                tracing::info!("the forward {} goes on", self.definition.name);
            }
        } else if progress.error.is_some() && moved {
            progress.error = None;
        }
        moved
    }

    fn keep(&self) {
        let value = self.progress().to_text();
        let name = progress_key(&self.definition.name);
        self.handle.recorder().write(vec![Change::PutSetting { name, value }]);
    }

    async fn tell(&self, gap: &Gap) {
        self.progress().lost_bytes += gap.bytes;
        let told = format!(
            "{}{} bytes of the log of {} were rotated away before they were sent by the forward {}",
            if gap.and_more { "at least " } else { "" },
            gap.bytes,
            gap.name,
            self.definition.name
        );
        self.handle.tell(Own::ForwardGap, told).await;
    }
}

/// Twice as long each time, a quarter more or less by chance.
fn pause_after(failures: u32, chance: u32) -> Duration {
    let [first, longest] = PAUSES;
    let pause = first.saturating_mul(1 << failures.min(10)).min(longest);
    pause.mul_f64(0.75 + f64::from(chance) / f64::from(u32::MAX) / 2.0)
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(f).await {
        Ok(done) => done.map_err(|e| format!("a log cannot be read: {e}")),
        Err(e) => Err(format!("reading logs failed: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ_by_chance() {
        let ms = |failures, chance| pause_after(failures, chance).as_millis();
        assert_eq!((ms(0, 0), ms(0, u32::MAX)), (375, 625));
        assert_eq!((ms(1, 0), ms(3, 0)), (750, 3000));
        assert_eq!((ms(99, 0), ms(99, u32::MAX)), (22_500, 37_500));
    }
}
