//! Looks whether the conditions of rules hold: one task, which hears events and looks at the rest at the pace
//! of each. What nobody has a rule for is not looked at, and without rules it sleeps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::condition::{certificate, disk, process, restarts::Restarts, usage};
use super::firing::{Subject, Whose};
use super::lines::Lines;
use super::rooms::rooms;
use super::rule::{Condition, Rule};
use super::{Alerts, locked};
use crate::daemon::clock;
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{ProcessId, State};
use crate::store::{EventQuery, EventRow};

/// So long after its begin the daemon looks for the first time.
const SETTLE: Duration = Duration::from_secs(2);
/// So many events of before are heard.
const HISTORY: usize = 2000;
/// How often the picture and the logs are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// And what is measured.
const MEASURE: Duration = Duration::from_secs(5);
/// And disks and certificates.
const SELDOM: Duration = Duration::from_secs(10);
/// A reload that fails is told by its process, and a moment later by its operation.
const SAME_RELOAD_MS: u64 = 10_000;

/// The addresses under TLS, and when the certificate of each expires, in seconds since 1970.
pub type Expiries = Arc<dyn Fn() -> Vec<(SocketAddr, i64)> + Send + Sync>;

/// What is watched.
pub struct Watch {
    alerts: Alerts,
    expiries: Expiries,
    restarts: Restarts,
    /// What is said of processes that are unhealthy.
    unhealthy: BTreeMap<ProcessId, String>,
    /// By rule.
    lines: BTreeMap<String, Lines>,
    /// When these were looked at last.
    measured: Option<Instant>,
    seldom: Option<Instant>,
    /// When a reload failed last, in milliseconds since 1970.
    reload_failed_ms: u64,
}

/// What was seen of a rule: what holds, each with a sentence.
type Holding = Vec<(Subject, String)>;

impl Watch {
    /// Of those alerts.
    pub fn of(alerts: Alerts, expiries: Expiries) -> Watch {
        // What was unhealthy when the daemon before ended is so until it is healthy.
        let firing = locked(&alerts.0.book).list().into_iter().filter(|alert| alert.is_firing());
        let unhealthy = firing.filter_map(|alert| {
            let rule = alerts.rule(&alert.rule).ok()?.0;
            let process =
                alert.subject.process.filter(|_| matches!(rule.when, Condition::Unhealthy { .. }))?;
            Some((ProcessId(process.id), alert.summary))
        });
        Watch {
            unhealthy: unhealthy.collect(),
            alerts,
            expiries,
            restarts: Restarts::default(),
            lines: BTreeMap::new(),
            measured: None,
            seldom: None,
            reload_failed_ms: 0,
        }
    }

    /// Watches until the daemon is about to end.
    pub async fn for_ever(mut self) {
        let handle = self.alerts.0.handle.clone();
        let mut events = handle.events();
        let watch = async {
            let heard = self.learn_restarts().await;
            self.watch(&mut events, heard).await;
        };
        tokio::select! {
            () = watch => {}
            () = handle.leaving() => {}
        }
    }

    /// Restarts of before this daemon count, too. Answers the newest event that was heard.
    async fn learn_restarts(&mut self) -> u64 {
        let query = EventQuery { limit: HISTORY, newest: true, ..EventQuery::default() };
        let read = self.alerts.0.handle.recorder().read(move |store| store.events(&query)).await;
        let events = match read {
            Ok(Ok(events)) => events,
            Ok(Err(e)) => {
                tracing::warn!("alerts count restarts from now on: {e}");
                Vec::new()
            }
            // The daemon ends.
            Err(_) => Vec::new(),
        };
        for event in &events {
            if let Some(process) = event.process {
                self.restarts.hear(process, &event.kind, event.asked, &event.detail, event.at_ms);
            }
        }
        events.last().map_or(0, |event| event.seq)
    }

    async fn watch(&mut self, events: &mut broadcast::Receiver<Arc<EventRow>>, heard: u64) {
        // What runs on is found again first: else it would be over, and begin anew.
        let mut next = Instant::now() + SETTLE;
        loop {
            let alerts = self.alerts.clone();
            let shared = &alerts.0;
            let idle = locked(&shared.rules).is_empty() && locked(&shared.book).rules().is_empty();
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) if event.seq <= heard => {}
                    Ok(event) => self.hear(&event).await,
                    // The picture tells the rest.
                    Err(RecvError::Lagged(missed)) => tracing::warn!("alerts have missed {missed} events"),
                    Err(RecvError::Closed) => return,
                },
                () = shared.changed.notified() => {
                    (self.measured, self.seldom) = (None, None);
                    next = next.min(Instant::now() + LOOK);
                }
                () = tokio::time::sleep_until(next.into()), if !idle => {
                    self.look().await;
                    next = Instant::now() + LOOK;
                }
            }
        }
    }

    /// What is told by an event alone, and what may be over before it is looked at.
    async fn hear(&mut self, event: &EventRow) {
        if let Some(process) = event.process {
            self.restarts.hear(process, &event.kind, event.asked, &event.detail, event.at_ms);
        }
        match (event.kind.as_str(), event.process) {
            ("process.unhealthy", Some(id)) => drop(self.unhealthy.insert(id, event.detail.clone())),
            ("process.healthy" | "process.deleted", Some(id)) => drop(self.unhealthy.remove(&id)),
            ("process.errored" | "process.reload_failed", Some(_)) | ("operation.failed", None) => {}
            _ => return,
        }
        let of_reload = event.kind == "operation.failed"
            && event.detail.contains(" (reload of ")
            && event.at_ms.saturating_sub(self.reload_failed_ms) < SAME_RELOAD_MS;
        if event.kind == "process.reload_failed" {
            self.reload_failed_ms = event.at_ms;
        }
        if of_reload {
            return;
        }
        let snapshot = self.alerts.0.handle.snapshot();
        for rule in self.alerts.active() {
            let subject = match event.process {
                Some(id) => {
                    self.meant(&snapshot, &rule).into_iter().find(|view| view.id == id).map(|view| of(&view))
                }
                None => rule.apps.is_empty().then(|| about_nobody("operation")),
            };
            let Some(subject) = subject else { continue };
            let now = clock::unix_ms();
            let step = {
                let mut book = locked(&self.alerts.0.book);
                match (&rule.when, event.kind.as_str()) {
                    (Condition::Errored, "process.errored")
                    | (Condition::Unhealthy { .. }, "process.unhealthy") => {
                        book.holds(now, &rule, &subject, &event.detail)
                    }
                    (Condition::OperationFailed, "process.reload_failed" | "operation.failed") => {
                        book.happened(now, &rule, &subject, &event.detail, 1)
                    }
                    _ => None,
                }
            };
            self.alerts.tell(step, None).await;
        }
    }

    /// Looks at everything that is due.
    async fn look(&mut self) {
        let snapshot = self.alerts.0.handle.snapshot();
        let due = |last: &mut Option<Instant>, pace: Duration| {
            let due = last.is_none_or(|last| last.elapsed() >= pace);
            if due {
                *last = Some(Instant::now());
            }
            due
        };
        let measure = due(&mut self.measured, MEASURE);
        let seldom = due(&mut self.seldom, SELDOM);
        let rules = self.alerts.active();
        self.learn_health(&snapshot);
        for rule in &rules {
            let holding = match &rule.when {
                Condition::LogMatch { .. } => {
                    self.look_at_lines(&snapshot, rule).await;
                    None
                }
                Condition::OperationFailed => None,
                Condition::Memory { .. } | Condition::Cpu { .. } if measure => {
                    self.usage(&snapshot, rule).await
                }
                Condition::Certificate { .. } if seldom => Some(self.certificates(rule)),
                Condition::Disk { .. } if seldom => Some(self.disks(&snapshot, rule).await),
                Condition::Memory { .. }
                | Condition::Cpu { .. }
                | Condition::Certificate { .. }
                | Condition::Disk { .. } => None,
                Condition::Errored | Condition::RestartLoop { .. } | Condition::Unhealthy { .. } => {
                    Some(self.processes(&snapshot, rule))
                }
            };
            if let Some(holding) = holding {
                self.alerts.level(rule, &holding).await;
            }
            if rule.when.is_a_moment() {
                let steps = locked(&self.alerts.0.book).quiet(clock::unix_ms(), rule);
                for step in steps {
                    self.alerts.tell(Some(step), None).await;
                }
            }
        }
        self.lines.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
        self.alerts.end_others(&rules).await;
    }

    fn meant(&self, snapshot: &Snapshot, rule: &Rule) -> Vec<Arc<ProcessView>> {
        (self.alerts.0.choose)(snapshot, &rule.apps)
    }

    fn learn_health(&mut self, snapshot: &Snapshot) {
        self.unhealthy.retain(|id, _| snapshot.processes.contains_key(id));
        for view in snapshot.processes.values().filter(|view| view.spec.health.is_some()) {
            let before = self.unhealthy.get(&view.id).map(String::as_str);
            let now = process::unhealthy(&view.name(), view.goal, &view.state, view.unwell.as_ref(), before);
            match now {
                Some(told) => drop(self.unhealthy.insert(view.id, told)),
                None => drop(self.unhealthy.remove(&view.id)),
            }
        }
    }

    fn processes(&self, snapshot: &Snapshot, rule: &Rule) -> Holding {
        let now = clock::unix_ms();
        let holds = |view: &ProcessView| match &rule.when {
            Condition::Errored => process::errored(|| view.name(), &view.state),
            Condition::Unhealthy { .. } => self.unhealthy.get(&view.id).cloned(),
            Condition::RestartLoop { restarts, within_ms } => {
                self.restarts.hold(|| view.name(), view.id, *restarts, *within_ms, now)
            }
            Condition::Memory { .. }
            | Condition::Cpu { .. }
            | Condition::LogMatch { .. }
            | Condition::OperationFailed
            | Condition::Certificate { .. }
            | Condition::Disk { .. } => None,
        };
        let views = self.meant(snapshot, rule);
        views.iter().filter_map(|view| Some((of(view), holds(view)?))).collect()
    }

    async fn usage(&self, snapshot: &Snapshot, rule: &Rule) -> Option<Holding> {
        let measured = self.alerts.0.handle.usages().fresh(MEASURE / 2, snapshot.seq).await?;
        let machine = measured.host.memory_total_bytes;
        let holds = |view: &ProcessView| {
            let (run, used) = measured.processes.get(&view.id)?;
            let running = matches!(view.state, State::Running { run: now, .. } if now == *run);
            match &rule.when {
                Condition::Memory { above_percent, .. } if running => {
                    let limit = view.spec.resources.max_memory;
                    usage::memory(&view.name(), used.memory_bytes, limit, machine, *above_percent)
                }
                Condition::Cpu { above_percent, .. } if running => {
                    usage::cpu(&view.name(), used.cpu_percent, *above_percent)
                }
                Condition::Memory { .. }
                | Condition::Cpu { .. }
                | Condition::Errored
                | Condition::RestartLoop { .. }
                | Condition::Unhealthy { .. }
                | Condition::LogMatch { .. }
                | Condition::OperationFailed
                | Condition::Certificate { .. }
                | Condition::Disk { .. } => None,
            }
        };
        let views = self.meant(snapshot, rule);
        Some(views.iter().filter_map(|view| Some((of(view), holds(view)?))).collect())
    }

    fn certificates(&self, rule: &Rule) -> Holding {
        let Condition::Certificate { within_days } = rule.when else { return Vec::new() };
        let now = i64::try_from(clock::unix_ms() / 1000).unwrap_or(i64::MAX);
        let all = (self.expiries)().into_iter();
        let soon = all.filter_map(|(address, expires)| {
            let told = certificate::expiring(address, expires, now, within_days)?;
            Some((about_nobody(&format!("certificate {address}")), told))
        });
        soon.collect()
    }

    async fn disks(&self, snapshot: &Snapshot, rule: &Rule) -> Holding {
        let Condition::Disk { below_percent } = rule.when else { return Vec::new() };
        let home = self.alerts.0.handle.home().path().to_owned();
        let logs = snapshot.processes.values().flat_map(|view| [&view.logs.out, &view.logs.err]);
        let places: BTreeSet<PathBuf> = logs.filter_map(|log| log.parent()).map(Into::into).collect();
        let rooms = tokio::task::spawn_blocking(move || rooms(home, places)).await.unwrap_or_default();
        let full = rooms.into_iter().filter_map(|(place, room)| {
            let told = disk::full(&place, room, below_percent)?;
            Some((about_nobody(&format!("disk {}", place.display())), told))
        });
        let trouble = self.alerts.0.handle.recorder().trouble().borrow().clone();
        let trouble = trouble.map(|e| (about_nobody("store"), format!("nothing can be saved: {e}")));
        full.chain(trouble).collect()
    }

    async fn look_at_lines(&mut self, snapshot: &Snapshot, rule: &Rule) {
        let Condition::LogMatch { pattern, stream } = &rule.when else { return };
        let views = self.meant(snapshot, rule);
        let seq = snapshot.seq;
        let before = self.lines.remove(&rule.name);
        let before = before
            .filter(|lines| (&lines.pattern, lines.stream, &lines.apps) == (pattern, *stream, &rule.apps));
        let (pattern, stream, apps) = (pattern.clone(), *stream, rule.apps.clone());
        let of_views = views.clone();
        let looked = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let mut lines = match before {
                Some(lines) => lines,
                None => Lines::open(&of_views, seq, &pattern, stream, apps)?,
            };
            let found = lines.look(&of_views, seq)?;
            Ok((lines, found))
        });
        let (lines, found) = match looked.await.map_err(std::io::Error::other).flatten() {
            Ok(looked) => looked,
            Err(e) => {
                tracing::warn!("the alert rule {} begins anew at the end of the logs: {e}", rule.name);
                return;
            }
        };
        let pattern = lines.pattern.clone();
        self.lines.insert(rule.name.clone(), lines);
        for (id, found) in found {
            let Some(view) = views.iter().find(|view| view.id == id) else { continue };
            let told = format!("{} wrote a line that matches {pattern}", view.name());
            let now = clock::unix_ms();
            let step = locked(&self.alerts.0.book).happened(now, rule, &of(view), &told, found.times);
            self.alerts.tell(step, Some(found.lines)).await;
        }
    }
}

/// What an alert about that process is about.
fn of(view: &ProcessView) -> Subject {
    let whose =
        Whose { id: view.id.0, app: view.spec.name.to_string(), namespace: view.spec.namespace.to_string() };
    Subject { key: format!("process {}", view.id.0), process: Some(whose) }
}

fn about_nobody(key: &str) -> Subject {
    Subject { key: key.to_owned(), process: None }
}
