//! Checks the health of runs: one task for each run that is watched, each at its own pace. Verdicts
//! come back into the loop as facts; what they mean is the brain's business.
//!
//! A task does one check after the other, so that two of one run never overlap. It ends with
//! `end`, in the middle of a check if need be; a verdict that is on its way then is of a run that
//! nobody watches, and changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{clock, preparing};
use crate::model::{AppSpec, Fact, HealthPolicy, Moment, RunId, Verdict};
use crate::probe::Probe;

/// From one check to the next while the run has never been healthy.
pub const IMPATIENT: Duration = Duration::from_millis(250);

/// The runs that are watched.
pub struct Watching {
    tasks: HashMap<RunId, AbortHandle>,
    verdicts: mpsc::Sender<Fact>,
}

impl Watching {
    /// Nothing is watched; verdicts will come out of the other end.
    pub fn new() -> (Watching, mpsc::Receiver<Fact>) {
        let (verdicts, out) = mpsc::channel(256);
        (Watching { tasks: HashMap::new(), verdicts }, out)
    }

    /// Where facts of others come out with the verdicts.
    pub fn facts(&self) -> mpsc::Sender<Fact> {
        self.verdicts.clone()
    }

    /// Begins to check a run of that app. `env` makes its environment out of what is in its env
    /// files. `ready`: it has been healthy before. In `durations` is counted how long checks take.
    pub fn begin(
        &mut self,
        run: RunId,
        spec: &Arc<AppSpec>,
        env: impl FnOnce(&AppSpec, BTreeMap<String, String>) -> BTreeMap<String, String> + Send + 'static,
        since: Moment,
        ready: bool,
        durations: Histogram,
    ) {
        let Some(policy) = spec.health.clone() else { return };
        let (spec, verdicts) = (spec.clone(), self.verdicts.clone());
        let task = tokio::spawn(async move {
            // It runs already: a file that went missing since must not make it unhealthy.
            let from_files = preparing::read(spec.env_sources.files.clone()).await.unwrap_or_else(|why| {
                tracing::warn!("{} is checked without the variables of its files: {why}", spec.name);
                BTreeMap::new()
            });
            let env = env(&spec, from_files);
            let probe = Probe::of(&policy.check, &spec, env);
            Watch { run, policy, probe, since, ready, durations, verdicts }.go_on().await;
        })
        .abort_handle();
        if let Some(other) = self.tasks.insert(run, task) {
            other.abort();
        }
    }

    /// Checks that run no longer.
    pub fn end(&mut self, run: RunId) {
        if let Some(task) = self.tasks.remove(&run) {
            task.abort();
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

/// One run under observation.
struct Watch {
    run: RunId,
    policy: HealthPolicy,
    /// Or why there cannot be one.
    probe: Result<Probe, String>,
    since: Moment,
    ready: bool,
    durations: Histogram,
    verdicts: mpsc::Sender<Fact>,
}

impl Watch {
    async fn go_on(mut self) {
        loop {
            let verdict = match &self.probe {
                Ok(probe) => {
                    let begun = clock::now();
                    let verdict = probe.ask(self.patience(begun)).await;
                    self.durations.observe(clock::now().since(begun).as_secs_f64());
                    verdict
                }
                Err(reason) => Verdict::Failed { reason: reason.clone(), answered: false },
            };
            self.ready |= verdict == Verdict::Passed;
            if self.verdicts.send(Fact::Checked { run: self.run, verdict }).await.is_err() {
                return;
            }
            tokio::time::sleep(self.pause(clock::now())).await;
        }
    }

    /// For a check that begins then: one that hangs does not hold up the end of a failed start.
    fn patience(&self, now: Moment) -> Duration {
        let age = now.since(self.since);
        match self.policy.ready_within.filter(|_| !self.ready) {
            Some(limit) => self.policy.timeout.min(limit.saturating_sub(age).max(IMPATIENT)),
            None => self.policy.timeout,
        }
    }

    /// Until the next check.
    fn pause(&self, now: Moment) -> Duration {
        let age = now.since(self.since);
        let impatient = IMPATIENT.min(self.policy.interval);
        let limits = [Some(self.policy.start_limit()), self.policy.ready_within];
        // The first check that counts is not to come long after the limit.
        match limits.into_iter().flatten().filter(|limit| !self.ready && age < *limit).min() {
            Some(limit) => impatient.min(limit - age),
            None => self.policy.interval,
        }
    }
}
