//! `GET /metrics`, for Prometheus.
//!
//! Made anew for each answer from the picture of now, so what is stopped is there as well and what
//! was deleted is not, and everybody sees the apps of their own namespaces. The names are a promise
//! (web.md section 6); a pid is never a label.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use super::access::{Auth, View};
use super::{ApiError, Shared, processes, prometheus_daemon, prometheus_runs};
use crate::daemon::clock;
use crate::wire;

/// What the text is.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The words for a state and for health.
const STATES: [&str; 6] = ["starting", "online", "stopping", "stopped", "errored", "restarting"];
const HEALTH: [&str; 3] = ["unknown", "healthy", "unhealthy"];

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct One {
    pub app: String,
    pub namespace: String,
    pub instance: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    app: String,
    namespace: String,
    instance: i64,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Custom {
    app: String,
    namespace: String,
    instance: i64,
    metric: String,
    unit: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InHealth {
    app: String,
    namespace: String,
    instance: i64,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Instances {
    app: String,
    namespace: String,
    kind: &'static str,
}

/// A number that may have a fraction.
pub(super) type Seconds = Gauge<f64, AtomicU64>;

/// Metrics for Prometheus
///
/// OpenMetrics text, of the apps that the asker sees.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "metrics",
    responses((status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text")))]
pub async fn metrics(auth: Auth<View>, State(api): State<Shared>) -> Result<Response, ApiError> {
    let all = processes::list::all(&api, &auth.principal).await;
    let mut registry = Registry::default();
    let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("pmdaemon_build", "The program", version);
    let begun = Seconds::default();
    begun.set(clock::unix_ms() as f64 / 1000.0 - clock::now().since(api.started).as_secs_f64());
    registry.register("pmdaemon_start_time_seconds", "When the daemon began, since 1970", begun);
    instances(&mut registry, &all);
    of_processes(&mut registry, &all);
    prometheus_runs::register(&mut registry, &api, &all).await;
    custom(&mut registry, &all);
    prometheus_daemon::register(&mut registry, &api, &auth.principal.namespaces).await?;
    api.tally.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| ApiError::internal(&e))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}

fn instances(registry: &mut Registry, all: &[wire::Process]) {
    let mut counts: BTreeMap<(&str, &str), [i64; 3]> = BTreeMap::new();
    for process in all {
        let [desired, running, ready] = counts.entry((&process.app, &process.namespace)).or_default();
        *desired += i64::from(!matches!(process.status.as_str(), "stopped" | "stopping"));
        *running += i64::from(process.pid.is_some());
        *ready += i64::from(process.status == "online");
    }
    let family = family(registry, "pmdaemon_app_instances", "Instances of an app");
    for ((app, namespace), counts) in counts {
        for (kind, count) in ["desired", "running", "ready"].into_iter().zip(counts) {
            let labels = Instances { app: app.to_owned(), namespace: namespace.to_owned(), kind };
            let gauge: &Gauge = &family.get_or_create(&labels);
            gauge.set(count);
        }
    }
}

fn of_processes(registry: &mut Registry, all: &[wire::Process]) {
    let gauge = |registry: &mut Registry, name, words, value: &dyn Fn(&wire::Process) -> Option<i64>| {
        let family = family::<One, Gauge>(registry, name, words);
        for process in all {
            if let Some(value) = value(process) {
                family.get_or_create(&one(process)).set(value);
            }
        }
    };
    let counter = |registry: &mut Registry, name, words, value: &dyn Fn(&wire::Process) -> Option<i64>| {
        let family = family::<One, Counter>(registry, name, words);
        for process in all {
            if let Some(value) = value(process).and_then(|value| u64::try_from(value).ok()) {
                family.get_or_create(&one(process)).inc_by(value);
            }
        }
    };
    gauge(registry, "pmdaemon_process_up", "1 while it runs", &|p| Some(i64::from(p.pid.is_some())));
    gauge(registry, "pmdaemon_process_resident_memory_bytes", "Memory of its whole tree", &|p| {
        p.memory_bytes
    });
    gauge(registry, "pmdaemon_process_memory_limit_bytes", "More leads to a restart", &|p| {
        p.max_memory_bytes
    });
    let tree = |p: &wire::Process, of: fn(&wire::Tree) -> i64| p.tree.as_ref().map(of);
    gauge(registry, "pmdaemon_process_open_fds", "Open descriptors of its tree", &|p| {
        tree(p, |t| t.open_files)
    });
    gauge(registry, "pmdaemon_process_threads", "Threads of its tree", &|p| tree(p, |t| t.threads));
    counter(registry, "pmdaemon_process_io_read_bytes", "Bytes from storage", &|p| tree(p, |t| t.read_bytes));
    counter(registry, "pmdaemon_process_io_written_bytes", "Bytes to storage", &|p| {
        tree(p, |t| t.written_bytes)
    });
    gauge(registry, "pmdaemon_process_last_exit_code", "Of its latest run that is over", &|p| {
        p.last_exit.as_ref().and_then(|exit| exit.code)
    });

    let cpu =
        family::<One, Seconds>(registry, "pmdaemon_process_cpu_ratio", "Use of its tree; 1 is one core");
    let started = family::<One, Seconds>(
        registry,
        "pmdaemon_process_start_time_seconds",
        "When its present run began, since 1970",
    );
    let now = clock::unix_ms() as f64 / 1000.0;
    for process in all {
        if let Some(percent) = process.cpu_percent {
            cpu.get_or_create(&one(process)).set(percent / 100.0);
        }
        if let Some(uptime) = process.uptime_ms {
            started.get_or_create(&one(process)).set(now - uptime as f64 / 1000.0);
        }
    }
    let states =
        family::<InState, Gauge>(registry, "pmdaemon_process_state", "1 for the state that it is in");
    let health =
        family::<InHealth, Gauge>(registry, "pmdaemon_process_health", "1 for the health that it has");
    for process in all {
        let One { app, namespace, instance } = one(process);
        for state in STATES {
            let labels = InState { app: app.clone(), namespace: namespace.clone(), instance, state };
            states.get_or_create(&labels).set(i64::from(process.status == state));
        }
        let Some(now) = &process.health else { continue };
        for status in HEALTH {
            let labels = InHealth { app: app.clone(), namespace: namespace.clone(), instance, status };
            health.get_or_create(&labels).set(i64::from(now == status));
        }
    }
}

/// What programs measure themselves, where it is a number.
fn custom(registry: &mut Registry, all: &[wire::Process]) {
    let words = "What a program measures itself (PM2's io library)";
    let family = family::<Custom, Seconds>(registry, "pmdaemon_app_metric", words);
    for process in all {
        let One { app, namespace, instance } = one(process);
        for told in &process.custom_metrics {
            let Some(number) = told.number else { continue };
            let (metric, unit) = (told.name.clone(), told.unit.clone().unwrap_or_default());
            let labels = Custom { app: app.clone(), namespace: namespace.clone(), instance, metric, unit };
            family.get_or_create(&labels).set(number);
        }
    }
}

pub(super) fn one(process: &wire::Process) -> One {
    One { app: process.app.clone(), namespace: process.namespace.clone(), instance: process.instance }
}

/// A family of metrics, shown by `registry`.
pub(super) fn family<L, M>(registry: &mut Registry, name: &str, words: &str) -> Family<L, M>
where
    L: Clone + std::hash::Hash + Eq,
    M: Default,
    Family<L, M>: Clone + EncodeMetric + Metric,
{
    let family = Family::<L, M>::default();
    registry.register(name, words, family.clone());
    family
}
