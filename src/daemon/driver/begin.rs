//! How a daemon takes up the work where the last one left it.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};

use super::super::awaiting::Awaiting;
use super::super::balancing::Balancing;
use super::super::config::Wishes;
use super::super::endings::Endings;
use super::super::giving::Giving;
use super::super::handle::Handle;
use super::super::keeper_line::KeeperLine;
use super::super::log_files::LogFiles;
use super::super::log_orders::LogOrders;
use super::super::log_places::LogPlaces;
use super::super::node::Preload;
use super::super::own_events::Own;
use super::super::preparing::Preparing;
use super::super::reservations::Reservations;
use super::super::revisions::Revisions;
use super::super::sampling::Usages;
use super::super::secret_env::Secrets;
use super::super::sockets::Sockets;
use super::super::steering::Steering;
use super::super::view::Snapshot;
use super::super::wall_clock::WallClock;
use super::super::watching::Watching;
use super::super::{
    adopt_unknown, clock, hooks, keeper_words, port_probe, presence, secret_env, slots, succession,
};
use super::{Driver, INTRODUCTION, RUN_BLOCK};
use crate::home::Home;
use crate::keeper::protocol::{Report, RunReport, version};
use crate::model::{Port, ProcessId, RunId};
use crate::settings::RestartBudget;
use crate::store::{Change, Keepsake, Loss, Noted, Recorder, Saved};
use crate::supervisor::{Input, Limits, Supervisor};

impl Driver {
    /// Hears the keeper out and takes up the work where the last daemon left it. `loss`: what
    /// became of the store, if it was damaged.
    ///
    /// # Errors
    /// A sentence, when the keeper does not introduce itself or speaks another version.
    pub async fn begin(
        home: Home,
        mut keeper: KeeperLine,
        mut saved: Saved,
        loss: Option<Loss>,
        recorder: Recorder,
    ) -> Result<(Driver, Handle), String> {
        let hello = tokio::time::timeout(INTRODUCTION, keeper.next());
        let (pid, runs, shared, held, succession) = match hello.await {
            Ok(Some(Report::Hello { version: theirs, .. })) if theirs != version() => {
                return Err(format!("the keeper speaks version {theirs}, this daemon version {}", version()));
            }
            Ok(Some(Report::Hello { version: _, keeper_pid, runs, sockets, held, succession })) => {
                (keeper_pid, runs, sockets, held, succession)
            }
            Ok(Some(_) | None) | Err(_) => return Err("the keeper did not introduce itself".into()),
        };
        for _ in 0..held {
            let socket = tokio::time::timeout(INTRODUCTION, keeper.next());
            if !matches!(socket.await, Ok(Some(Report::Held { .. }))) {
                return Err("the keeper did not send the sockets that it holds".into());
            }
        }
        let (sockets, socket_orders) = Sockets::new(keeper.take_sockets());
        let (change, change_out) = watch::channel(succession.map(succession::Change::Over));
        let leaving = Arc::new(watch::Sender::new(false));
        let highest = runs.iter().map(|run| run.run + 1).max().unwrap_or(0);
        let next_run = saved.next_run.0.max(highest);
        let reserved_runs = next_run + RUN_BLOCK;
        reserve(&recorder, reserved_runs).await?;

        let (asks_in, asks) = mpsc::channel(256);
        let (snapshot, snapshot_out) = watch::channel(Arc::new(Snapshot::default()));
        let (events, _) = broadcast::channel(1024);
        let (keeper_pid, keeper_pid_out) = watch::channel(Some(pid));
        let noted_loss = Noted::of(&saved);
        // Read once, and only if something is unknown.
        let keepsakes = std::cell::LazyCell::new(|| crate::keeper::keepsakes(&home.run_dir()));
        let taken = adopt_unknown::take_up(&mut saved, &runs, |run| {
            let text = keepsakes.as_ref().map_err(ToString::to_string)?.get(&run).ok_or("it has none")?;
            Keepsake::parse(text.as_ref().map_err(ToString::to_string)?)
        });
        let before = presence::told(&saved.settings, &home.daemon_lock(), clock::unix_ms());
        let (revisions, first) = Revisions::begin(&saved, clock::unix_ms());
        if !taken.changes.is_empty() || !first.is_empty() {
            recorder.write([taken.changes, first].concat());
        }
        let legible = runs.iter().filter(|run| !taken.illegible.contains(&run.run));
        let living: Vec<_> = legible.map(keeper_words::living).collect();
        let questions = Supervisor::port_questions_at_restore(&saved.apps, &saved.processes, &living);
        let lives_with = |id, port| living.iter().any(|life| life.process == id && life.port == Some(port));
        let is_shared = |port| {
            let port = Port::Shared(port);
            saved.processes.iter().any(|row| row.ports.held == Some(port) || lives_with(row.id, port))
        };
        let is_held = |port| shared.contains(&port) && is_shared(port);
        let had = saved.processes.iter().filter_map(|row| row.ports.held);
        let had = had.chain(living.iter().filter_map(|life| life.port)).map(Port::number);
        let mut reserved = Reservations::none();
        reserved.take_over(had.filter(|port| !is_held(*port))).await;
        let busy = port_probe::look(&questions, &mut reserved, is_held, Vec::new);
        let (brain, effects) = Supervisor::restore(
            clock::now(),
            saved.apps,
            saved.processes,
            living,
            busy,
            saved.next_app,
            saved.next_process,
            RunId(next_run),
        );
        let (watching, verdicts) = Watching::new();
        let awaiting = Awaiting::new(watching.facts());
        let balancing = Balancing::new(home.clone(), watching.facts());
        let (preparing, prepared) = Preparing::new();
        let mut brain = brain;
        brain.limit_restarts(restart_limits(Wishes::kept(&saved.settings).restarts(said_of_restarts())));
        brain.remember_slots(slots::remembered(&saved.settings));
        let secrets = Arc::new(Secrets::of(&home, &saved.settings));
        hooks::end_those_of_others(&home);
        secret_env::remove_all_but(&home, &runs.iter().map(|run| run.run).collect());
        let usages = Arc::new(Usages::default());
        let mut driver = Driver {
            brain,
            keeper,
            trouble: recorder.trouble(),
            recorder: recorder.clone(),
            in_trouble: false,
            home: home.clone(),
            asks,
            snapshot,
            events: events.clone(),
            keeper_pid,
            samples: usages.samples(),
            usages: Arc::clone(&usages),
            log_health: Arc::default(),
            counts: Arc::default(),
            log_orders: LogOrders::default(),
            giving: Giving::default(),
            log_places: LogPlaces::default(),
            next_event: saved.next_event,
            reserved_runs,
            preparing,
            prepared,
            watching,
            balancing,
            steering: Steering::default(),
            awaiting,
            verdicts,
            shared_ports: shared.iter().copied().collect(),
            reserved,
            preload: Preload::default(),
            ending: false,
            endings: Endings::new(),
            revisions,
            peak: None,
            wall_clock: WallClock::new(),
            secrets: Arc::clone(&secrets),
            sockets: Arc::clone(&sockets),
            socket_orders,
            change,
            wish: None,
            leaving: Arc::clone(&leaving),
        };
        driver.recorder.write(vec![presence::up(clock::unix_ms())]);
        if let Some((what, told)) = before {
            driver.tell_own(what, told);
        }
        if let Some(loss) = loss {
            driver.tell_own(Own::StoreLost, loss.to_string());
        }
        if !taken.names.is_empty() {
            let names = taken.names.join(", ");
            let told = format!("running services that the store did not know were taken over: {names}");
            driver.tell_own(Own::StoreAdopted, told);
        }
        driver.find_logs(&runs);
        let mut changes = driver.carry_out(effects);
        for fact in runs.iter().flat_map(keeper_words::said) {
            changes.extend(driver.step(Input::Fact(fact)));
        }
        driver.tell_clock();
        driver.let_ports_go();
        driver.let_sockets_go(&shared);
        driver.publish();
        changes.extend(driver.log_reports(&runs));
        driver.hear_offers(&runs);
        driver.keep(changes);
        let handle = Handle {
            asks: asks_in,
            snapshot: snapshot_out,
            events,
            keeper_pid: keeper_pid_out,
            usages,
            log_health: Arc::clone(&driver.log_health),
            counts: Arc::clone(&driver.counts),
            recorder,
            home,
            sockets,
            change: change_out,
            leaving,
            noted_loss,
            secrets,
        };
        Ok((driver, handle))
    }

    /// Notes where the runs of an earlier daemon write.
    fn find_logs(&mut self, runs: &[RunReport]) {
        for run in runs {
            let Some(process) = self.brain.process(ProcessId(run.process)) else { continue };
            let (Some(spec), Some(files)) = (self.brain.app(process.app), &run.files) else { continue };
            let now = LogFiles::of(&self.home, spec, process.instance);
            self.log_places.found(RunId(run.run), files, &now);
        }
    }
}

/// What the host bears, or what somebody set instead.
pub(super) fn restart_limits(set: RestartBudget) -> Limits {
    Limits::of_host(cpus()).or_as_set(set.burst, set.per_second)
}

fn said_of_restarts() -> RestartBudget {
    RestartBudget::from_env().unwrap_or_else(|sentence| {
        // Services are not left alone for that.
        tracing::error!("{sentence}; until then it is as if nothing were set");
        RestartBudget::default()
    })
}

/// CPUs that this daemon may use.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |number| number.get())
}

/// Before the first launch: a run id must never come twice, also when the next write is lost.
async fn reserve(recorder: &Recorder, below: u64) -> Result<(), String> {
    let (saved, durable) = tokio::sync::oneshot::channel();
    recorder.write_then(vec![Change::ReserveRuns(RunId(below))], move |result| {
        let _ = saved.send(result.map_err(|e| e.to_string()));
    });
    durable.await.map_err(|_| "the store is closed".to_owned())?
}
