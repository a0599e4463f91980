//! The loop: facts before commands before the deadline.
//!
//! It owns the brain, the keeper's line and the picture that readers see. It never waits while it
//! carries out effects: orders are queued, records go to the recorder's thread, and who asked is
//! answered from there once they are durable.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};

use super::awaiting::{Awaited, Awaiting};
use super::endings::Endings;
use super::handle::{Answers, Ask, Handle, HandleError, is_to_be_saved};
use super::keeper_line::{Attempt, KeeperLine};
use super::log_files::{self, LogFiles};
use super::log_health::LogHealth;
use super::log_orders::{LogOrders, Tended};
use super::node::Preload;
use super::own_events::Own;
use super::preparing::{Outcome, Prepared, Preparing};
use super::replacing::{self, Pending};
use super::revisions::Revisions;
use super::sampling::{Samples, Usages};
use super::sockets::{SocketOrder, Sockets};
use super::succession;
use super::view::Snapshot;
use super::watching::Watching;
use super::{adopt_unknown, clock, environment, event_text, keeper_words, node, port_probe};
use crate::fault;
use crate::home::Home;
use crate::keeper::protocol::{LogReport, Order, Report, RunReport, version};
use crate::model::{
    AppSpec, ByteSize, Event, EventKind, Fact, Moment, Pid, Port, PortOwner, ProcessId, RunId,
};
use crate::settings::RestartBudget;
use crate::store::{Change, EventRow, Keepsake, Loss, Noted, Recorder, Saved, Trouble};
use crate::supervisor::{
    Accepted, Command, Denied, Effect, Input, Limits, PortQuestion, Process, Record, Scope, Supervisor,
};

/// Run ids are reserved in the store in blocks, so that a launch needs no write of its own.
const RUN_BLOCK: u64 = 1_000;
/// A keeper that cannot be started is tried again after this.
const KEEPER_RETRY: Duration = Duration::from_millis(500);

/// What was ordered must be on the line before this daemon ends, within this.
const FLUSH: Duration = Duration::from_secs(5);
/// A new keeper, or one that becomes another program, may take this long to introduce itself.
pub(super) const INTRODUCTION: Duration = Duration::from_secs(10);

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Everything is stopped and the keeper was told to end.
    Everything,
    /// Another keeper serves this home; it will start its own daemon.
    Replaced,
    /// This daemon alone was asked to end, or another program has taken over.
    Left,
}

/// The brain with its surroundings.
pub struct Driver {
    brain: Supervisor,
    pub(super) keeper: KeeperLine,
    pub(super) recorder: Recorder,
    /// Why nothing can be saved, if that is so.
    trouble: watch::Receiver<Trouble>,
    /// That was told.
    pub(super) in_trouble: bool,
    pub(super) home: Home,
    asks: mpsc::Receiver<Ask>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    pub(super) events: broadcast::Sender<Arc<EventRow>>,
    pub(super) keeper_pid: watch::Sender<Option<i32>>,
    /// What runs with a memory limit use.
    samples: Samples,
    usages: Arc<Usages>,
    log_health: Arc<LogHealth>,
    log_orders: LogOrders,
    pub(super) next_event: u64,
    reserved_runs: u64,
    preparing: Preparing,
    prepared: mpsc::Receiver<Prepared>,
    watching: Watching,
    awaiting: Awaiting,
    verdicts: mpsc::Receiver<Fact>,
    /// Ports whose sockets the keeper has or had.
    shared_ports: BTreeSet<u16>,
    preload: Preload,
    /// All services are to end, and then we.
    ending: bool,
    endings: Endings,
    revisions: Revisions,
    /// The most memory that the life had which is just told to have ended.
    peak: Option<(RunId, ByteSize)>,
    sockets: Arc<Sockets>,
    socket_orders: mpsc::UnboundedReceiver<SocketOrder>,
    pub(super) change: watch::Sender<Option<succession::Change>>,
    /// The keeper was asked to become another program.
    pub(super) wish: Option<Pending>,
    pub(super) leaving: Arc<watch::Sender<bool>>,
}

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
            let path = keepsakes.as_ref().map_err(ToString::to_string)?.get(&run);
            let text = std::fs::read_to_string(path.ok_or("it has none")?).map_err(|e| e.to_string())?;
            Keepsake::parse(&text)
        });
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
        let busy = port_probe::look(&questions, is_held, Vec::new);
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
        let (preparing, prepared) = Preparing::new();
        let mut brain = brain;
        brain.limit_restarts(restart_limits());
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
            log_orders: LogOrders::default(),
            next_event: saved.next_event,
            reserved_runs,
            preparing,
            prepared,
            watching,
            awaiting,
            verdicts,
            shared_ports: shared.iter().copied().collect(),
            preload: Preload::default(),
            ending: false,
            endings: Endings::new(),
            revisions,
            peak: None,
            sockets: Arc::clone(&sockets),
            socket_orders,
            change,
            wish: None,
            leaving: Arc::clone(&leaving),
        };
        if let Some(loss) = loss {
            driver.tell_own(Own::StoreLost, loss.to_string());
        }
        if !taken.names.is_empty() {
            let names = taken.names.join(", ");
            let told = format!("running services that the store did not know were taken over: {names}");
            driver.tell_own(Own::StoreAdopted, told);
        }
        let mut changes = driver.carry_out(effects);
        for fact in runs.iter().flat_map(keeper_words::said) {
            changes.extend(driver.step(Input::Fact(fact)));
        }
        driver.let_sockets_go(&shared);
        driver.publish();
        changes.extend(driver.log_reports(&runs));
        driver.keep(changes);
        let handle = Handle {
            asks: asks_in,
            snapshot: snapshot_out,
            events,
            keeper_pid: keeper_pid_out,
            usages,
            log_health: Arc::clone(&driver.log_health),
            recorder,
            home,
            sockets,
            change: change_out,
            leaving,
            noted_loss,
        };
        Ok((driver, handle))
    }

    /// Runs until everything is to end.
    pub async fn run(mut self) -> Ended {
        // The sockets are there by now.
        self.keeper.order(Order::Ready);
        loop {
            if self.ending && self.brain.all_idle() {
                self.forget_the_last().await;
                fault::point!("kill.before_quit");
                self.keeper.order(Order::Quit);
                if !self.keeper.flush(FLUSH).await {
                    tracing::warn!("the keeper does not listen; it will start another daemon");
                }
                return Ended::Everything;
            }
            if let Some(ended) = self.decide_wish().await {
                return ended;
            }
            let deadline = self.brain.next_deadline();
            tokio::select! {
                biased;
                report = self.keeper.next() => match report {
                    Some(report) => self.hear_all(report),
                    None => {
                        if let Some(ended) = self.renew_keeper().await {
                            return ended;
                        }
                    }
                },
                Some(order) = self.socket_orders.recv() => match order {
                    SocketOrder::Hold(name, socket) => self.keeper.hold(name, socket),
                    SocketOrder::Release(name) => self.keeper.order(Order::Release { name }),
                },
                durable = self.endings.next() => self.forget(durable),
                Some(prepared) = self.prepared.recv() => self.launch(prepared),
                Some(fact) = self.verdicts.recv() => self.feed(Input::Fact(fact)),
                ask = self.asks.recv() => match ask {
                    Some(Ask::Commands { commands, author, reply }) => {
                        fault::point!("command.before");
                        let waits = is_to_be_saved(&commands);
                        if let Some(is) = self.revisions.unexpected(author.expected) {
                            let _ = reply.send(Err(HandleError::OtherRevision(is)));
                            continue;
                        }
                        self.revisions.author = author;
                        let (answers, changes) = self.command(commands);
                        fault::point!("command.before_record");
                        self.publish();
                        if !waits {
                            self.keep(changes);
                            let _ = reply.send(Ok(answers));
                            continue;
                        }
                        self.recorder.keep_then(changes, move |saved| {
                            let answer = saved.map(|()| answers).map_err(HandleError::NotSavedYet);
                            let _ = reply.send(answer);
                        });
                        self.endings.forget_when_durable(&self.recorder);
                        fault::point!("command.after_record");
                    }
                    Some(Ask::TendLogs { tend, logs, reply }) => {
                        let order = self.log_orders.ask(tend, logs, reply);
                        self.keeper.order(order);
                    }
                    Some(Ask::Tell(what, detail)) => self.tell_own(what, detail),
                    Some(Ask::End) => self.end_for_good(),
                    Some(Ask::Replace(wish)) => self.wish_for(wish),
                    Some(Ask::Leave) => {
                        self.forget_the_last().await;
                        self.keeper.flush(FLUSH).await;
                        return Ended::Left;
                    }
                    None => return Ended::Everything,
                },
                Some(samples) = self.samples.recv() => self.hear_samples(samples),
                Ok(()) = self.trouble.changed() => {
                    let trouble = self.trouble.borrow_and_update().clone();
                    self.trouble_changed(trouble);
                }
                () = sleep_until(deadline) => self.feed(Input::Tick),
                () = replacing::overdue(self.wish.as_ref()) => {}
            }
        }
    }

    /// The ends of these runs are durable.
    fn forget(&mut self, runs: Vec<RunId>) {
        for run in runs {
            self.order(run, Order::Forget { run: run.0 });
        }
    }

    /// Before this daemon ends: what is being written down now is not for the next one to hear
    /// again.
    async fn forget_the_last(&mut self) {
        self.endings.forget_when_durable(&self.recorder);
        while self.endings.are_being_written() {
            match tokio::time::timeout(FLUSH, self.endings.next()).await {
                Ok(runs) => self.forget(runs),
                // The keeper keeps them; the next daemon is told.
                Err(_) => return,
            }
        }
    }

    /// Takes a report and all others that are there already, then shows the result once.
    fn hear_all(&mut self, first: Report) {
        let mut next = Some(first);
        let mut changes = Vec::new();
        // Bounded, so that a flood of facts cannot starve commands.
        for _ in 0..256 {
            let Some(report) = next.take() else { break };
            changes.extend(self.hear(report));
            match self.keeper.try_next() {
                Attempt::Report(report) => next = Some(*report),
                // A lost keeper is noticed by the loop's next turn.
                Attempt::Nothing | Attempt::Gone => break,
            }
        }
        if let Some(report) = next {
            changes.extend(self.hear(report));
        }
        self.keep(changes);
    }

    /// A launch is ready, or cannot be made so.
    fn launch(&mut self, prepared: Prepared) {
        match self.preparing.end(prepared) {
            Some(Outcome::Orders(orders)) => orders.into_iter().for_each(|order| self.keeper.order(order)),
            Some(Outcome::Failed(fact)) => self.feed(Input::Fact(fact)),
            None => {}
        }
    }

    /// Sends an order for a run, after its launch.
    fn order(&mut self, run: RunId, order: Order) {
        if let Some(order) = self.preparing.hold(run, order) {
            self.keeper.order(order);
        }
    }

    /// The brain looks at every run that was measured because it has a memory limit.
    fn hear_samples(&mut self, samples: Vec<(RunId, u64)>) {
        let mut changes = Vec::new();
        for (run, bytes) in samples {
            changes.extend(self.step(Input::Fact(Fact::Sampled { run, memory: ByteSize(bytes) })));
        }
        self.keep(changes);
    }

    pub(super) fn hear(&mut self, report: Report) -> Vec<Change> {
        match report {
            Report::Hello { version: theirs, keeper_pid, runs, sockets, held: _, succession } => {
                if let Some(succession) = self.has_become_another(succession) {
                    // On the same line: nothing that was said on it is lost.
                    return self.heard_of(succession);
                }
                if theirs != version() {
                    tracing::error!("the keeper speaks version {theirs}, this daemon version {}", version());
                }
                self.keeper_pid.send_replace(Some(keeper_pid));
                for (name, socket) in self.sockets.all() {
                    self.keeper.hold(name, socket);
                }
                // First: what has to be launched again may need one of them.
                self.shared_ports = sockets.iter().copied().collect();
                let changes = self.renewed(&runs);
                self.let_sockets_go(&sockets);
                changes
            }
            Report::LogsTended { request, closed, problems } => {
                self.log_orders.answered(request, Tended { closed, problems });
                Vec::new()
            }
            Report::LogChanged { run, log } => self.log_changed(RunId(run), log).into_iter().collect(),
            Report::ReplaceFailed(succession) => self.heard_of(succession),
            // Only a daemon that begins is sent any.
            Report::Held { .. } => Vec::new(),
            Report::QuitAsked { signal } => {
                tracing::info!("the keeper got signal {signal}: stopping all services");
                self.ending = true;
                self.step(Input::Command(Command::Shutdown))
            }
            Report::Message { run, text } => {
                // Nobody asks for messages but for what the keeper understands itself.
                tracing::debug!(run, bytes = text.len(), "a message on an IPC channel");
                Vec::new()
            }
            Report::Spawned { .. }
            | Report::Signed { .. }
            | Report::Status { .. }
            | Report::SpawnFailed { .. }
            | Report::Exited { .. }
            | Report::TreeGone { .. } => {
                if let Report::Exited { run, peak: Some(bytes), .. } = &report {
                    self.peak = Some((RunId(*run), ByteSize(*bytes)));
                }
                keeper_words::fact(report).map(|fact| self.step(Input::Fact(fact))).unwrap_or_default()
            }
        }
    }

    /// A new keeper told what it found: what ended meanwhile is told as if it had been seen.
    fn renewed(&mut self, runs: &[RunReport]) -> Vec<Change> {
        self.log_orders.keeper_lost();
        self.preparing.forget_all();
        let living = runs.iter().map(|run| RunId(run.run)).collect();
        let mut changes = self.step(Input::Fact(Fact::HandsRenewed { living }));
        for run in runs {
            if let Some((pid, at)) = run.spawned {
                let fact = Fact::Spawned { run: RunId(run.run), pid: Pid(pid), at: Moment(at) };
                changes.extend(self.step(Input::Fact(fact)));
            }
            for fact in keeper_words::said(run) {
                changes.extend(self.step(Input::Fact(fact)));
            }
            if let Some((end, at)) = run.ended {
                let fact = Fact::Exited {
                    run: RunId(run.run),
                    end: keeper_words::end(end),
                    at: Moment(at),
                    tree_empty: run.tree_empty,
                };
                changes.extend(self.step(Input::Fact(fact)));
            }
        }
        changes
    }

    /// Nobody wants some of the sockets that a keeper holds: what was said about them may be lost.
    fn let_sockets_go(&mut self, held: &[u16]) {
        for port in self.brain.unwanted_sockets(held) {
            self.keeper.order(Order::ReleasePort { port });
        }
    }

    /// A log takes nothing, or does again.
    fn log_changed(&mut self, run: RunId, log: LogReport) -> Option<Change> {
        let process = self.brain.processes().find(|process| process.state.run() == Some(run))?;
        let (app, process) = (process.app, process.id);
        let kind = self.log_health.learn(process, log)?;
        self.remember(Event { app, process, run: Some(run), kind })
    }

    fn log_reports(&mut self, runs: &[RunReport]) -> Vec<Change> {
        let all = runs.iter().flat_map(|run| run.logs.iter().map(|log| (RunId(run.run), log.clone())));
        all.filter_map(|(run, log)| self.log_changed(run, log)).collect()
    }

    async fn renew_keeper(&mut self) -> Option<Ended> {
        tracing::warn!("the keeper is gone; services go on, starting a new one");
        self.keeper_pid.send_replace(None);
        loop {
            match KeeperLine::start_new(&self.home) {
                Ok(mut keeper) => {
                    let hello = tokio::time::timeout(INTRODUCTION, keeper.next());
                    match hello.await {
                        Ok(Some(report)) => {
                            self.keeper = keeper;
                            self.wish_was_fatal();
                            self.hear_all(report);
                            return None;
                        }
                        Ok(None) if lock_is_held(&self.home) => {
                            tracing::warn!("another keeper serves this home; leaving it to that one");
                            return Some(Ended::Replaced);
                        }
                        Ok(None) | Err(_) => tracing::error!("the new keeper did not introduce itself"),
                    }
                }
                Err(e) => tracing::error!("cannot start a keeper: {e}"),
            }
            tokio::time::sleep(KEEPER_RETRY).await;
        }
    }

    fn command(&mut self, commands: Vec<Command>) -> (Answers, Vec<Change>) {
        let mut answers = Vec::with_capacity(commands.len());
        let mut changes = Vec::new();
        if let Some(denied) = self.look_at_ports(&commands) {
            return (vec![Err(denied); commands.len()], changes);
        }
        for index in self.brain.in_order(&commands) {
            let command = commands[index].clone();
            let (answer, effects) = self.brain.step(clock::now(), Input::Command(command));
            answers.push((index, answer));
            changes.extend(self.carry_out(effects));
        }
        // Each in the place of its command.
        answers.sort_by_key(|(index, _)| *index);
        (answers.into_iter().map(|(_, answer)| answer).collect(), changes)
    }

    /// Stops every service with its goal, so that none comes back, then ends.
    fn end_for_good(&mut self) {
        let all: Vec<ProcessId> = self.brain.processes().map(|process| process.id).collect();
        let stops = all.into_iter().map(|process| Command::Stop { process }).collect();
        let (_, mut changes) = self.command(stops);
        changes.extend(self.step(Input::Command(Command::Shutdown)));
        self.keep(changes);
        self.ending = true;
    }

    /// Writes down what nobody waits for, and shows the result.
    pub(super) fn keep(&mut self, changes: Vec<Change>) {
        fault::point!("record.before");
        self.recorder.write(changes);
        self.endings.forget_when_durable(&self.recorder);
        fault::point!("record.after");
        self.publish();
    }

    /// One input that nobody waits for.
    fn feed(&mut self, input: Input) {
        let changes = self.step(input);
        self.keep(changes);
    }

    fn step(&mut self, input: Input) -> Vec<Change> {
        let questions = self.brain.port_questions(clock::now(), &input);
        self.see_ports(&questions);
        let (_, effects): (Result<Accepted, _>, _) = self.brain.step(clock::now(), input);
        self.carry_out(effects)
    }

    /// Tries the ports that commands may need. Answers why all of them are refused: a port is not
    /// to be had for one, and nothing is to start before that is known.
    fn look_at_ports(&mut self, commands: &[Command]) -> Option<Denied> {
        let now = clock::now();
        let questions = |command: &Command| self.brain.port_questions(now, &Input::Command(command.clone()));
        let questions: Vec<_> = commands.iter().flat_map(questions).collect();
        self.see_ports(&questions);
        // One by itself is refused before it changes anything.
        if questions.is_empty() || commands.len() == 1 {
            return None;
        }
        self.brain.lacks_a_port(now, commands)
    }

    fn see_ports(&mut self, questions: &[PortQuestion]) {
        if questions.is_empty() {
            return;
        }
        let ours = || {
            let main = |process: &Process| {
                let name = self.brain.app(process.app)?.instance_name(process.instance);
                Some((process.state.pid()?, PortOwner::Ours { name, id: process.id }))
            };
            self.brain.processes().filter_map(main).collect()
        };
        // A socket is there as long as anybody of ours has the port.
        let is_held = |port| self.shared_ports.contains(&port) && self.brain.is_shared(port);
        let busy = port_probe::look(questions, is_held, ours);
        // Nothing follows from it by itself.
        let (_, effects) = self.brain.step(clock::now(), Input::Fact(Fact::PortsSeen { busy }));
        debug_assert!(effects.is_empty());
    }

    /// Sends the orders; returns what is to be written down.
    fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut recorded = HashSet::new();
        for effect in effects {
            match effect {
                Effect::Launch { run, process, instance, spec, restarts, port } => {
                    let number = port.map(Port::number);
                    let preload = match port {
                        Some(Port::Shared(port)) => {
                            self.shared_ports.insert(port);
                            self.preload.path(&self.home, &spec).map(|path| (path, port))
                        }
                        Some(Port::Own(_)) | None => None,
                    };
                    let (home, files) = (self.home.clone(), spec.env_sources.files.clone());
                    let app = self.brain.process(process).map(|process| process.app);
                    app.into_iter().for_each(|app| self.revisions.launched(run, app));
                    let launch = move |from_files| {
                        let mut env =
                            environment::of_process(&home, &spec, process, instance, number, from_files);
                        if let Some((path, port)) = preload {
                            node::preload(&mut env, &path, &spec, port);
                        }
                        let logs = LogFiles::of(&home, &spec, instance);
                        let mut launch = keeper_words::launch(run, process, restarts, port, &spec, env, logs);
                        launch.keepsake =
                            app.map(|app| Keepsake { app, spec, instance }.to_text()).unwrap_or_default();
                        launch
                    };
                    match files.is_empty() {
                        true => self.keeper.order(Order::Launch(Box::new(launch(BTreeMap::new())))),
                        false => self.preparing.begin(run, files, launch),
                    }
                }
                Effect::Signal { run, signal, scope } => {
                    let (id, signal) = (run.0, signal.number());
                    self.order(
                        run,
                        match scope {
                            Scope::Main => Order::Signal { run: id, signal, tree: false },
                            Scope::Tree => Order::Signal { run: id, signal, tree: true },
                            Scope::Message => Order::AskToEnd { run: id, signal },
                        },
                    );
                }
                Effect::KillTree { run } => self.order(run, Order::KillTree { run: run.0 }),
                // Until its end is durable the keeper is the only one to know it.
                Effect::Forget { run } => self.endings.add(run),
                Effect::Release { port } => self.keeper.order(Order::ReleasePort { port }),
                Effect::Watch { run, process, instance, spec, port, since, ready } => {
                    let home = self.home.clone();
                    let env = move |spec: &AppSpec, from_files| {
                        environment::of_process(&home, spec, process, instance, port, from_files)
                    };
                    self.watching.begin(run, &spec, env, since, ready);
                }
                Effect::Unwatch { run } => self.watching.end(run),
                Effect::Await { run, process, instance, by, spec, port, since } => {
                    let logs = LogFiles::of(&self.home, &spec, instance);
                    self.awaiting.begin(by, Awaited { run, process, spec, logs, port, since });
                }
                Effect::Unawait { run } => self.awaiting.end(run),
                Effect::KeepReady { run, at } => self.order(run, Order::KeepReady { run: run.0, at: at.0 }),
                Effect::Record(record) => {
                    if recorded.insert(record) {
                        changes.extend(self.record(record));
                    }
                }
                Effect::Publish(event) => changes.extend(self.remember(event)),
            }
        }
        if self.brain.next_run().0 + RUN_BLOCK / 2 > self.reserved_runs {
            self.reserved_runs = self.brain.next_run().0 + RUN_BLOCK;
            changes.push(Change::ReserveRuns(RunId(self.reserved_runs)));
            let newest: HashSet<_> =
                self.brain.processes().filter_map(|process| process.latest_run).collect();
            let recent = self.brain.next_run().0.saturating_sub(RUN_BLOCK);
            self.revisions.keep_runs(|run| run.0 >= recent || newest.contains(&run));
        }
        changes
    }

    fn record(&mut self, record: Record) -> Vec<Change> {
        match record {
            Record::App(id) => {
                let Some(spec) = self.brain.app(id).cloned() else { return Vec::new() };
                let revised = self.revisions.revise(id, &spec, clock::unix_ms());
                [Change::PutApp { id, spec }].into_iter().chain(revised).collect()
            }
            Record::AppGone(id) => {
                self.revisions.forget_app(id);
                vec![Change::DropApp(id)]
            }
            Record::ProcessGone(id) => vec![Change::DropProcess(id)],
            Record::Process(id) => {
                let process = self.brain.process(id);
                process.map(|process| Change::PutProcess(process.to_remember())).into_iter().collect()
            }
        }
    }

    /// Gives the event its number and its words, tells it to whoever listens, and keeps it.
    fn remember(&mut self, event: Event) -> Option<Change> {
        let snapshot = self.snapshot.borrow().clone();
        let known = snapshot.processes.get(&event.process);
        let spec = self.brain.app(event.app).cloned().or_else(|| known.map(|view| view.spec.clone()))?;
        let instance =
            self.brain.process(event.process).map(|p| p.instance).or_else(|| known.map(|v| v.instance))?;
        let name = spec.instance_name(instance);
        if let EventKind::Deleted = event.kind {
            let is_last = !self.brain.processes().any(|process| process.app == event.app);
            let (home, spec) = (self.home.clone(), spec.clone());
            self.log_health.forget(event.process);
            tokio::task::spawn_blocking(move || log_files::remove(&home, &spec, instance, is_last));
        }
        let end = match &event.kind {
            EventKind::Exited { end, .. } => Some(*end),
            EventKind::Created
            | EventKind::Waits { .. }
            | EventKind::Needed { .. }
            | EventKind::StopTakenBack
            | EventKind::Started { .. }
            | EventKind::SpawnFailed { .. }
            | EventKind::StopAsked { .. }
            | EventKind::Reloading { .. }
            | EventKind::ReloadFailed { .. }
            | EventKind::Signalled { .. }
            | EventKind::CountersReset
            | EventKind::Updated
            | EventKind::OverMemory(_)
            | EventKind::HostBudget
            | EventKind::Killed
            | EventKind::BackingOff { .. }
            | EventKind::Errored { .. }
            | EventKind::Healthy
            | EventKind::Ready { .. }
            | EventKind::NotReady { .. }
            | EventKind::Unhealthy { .. }
            | EventKind::LogRefused { .. }
            | EventKind::LogTakes { .. }
            | EventKind::Stopped
            | EventKind::Deleted => None,
        };
        let mut detail = event_text::sentence(&name, &event.kind);
        if end.is_some()
            && let Some((_, peak)) = self.peak.take().filter(|(run, _)| Some(*run) == event.run)
        {
            detail.push_str(&format!("; its memory was at most {peak}"));
        }
        tracing::info!(app = %name, "{detail}");
        let row = EventRow {
            seq: self.next_event,
            at_ms: clock::unix_ms(),
            app: Some(event.app),
            process: Some(event.process),
            run: event.run,
            kind: event_text::word(&event.kind).to_owned(),
            name,
            namespace: spec.namespace.to_string(),
            detail,
            end,
            revision: event.run.and_then(|run| self.revisions.of_run(run)),
        };
        self.next_event += 1;
        let _ = self.events.send(Arc::new(row.clone()));
        Some(Change::AddEvent(row))
    }

    /// Shows the new picture to every reader, if it is new.
    fn publish(&mut self) {
        let Driver { brain, snapshot, revisions, home, .. } = self;
        let limited_before = snapshot.borrow().limited;
        snapshot.send_if_modified(|picture| Arc::make_mut(picture).update(brain, revisions, home));
        if limited_before == 0 && snapshot.borrow().limited > 0 {
            self.usages.wake();
        }
    }
}

/// What the host bears, or what somebody set instead.
fn restart_limits() -> Limits {
    let set = RestartBudget::from_env().unwrap_or_else(|sentence| {
        // Services are not left alone for that.
        tracing::error!("{sentence}; until then it is as if nothing were set");
        RestartBudget::default()
    });
    Limits::of_host(cpus()).or_as_set(set.burst, set.per_second)
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

async fn sleep_until(deadline: Option<Moment>) {
    match deadline {
        // A microsecond late rather than early: a tick that comes too soon only comes again.
        Some(at) => tokio::time::sleep(at.since(clock::now()) + Duration::from_micros(1)).await,
        None => std::future::pending().await,
    }
}

/// Is a keeper alive? Its lock says so.
fn lock_is_held(home: &Home) -> bool {
    use nix::fcntl::{Flock, FlockArg};
    match std::fs::File::open(home.keeper_lock()) {
        Ok(file) => Flock::lock(file, FlockArg::LockSharedNonblock).is_err(),
        Err(_) => false,
    }
}
