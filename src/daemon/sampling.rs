//! When is measured, and by whom: one thread, every second while somebody looks, rarely otherwise.
//!
//! Sampling for nobody costs CPU for nothing (dozzle#2774), so readers either *look* for a while
//! (a dashboard, a WebSocket) or ask for a figure that is *fresh* (a list).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::clock;
use super::view::Snapshot;
use crate::model::{Moment, ProcessId, RunId, State};
use crate::sample::{HostSampler, HostUsage, Root, Sampler, Usage};

/// While somebody looks.
pub const LOOKING: Duration = Duration::from_secs(1);
/// While nobody does.
const IDLE: Duration = Duration::from_secs(15);

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
}

/// The figures, and the way to ask for new ones.
#[derive(Default)]
pub struct Usages {
    latest: Mutex<Option<Arc<Measured>>>,
    lookers: AtomicUsize,
    requests: Mutex<Option<Sender<Request>>>,
}

/// Somebody looks while this lives.
pub struct Looking(Arc<Usages>);

enum Request {
    /// Measure now and answer.
    Now(oneshot::Sender<Arc<Measured>>),
    /// Somebody began to look.
    Wake,
}

impl Usages {
    /// Starts the thread. It ends when the daemon's picture does.
    ///
    /// # Errors
    /// A sentence, when /proc cannot be read or no thread can be made.
    pub fn start(self: &Arc<Self>, snapshot: watch::Receiver<Arc<Snapshot>>) -> Result<(), String> {
        let (requests, inbox) = channel();
        *self.requests.lock().expect("no holder panics") = Some(requests);
        let host = Host::new()?;
        let usages = Arc::clone(self);
        let body = move || usages.measure_for_ever(&inbox, &snapshot, host);
        std::thread::Builder::new()
            .name("sampling".into())
            .spawn(body)
            .map(drop)
            .map_err(|e| format!("cannot start the sampling thread: {e}"))
    }

    /// The latest figures, at most `max_age` old and of the processes that run by `seq`. Absent
    /// while the daemon ends.
    pub async fn fresh(&self, max_age: Duration, seq: u64) -> Option<Arc<Measured>> {
        if let Some(latest) = self.latest()
            && clock::now().since(latest.at) <= max_age
            && latest.seq >= seq
        {
            return Some(latest);
        }
        let (reply, answer) = oneshot::channel();
        self.request(Request::Now(reply));
        answer.await.ok()
    }

    /// The latest figures, however old.
    pub fn latest(&self) -> Option<Arc<Measured>> {
        self.latest.lock().expect("no holder panics").clone()
    }

    /// Measures every second from now on, until the answer is dropped.
    pub fn look(self: &Arc<Self>) -> Looking {
        self.lookers.fetch_add(1, Ordering::Relaxed);
        self.request(Request::Wake);
        Looking(Arc::clone(self))
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
    ) {
        let mut sampler = Sampler::new();
        loop {
            let measured = Arc::new(measure(&mut sampler, &mut host, &snapshot.borrow().clone()));
            *self.latest.lock().expect("no holder panics") = Some(Arc::clone(&measured));
            let mut interval = self.interval();
            loop {
                match inbox.recv_timeout(interval) {
                    Ok(Request::Now(reply)) => {
                        let measured = Arc::new(measure(&mut sampler, &mut host, &snapshot.borrow().clone()));
                        *self.latest.lock().expect("no holder panics") = Some(Arc::clone(&measured));
                        let _ = reply.send(measured);
                    }
                    Ok(Request::Wake) => interval = self.interval(),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            if snapshot.has_changed().is_err() {
                return;
            }
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

fn measure(sampler: &mut Sampler, host: &mut Host, snapshot: &Snapshot) -> Measured {
    let running: Vec<(ProcessId, Root)> = snapshot
        .processes
        .values()
        .filter_map(|process| match process.state {
            State::Running { run, pid, .. } | State::Stopping { run, pid: Some(pid), .. } => {
                Some((process.id, Root { run, pid }))
            }
            State::Idle(_)
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
    Measured { at, seq: snapshot.seq, processes, host: host.sample() }
}
