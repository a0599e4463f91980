//! Of `/metrics` ([`super::prometheus`]): what the runs of processes used, how they ended, and why others
//! took their place.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Api;
use super::prometheus::{One, family, one};
use crate::daemon::counting::Why;
use crate::keeper::protocol::LogStream;
use crate::model::{End, Pid, ProcessId, Signal};
use crate::sample::{self, CpuTime};
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Restarted {
    app: String,
    namespace: String,
    instance: i64,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InMode {
    app: String,
    namespace: String,
    instance: i64,
    mode: &'static str,
}

/// One of both is empty; both, when nobody could see how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    app: String,
    namespace: String,
    instance: i64,
    code: String,
    signal: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStream {
    app: String,
    namespace: String,
    instance: i64,
    stream: &'static str,
}

/// Shows all of it.
pub async fn register(registry: &mut Registry, api: &Api, all: &[wire::Process]) {
    let processes: Vec<(ProcessId, &wire::Process)> = all
        .iter()
        .filter_map(|process| Some((ProcessId(u32::try_from(process.id).ok()?), process)))
        .collect();
    counted(registry, api, &processes);
    checks(registry, api, &processes);
    taken(registry, api, &processes);
    lost(registry, api, &processes);
    let measured = api.handle.measured().await;
    let words = "CPU time of its present run, the whole tree, in programs (user) and in the kernel (system)";
    let cpu = family::<InMode, Counter<f64, AtomicU64>>(registry, "pmdaemon_process_cpu_seconds", words);
    for (id, process) in &processes {
        if let Some((_, usage)) = measured.as_ref().and_then(|measured| measured.processes.get(id)) {
            let CpuTime { user, system } = usage.cpu_time;
            for (mode, time) in [("user", user), ("system", system)] {
                let One { app, namespace, instance } = one(process);
                let labels = InMode { app, namespace, instance, mode };
                cpu.get_or_create(&labels).inc_by(time.as_secs_f64());
            }
        }
    }
    let limits = max_files(all).await;
    let most = family::<One, Gauge>(registry, "pmdaemon_process_max_fds", "Descriptors that it may have");
    for (_, process) in &processes {
        if let Some(limit) = process.pid.and_then(|pid| limits.get(&pid)) {
            most.get_or_create(&one(process)).set(*limit);
        }
    }
}

/// By pid.
async fn max_files(all: &[wire::Process]) -> BTreeMap<i64, i64> {
    let pids: Vec<i64> = all.iter().filter_map(|process| process.pid).collect();
    let limit = |pid: i64| i64::try_from(sample::max_files(Pid(i32::try_from(pid).ok()?))?).ok();
    let look = move || pids.into_iter().filter_map(|pid| Some((pid, limit(pid)?))).collect();
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

fn counted(registry: &mut Registry, api: &Api, processes: &[(ProcessId, &wire::Process)]) {
    let words = "Runs that took the place of one that ended for that reason, since the daemon began";
    let restarts = family::<Restarted, Counter>(registry, "pmdaemon_process_restarts", words);
    let words = "Runs that ended so, since the daemon began";
    let exits = family::<Ended, Counter>(registry, "pmdaemon_process_exits", words);
    let words = "Runs whose main process the kernel ended for lack of memory, since the daemon began. Known where \
                 the kernel's log can be read, or our control group has a memory controller";
    let killed = family::<One, Counter>(registry, "pmdaemon_process_oom_kills", words);
    for (id, process) in processes {
        let counted = api.handle.counts().of(*id);
        let of_memory = counted.ends.iter().filter(|(end, _)| *end == End::OutOfMemory);
        killed.get_or_create(&one(process)).inc_by(of_memory.map(|(_, count)| count).sum());
        let One { app, namespace, instance } = one(process);
        for why in Why::ALL {
            let (app, namespace) = (app.clone(), namespace.clone());
            let labels = Restarted { app, namespace, instance, reason: why.as_str() };
            let count = counted.restarts.get(&why).copied().unwrap_or_default();
            restarts.get_or_create(&labels).inc_by(count);
        }
        for (end, count) in counted.ends {
            let (code, signal) = match end {
                End::Code(code) => (code.to_string(), String::new()),
                End::Signal(signal) => (String::new(), signal.to_string()),
                End::OutOfMemory => (String::new(), Signal::KILL.to_string()),
                End::Unknown => (String::new(), String::new()),
            };
            let (app, namespace) = (app.clone(), namespace.clone());
            exits.get_or_create(&Ended { app, namespace, instance, code, signal }).inc_by(count);
        }
    }
}

fn checks(registry: &mut Registry, api: &Api, processes: &[(ProcessId, &wire::Process)]) {
    let mut all = api.handle.counts().checks();
    let theirs = processes.iter().filter_map(|(id, process)| Some((one(process), all.remove(id)?)));
    registry.register_collector(Box::new(Checks(theirs.collect())));
}

/// How long the health checks of each process took.
#[derive(Debug)]
struct Checks(Vec<(One, Histogram)>);

impl Collector for Checks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let Some((_, first)) = self.0.first() else { return Ok(()) };
        let (name, words) = ("pmdaemon_health_check_duration_seconds", "How long health checks took");
        let mut family = encoder.encode_descriptor(name, words, None, first.metric_type())?;
        self.0.iter().try_for_each(|(process, durations)| durations.encode(family.encode_family(process)?))
    }
}

fn taken(registry: &mut Registry, api: &Api, processes: &[(ProcessId, &wire::Process)]) {
    let words = "Output that its logs took, of the runs that this daemon has begun or found; told every 15 s and \
                 at the end of a run";
    let taken = family::<OfStream, Counter>(registry, "pmdaemon_log_bytes", words);
    for (id, process) in processes {
        for (stream, bytes) in ["out", "err"].into_iter().zip(api.handle.log_health().taken(*id)) {
            let One { app, namespace, instance } = one(process);
            taken.get_or_create(&OfStream { app, namespace, instance, stream }).inc_by(bytes);
        }
    }
}

fn lost(registry: &mut Registry, api: &Api, processes: &[(ProcessId, &wire::Process)]) {
    let words = "Output of its present run that a log did not take";
    let lost = family::<OfStream, Counter>(registry, "pmdaemon_log_lost_bytes", words);
    for (id, process) in processes {
        let One { app, namespace, instance } = one(process);
        let of = |stream| OfStream { app: app.clone(), namespace: namespace.clone(), instance, stream };
        let (out, err) = (lost.get_or_create_owned(&of("out")), lost.get_or_create_owned(&of("err")));
        for report in api.handle.log_health().of(*id) {
            match report.stream {
                LogStream::Out => drop(out.inc_by(report.dropped_bytes)),
                LogStream::Err => drop(err.inc_by(report.dropped_bytes)),
                // What is not in the copy is still in the log.
                LogStream::OutCopy | LogStream::ErrCopy => {}
            }
        }
    }
}
