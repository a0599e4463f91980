//! When copies of the store are made: soon after something was written, and the less often the
//! larger it is, so that copying stays a small part of what the disk does (about a megabyte a
//! minute at most). A copy takes the place of the one before while that is younger than an hour,
//! so that the generations reach back some hours.

use std::time::{Duration, Instant};

use crate::store::{Backups, Generation, Recorder};

/// How often it is looked whether something was written.
const LOOK: Duration = Duration::from_secs(5);
/// Between two copies of a small store.
const SHORTEST: Duration = Duration::from_secs(60);
/// Between two copies of any store, as long as something is written; and how long the younger
/// copies replace each other.
const LONGEST: Duration = Duration::from_secs(3600);

/// Makes copies for ever. Only the copying itself is in the way of who writes; that it is good, and
/// on disk, is seen to beside it.
pub async fn for_ever(recorder: Recorder, backups: Backups) {
    // Of a first start there should be a copy soon.
    let mut pause = if backups.list().is_empty() { Duration::ZERO } else { SHORTEST };
    let mut latest = Instant::now();
    let mut copied = None;
    let mut series: Option<(Instant, Generation)> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let written = recorder.written();
        if copied == Some(written) || latest.elapsed() < pause {
            continue;
        }
        latest = Instant::now();
        let (dir, keeping) = (backups.clone(), backups.clone());
        let Ok(draft) = recorder.read(move |store| dir.draft(store)).await else { return };
        let made = tokio::task::spawn_blocking(move || keeping.keep(draft?)).await;
        pause = match made {
            Ok(Ok(made)) => {
                copied = Some(written);
                let pause = pause_after(std::fs::metadata(&made.path).map_or(0, |meta| meta.len()));
                series = Some(replace(series, made));
                pause
            }
            Ok(Err(error)) => {
                tracing::warn!("the store could not be backed up: {error}");
                SHORTEST
            }
            Err(error) => {
                tracing::error!("backing up the store failed: {error}");
                SHORTEST
            }
        };
    }
}

/// A minute for each megabyte.
fn pause_after(bytes: u64) -> Duration {
    let megabytes = bytes as f64 / (1024.0 * 1024.0);
    SHORTEST.mul_f64(megabytes.max(1.0)).min(LONGEST)
}

/// Removes the copy before, if its series is younger than an hour. Answers the series to go on.
fn replace(series: Option<(Instant, Generation)>, made: Generation) -> (Instant, Generation) {
    match series {
        Some((begun, before)) if begun.elapsed() < LONGEST => {
            if let Err(error) = std::fs::remove_file(&before.path) {
                tracing::warn!("cannot remove the copy {}: {error}", before.path.display());
            }
            (begun, made)
        }
        Some(_) | None => (Instant::now(), made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_stores_are_copied_every_minute_and_large_ones_every_hour() {
        assert_eq!(pause_after(100_000), Duration::from_secs(60));
        assert_eq!(pause_after(20 << 20), Duration::from_secs(1200));
        assert_eq!(pause_after(1 << 40), Duration::from_secs(3600));
    }
}
