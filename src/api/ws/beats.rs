//! What all sockets are told every second, made once for all of them.
//!
//! One task measures while somebody listens and wakes all of them together: no socket has a clock of its
//! own for this. A [`Beat`] has the figures of every process that runs. Whoever was told the beat before
//! gets those rows alone that have changed; so processes that do nothing cost next to nothing, however
//! many listen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::{Api, Shared, convert, convert_usage};
use crate::daemon::sampling::{LOOKING, Measured};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{Namespaces, ProcessId, RunId};
use crate::wire;

/// Every so many beats all rows are told: whatever a client has missed or mixed up lasts no longer.
const WHOLE_EVERY: u64 = 15;

/// Tells those who listen.
pub struct Beats {
    latest: watch::Sender<Option<Arc<Beat>>>,
    /// The task is there.
    beating: Mutex<bool>,
}

impl Default for Beats {
    fn default() -> Beats {
        Beats { latest: watch::Sender::new(None), beating: Mutex::default() }
    }
}

impl Beats {
    /// Beats once a second from now on, as long as somebody has such a receiver. There is none any more
    /// when the daemon ends.
    pub fn listen(api: &Shared) -> watch::Receiver<Option<Arc<Beat>>> {
        let mut beating = api.beats.beating();
        let receiver = api.beats.latest.subscribe();
        if !*beating {
            *beating = true;
            tokio::spawn(beat(Arc::clone(api)));
        }
        receiver
    }

    /// Nobody listens any more. Whoever comes later has a task of their own, which begins anew.
    fn is_over(&self) -> bool {
        let mut beating = self.beating();
        *beating = self.latest.receiver_count() > 0;
        if !*beating {
            self.latest.send_replace(None);
        }
        !*beating
    }

    fn beating(&self) -> MutexGuard<'_, bool> {
        self.beating.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn beat(api: Shared) {
    let _looking = api.handle.usages().look();
    let mut second = interval(LOOKING);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut earlier: Option<Arc<Beat>> = None;
    loop {
        second.tick().await;
        if api.beats.is_over() {
            return;
        }
        // Absent while the daemon ends, which closes every socket.
        let Some(measured) = api.handle.measured().await else { return };
        let beat = Arc::new(Beat::new(&api, &measured, earlier.as_deref()));
        api.beats.latest.send_replace(Some(Arc::clone(&beat)));
        earlier = Some(beat);
    }
}

/// The figures of one second.
pub struct Beat {
    /// Grows by one from beat to beat.
    pub number: u64,
    /// The picture that it belongs to.
    pub seq: u64,
    /// The host's figures.
    pub host: wire::Host,
    host_text: Arc<str>,
    rows: BTreeMap<ProcessId, Row>,
    texts: Mutex<Vec<(Namespaces, Rows, Arc<str>)>>,
}

/// Which rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    All,
    Changed,
}

/// The figures of a process that runs.
struct Row {
    view: Arc<ProcessView>,
    figures: Figures,
    uptime_ms: Option<i64>,
    /// Somebody who was told the beat before does not know these.
    is_news: bool,
}

/// What is compared.
#[derive(PartialEq)]
struct Figures {
    run: Option<RunId>,
    cpu_percent: Option<f64>,
    memory_bytes: Option<u64>,
    /// An uptime goes on by itself, but for when it begins.
    has_uptime: bool,
}

impl Beat {
    fn new(api: &Api, measured: &Measured, earlier: Option<&Beat>) -> Beat {
        let picture = api.handle.snapshot();
        let host = convert_usage::host(measured);
        let host_text = json!(host).to_string().into();
        let rows = rows(&picture, measured, earlier);
        let number = earlier.map_or(0, |earlier| earlier.number + 1);
        Beat { number, seq: picture.seq, host, host_text, rows, texts: Mutex::default() }
    }

    /// The host's figures, as they are sent.
    pub fn host_text(&self) -> Arc<str> {
        Arc::clone(&self.host_text)
    }

    /// The figures of processes in these namespaces, as they are sent to somebody who was last told that
    /// beat: `[id, cpu_percent, memory_bytes, uptime_ms]` each.
    pub fn text(&self, namespaces: &Namespaces, told: Option<u64>) -> Arc<str> {
        let follows = told.is_some_and(|told| told + 1 == self.number);
        let which =
            if follows && !self.number.is_multiple_of(WHOLE_EVERY) { Rows::Changed } else { Rows::All };
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let made = texts.iter().find(|(of, rows, _)| of == namespaces && *rows == which);
        if let Some((.., text)) = made {
            return Arc::clone(text);
        }
        let seen = self.rows.values().filter(|row| namespaces.has(row.view.spec.namespace.as_str()));
        let wanted = seen.filter(|row| which == Rows::All || row.is_news);
        let text: Arc<str> = Value::from_iter(wanted.map(Row::wire)).to_string().into();
        texts.push((namespaces.clone(), which, Arc::clone(&text)));
        text
    }
}

fn rows(picture: &Snapshot, measured: &Measured, earlier: Option<&Beat>) -> BTreeMap<ProcessId, Row> {
    let running = picture.processes.values().filter(|view| view.state.pid().is_some());
    let row = |view: &Arc<ProcessView>| {
        let usage = convert_usage::usage(view, measured);
        let uptime_ms = convert_usage::running_since(view).map(convert::millis_since);
        let figures = Figures {
            run: view.state.run(),
            cpu_percent: usage.map(|usage| convert_usage::tenths(usage.cpu_percent)),
            memory_bytes: usage.map(|usage| usage.memory_bytes),
            has_uptime: uptime_ms.is_some(),
        };
        let known = earlier.and_then(|earlier| earlier.rows.get(&view.id));
        let is_news = known.is_none_or(|known| known.figures != figures);
        (view.id, Row { view: Arc::clone(view), figures, uptime_ms, is_news })
    };
    running.map(row).collect()
}

impl Row {
    fn wire(&self) -> Value {
        json!([self.view.id.0, self.figures.cpu_percent, self.figures.memory_bytes, self.uptime_ms])
    }
}
