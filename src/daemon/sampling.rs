//! When is measured, and by whom: one thread, every second while somebody looks, rarely otherwise;
//! and what has a memory limit every second, whether somebody looks or not.
//!
//! What is measured is remembered, whoever looks ([`crate::sample::history`]).
//!
//! Sampling for nobody costs CPU for nothing (dozzle#2774), so readers either *look* for a while
//! (a dashboard, a WebSocket) or ask for a figure that is *fresh* (a list).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::clock;
use super::custom::{Custom, Told};
use super::presence;
use super::view::Snapshot;
use crate::model::{Moment, Pid, ProcessId, RunId, State};
use crate::sample::history::{History, Series};
use crate::sample::{HostSampler, HostUsage, Kills, Root, Sampler, Usage};

/// While somebody looks.
pub const LOOKING: Duration = Duration::from_secs(1);
/// While nobody does.
const IDLE: Duration = Duration::from_secs(15);
/// What has a memory limit.
const LIMITS: Duration = Duration::from_secs(1);

/// What runs with a memory limit used, in bytes.
type Used = Vec<(RunId, u64)>;

/// The brain's end of the channel on which it hears that.
pub(super) type Samples = mpsc::UnboundedReceiver<Used>;

/// What was measured in one pass.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When.
    pub at: Moment,
    /// The [`Snapshot::seq`] that it was measured by.
    pub seq: u64,
    /// Of every process that was running, its whole tree.
    pub processes: BTreeMap<ProcessId, (RunId, Usage)>,
    /// Of the machine.
    pub host: HostUsage,
    /// What programs tell of themselves.
    pub custom: BTreeMap<RunId, Arc<Told>>,
}

/// The figures, and the way to ask for new ones.
#[derive(Default)]
pub struct Usages {
    latest: Mutex<Option<Arc<Measured>>>,
    lookers: AtomicUsize,
    requests: Mutex<Option<Sender<Request>>>,
    samples: Mutex<Option<mpsc::UnboundedSender<Used>>>,
    history: Mutex<History>,
    custom: Custom,
    kills: Mutex<Kills>,
}

/// Somebody looks while this lives.
pub struct Looking(Arc<Usages>);

enum Request {
    /// Answer with figures at most so old, of the processes that run by that `seq`.
    Fresh(Duration, u64, oneshot::Sender<Arc<Measured>>),
    /// Somebody began to look, or something has a memory limit now.
    Wake,
}

impl Usages {
    /// Starts the thread. It ends when the daemon's picture does. While it lives it gives `sign` of that.
    ///
    /// # Errors
    /// A sentence, when /proc cannot be read or no thread can be made.
    pub fn start(
        self: &Arc<Self>,
        snapshot: watch::Receiver<Arc<Snapshot>>,
        history: &Path,
        sign: File,
    ) -> Result<(), String> {
        *self.history() = History::open(history);
        let (requests, inbox) = channel();
        *self.requests.lock().expect("no holder panics") = Some(requests);
        let host = Host::new()?;
        let usages = Arc::clone(self);
        let body = move || usages.measure_for_ever(&inbox, &snapshot, host, &sign);
        std::thread::Builder::new()
            .name("sampling".into())
            .spawn(body)
            .map(drop)
            .map_err(|e| format!("cannot start the sampling thread: {e}"))
    }

    /// The latest figures, at most `max_age` old and of the processes that run by `seq`. Absent
    /// while the daemon ends.
    pub async fn fresh(&self, max_age: Duration, seq: u64) -> Option<Arc<Measured>> {
        if let Some(latest) = self.latest_if_fresh(max_age, seq) {
            return Some(latest);
        }
        let (reply, answer) = oneshot::channel();
        self.request(Request::Fresh(max_age, seq, reply));
        answer.await.ok()
    }

    fn latest_if_fresh(&self, max_age: Duration, seq: u64) -> Option<Arc<Measured>> {
        self.latest().filter(|latest| clock::now().since(latest.at) <= max_age && latest.seq >= seq)
    }

    /// The latest figures, however old.
    pub fn latest(&self) -> Option<Arc<Measured>> {
        self.latest.lock().expect("no holder panics").clone()
    }

    /// What was measured before.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no holder panics")
    }

    /// Whether the kernel has ended that process for lack of memory, which SIGKILL has ended just now.
    pub(super) fn was_out_of_memory(&self, pid: Pid) -> bool {
        self.kills.lock().expect("no holder panics").ended(pid, clock::now())
    }

    /// What programs tell of themselves.
    pub fn custom(&self) -> &Custom {
        &self.custom
    }

    /// Measures every second from now on, until the answer is dropped.
    pub fn look(self: &Arc<Self>) -> Looking {
        self.lookers.fetch_add(1, Ordering::Relaxed);
        self.request(Request::Wake);
        Looking(Arc::clone(self))
    }

    /// Where the brain hears of what has a memory limit.
    pub(super) fn samples(&self) -> Samples {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.samples.lock().expect("no holder panics") = Some(sender);
        receiver
    }

    /// Something has a memory limit now.
    pub(super) fn wake(&self) {
        self.request(Request::Wake);
    }

    fn request(&self, request: Request) {
        if let Some(requests) = self.requests.lock().expect("no holder panics").as_ref() {
            let _ = requests.send(request);
        }
    }

    fn measure_for_ever(
        &self,
        inbox: &Receiver<Request>,
        snapshot: &watch::Receiver<Arc<Snapshot>>,
        mut host: Host,
        sign: &File,
    ) {
        let mut sampler = Sampler::new();
        // Apart, so that what is only looked at for its limit does not forget how much CPU it used.
        let mut guard = Sampler::new();
        loop {
            self.measure(&mut sampler, &mut host, snapshot);
            presence::give_sign(sign);
            let mut began = clock::now();
            if snapshot.borrow().limited == 0 {
                // Lets go of what it had open of runs that are over.
                guard.sample(&[], began);
            }
            let mut guarded = began;
            loop {
                let now = clock::now();
                let limited = snapshot.borrow().limited > 0;
                let everything = (began + self.interval()).since(now);
                let limits = if limited { (guarded + LIMITS).since(now) } else { everything };
                match inbox.recv_timeout(everything.min(limits)) {
                    Ok(Request::Fresh(max_age, seq, reply)) => {
                        // Many may have asked at the same time: one pass answers them all.
                        let latest = self.latest_if_fresh(max_age, seq).unwrap_or_else(|| {
                            let measured = self.measure(&mut sampler, &mut host, snapshot);
                            began = clock::now();
                            guarded = began;
                            measured
                        });
                        let _ = reply.send(latest);
                    }
                    // A looker has a whole interval from here on.
                    Ok(Request::Wake) => began = clock::now(),
                    Err(RecvTimeoutError::Timeout) if limits < everything => {
                        let picture = snapshot.borrow().clone();
                        let (roots, now) = (limited_roots(&picture), clock::now());
                        let used = guard.sample(&roots, now);
                        self.tell(used.iter().map(|(run, usage)| (*run, usage.memory_bytes)).collect());
                        guarded = now;
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            if snapshot.has_changed().is_err() {
                return;
            }
        }
    }

    /// One pass over everything.
    fn measure(
        &self,
        sampler: &mut Sampler,
        host: &mut Host,
        snapshot: &watch::Receiver<Arc<Snapshot>>,
    ) -> Arc<Measured> {
        let picture = snapshot.borrow().clone();
        let measured = Arc::new(measure(sampler, host, &picture, self.custom.picture()));
        *self.latest.lock().expect("no holder panics") = Some(Arc::clone(&measured));
        let processes = measured
            .processes
            .iter()
            .map(|(id, (_, usage))| (Series::Process(*id), usage.cpu_percent, usage.memory_bytes));
        let host = (Series::Host, measured.host.cpu_percent, measured.host.memory_used_bytes);
        self.history().add(clock::unix_ms(), processes.chain([host]));
        self.kills.lock().expect("no holder panics").look(measured.at);
        if picture.limited > 0 {
            let limited = |id: &ProcessId| picture.processes.get(id).is_some_and(|view| view.is_limited());
            let samples = measured.processes.iter().filter(|(id, _)| limited(id));
            self.tell(samples.map(|(_, (run, usage))| (*run, usage.memory_bytes)).collect());
        }
        measured
    }

    /// Tells the brain.
    fn tell(&self, samples: Used) {
        if let Some(sender) = self.samples.lock().expect("no holder panics").as_ref()
            && !samples.is_empty()
        {
            let _ = sender.send(samples);
        }
    }

    fn interval(&self) -> Duration {
        match self.lookers.load(Ordering::Relaxed) {
            0 => IDLE,
            _ => LOOKING,
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.lookers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The machine's figures; the last known ones where it does not show them for a moment.
struct Host {
    sampler: HostSampler,
    last: HostUsage,
}

impl Host {
    fn new() -> Result<Host, String> {
        let failed = |e| format!("cannot measure this host: {e}");
        let mut sampler = HostSampler::new().map_err(failed)?;
        let last = sampler.sample().map_err(failed)?;
        Ok(Host { sampler, last })
    }

    fn sample(&mut self) -> HostUsage {
        match self.sampler.sample() {
            Ok(usage) => self.last = usage,
            Err(e) => tracing::debug!("{e}"),
        }
        self.last.clone()
    }
}

fn limited_roots(snapshot: &Snapshot) -> Vec<Root> {
    let limited = snapshot.processes.values().filter(|process| process.is_limited());
    let root = |process: &Arc<super::view::ProcessView>| {
        let run = process.state.run()?;
        Some(Root { run, pid: process.state.pid()? })
    };
    limited.filter_map(root).collect()
}

fn measure(
    sampler: &mut Sampler,
    host: &mut Host,
    snapshot: &Snapshot,
    custom: BTreeMap<RunId, Arc<Told>>,
) -> Measured {
    let running: Vec<(ProcessId, Root)> = snapshot
        .processes
        .values()
        .filter_map(|process| match process.state {
            State::Running { run, pid, .. } | State::Stopping { run, pid: Some(pid), .. } => {
                Some((process.id, Root { run, pid }))
            }
            State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Stopping { pid: None, .. } => None,
        })
        .collect();
    let roots: Vec<Root> = running.iter().map(|(_, root)| *root).collect();
    let at = clock::now();
    let mut by_run = sampler.sample(&roots, at);
    let processes =
        running.iter().filter_map(|(id, root)| Some((*id, (root.run, by_run.remove(&root.run)?)))).collect();
    Measured { at, seq: snapshot.seq, processes, host: host.sample(), custom }
}
