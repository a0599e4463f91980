//! How long operations took.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use crate::model::Operation;

/// Seconds, from what is done at once to a reload of many.
const BUCKETS: [f64; 8] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

/// Of which ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    action: &'static str,
    result: &'static str,
}

/// Of those that ended since this daemon began.
pub type Durations = Family<Kind, Histogram, fn() -> Histogram>;

/// None so far.
pub(super) fn none() -> Durations {
    Durations::new_with_constructor(|| Histogram::new(BUCKETS))
}

/// One has ended.
pub(super) fn count(durations: &Durations, operation: &Operation) {
    let Some(ended_ms) = operation.ended_ms else { return };
    let kind = Kind { action: operation.task.as_str(), result: operation.standing().as_str() };
    let seconds = ended_ms.saturating_sub(operation.begun_ms) as f64 / 1000.0;
    durations.get_or_create(&kind).observe(seconds);
}
