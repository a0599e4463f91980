//! Of `/metrics` ([`super::prometheus`]): the daemon itself. The names that begin with `process_` are
//! those that Prometheus has for every program.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::prometheus::{Seconds, family};
use super::{Api, ApiError};
use crate::daemon::clock;
use crate::model::Namespaces;
use crate::sample::Own;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Address {
    address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Firing {
    rule: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    channel: String,
    result: &'static str,
}

/// Shows all of it; of alerts to whoever sees all namespaces.
///
/// # Errors
/// When the store cannot be read.
pub async fn register(registry: &mut Registry, api: &Api, namespaces: &Namespaces) -> Result<(), ApiError> {
    let words = "How long operations took that have ended since the daemon began";
    let name = "pmdaemon_operation_duration_seconds";
    registry.register(name, words, api.operations.durations().clone());
    registry.register("pmdaemon_ws_connections", "Open WebSockets", gauge(api.sockets.taken() as u64));
    let span = api.handle.recorder().read(|store| store.event_span()).await;
    let newest = span.map_err(|e| ApiError::internal(&e))?.map_err(|e| ApiError::internal(&e))?.newest;
    registry.register("pmdaemon_events_seq", "The newest event", gauge(newest));
    certificates(registry, api);
    if *namespaces == Namespaces::All {
        alerts(registry, api);
    }
    if let Some(own) = Own::now() {
        itself(registry, &own);
    }
    Ok(())
}

fn certificates(registry: &mut Registry, api: &Api) {
    let words = "When the certificate of an address expires, since 1970";
    let expiry = family::<Address, Gauge>(registry, "pmdaemon_tls_certificate_expiry_seconds", words);
    for (address, expires) in api.listeners.expiries() {
        expiry.get_or_create(&Address { address: address.to_string() }).set(expires);
    }
}

fn alerts(registry: &mut Registry, api: &Api) {
    let firing = family::<Firing, Gauge>(registry, "pmdaemon_alerts", "Alerts of a rule");
    for (rule, count) in api.alerts.rules() {
        let labels = Firing { rule: rule.name.clone(), state: "firing" };
        firing.get_or_create(&labels).set(count as i64);
    }
    let words = "What channels were told since the daemon began, and what was given up";
    let told = family::<Told, Counter>(registry, "pmdaemon_alert_notifications", words);
    for status in api.alerts.channels() {
        for (result, count) in [("sent", status.sent), ("lost", status.lost)] {
            let labels = Told { channel: status.channel.name.clone(), result };
            told.get_or_create(&labels).inc_by(count);
        }
    }
}

fn itself(registry: &mut Registry, own: &Own) {
    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(own.cpu_time.as_secs_f64());
    registry.register("process_cpu_seconds", "CPU time of the daemon", cpu);
    registry.register("process_resident_memory_bytes", "Memory of the daemon", gauge(own.memory_bytes));
    registry.register("process_threads", "Threads of the daemon", gauge(own.threads.into()));
    registry.register("process_open_fds", "Open descriptors of the daemon", gauge(own.open_files));
    registry.register("process_max_fds", "Descriptors that the daemon may have", gauge(own.max_files));
    let begun = Seconds::default();
    begun.set(clock::unix_ms_of(own.started) as f64 / 1000.0);
    registry.register("process_start_time_seconds", "When the daemon began, since 1970", begun);
}

fn gauge(value: u64) -> impl Metric {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}
