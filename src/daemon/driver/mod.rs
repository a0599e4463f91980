//! The loop: facts before commands before the deadline.
//!
//! It owns the brain, the keeper's line and the picture that readers see. It never waits while it
//! carries out effects: orders are queued, records go to the recorder's thread, and who asked is
//! answered from there once they are durable.

mod begin;
mod carry_out;
mod hear;
mod mind_balancers;
mod pulse;
mod rehearse;
mod see_ports;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::awaiting::Awaiting;
use super::balancing::Balancing;
use super::counting::Counts;
use super::endings::Endings;
use super::giving::Giving;
use super::handle::{Answers, Ask, HandleError, is_to_be_saved};
use super::keeper_line::KeeperLine;
use super::log_health::LogHealth;
use super::log_orders::LogOrders;
use super::log_places::LogPlaces;
use super::node::Preload;
use super::preparing::{Prepared, Preparing};
use super::replacing::{self, Pending};
use super::reservations::Reservations;
use super::revisions::{Author, Revisions};
use super::sampling::{Samples, Usages};
use super::sockets::{SocketOrder, Sockets};
use super::steering::Steering;
use super::view::Snapshot;
use super::wall_clock::WallClock;
use super::watching::Watching;
use super::{clock, secret_env, succession};
use crate::fault;
use crate::home::Home;
use crate::keeper::protocol::Order;
use crate::model::{ByteSize, Fact, Moment, ProcessId, RunId};
use crate::store::{Change, EventRow, Recorder, Trouble};
use crate::supervisor::{Accepted, Command, Input, Supervisor};

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
    counts: Arc<Counts>,
    log_orders: LogOrders,
    giving: Giving,
    log_places: LogPlaces,
    pub(super) next_event: u64,
    reserved_runs: u64,
    preparing: Preparing,
    prepared: mpsc::Receiver<Prepared>,
    watching: Watching,
    balancing: Balancing,
    steering: Steering,
    awaiting: Awaiting,
    verdicts: mpsc::Receiver<Fact>,
    /// Ports whose sockets the keeper has or had.
    shared_ports: BTreeSet<u16>,
    reserved: Reservations,
    preload: Preload,
    /// All services are to end, and then we.
    ending: bool,
    endings: Endings,
    revisions: Revisions,
    /// The most memory that the life had which is just told to have ended.
    peak: Option<(RunId, ByteSize)>,
    wall_clock: WallClock,
    secrets: secret_env::Shared,
    sockets: Arc<Sockets>,
    socket_orders: mpsc::UnboundedReceiver<SocketOrder>,
    pub(super) change: watch::Sender<Option<succession::Change>>,
    /// The keeper was asked to become another program.
    pub(super) wish: Option<Pending>,
    pub(super) leaving: Arc<watch::Sender<bool>>,
}

impl Driver {
    /// Runs until everything is to end.
    pub async fn run(mut self) -> Ended {
        // The sockets are there by now.
        self.keeper.order(Order::Ready);
        let mut pulse = tokio::time::interval(crate::keeper::pulse::period());
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                // First of all, so that a flood of facts is not taken for a loop that hangs.
                _ = pulse.tick() => self.give_pulse(),
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
                    // Whoever asked may have gone away meanwhile.
                    Some(Ask::Rehearse { commands, reply }) => _ = reply.send(self.rehearse(&commands)),
                    Some(Ask::TendLogs { tend, logs, reply }) => {
                        let order = self.log_orders.ask(tend, logs, reply);
                        self.keeper.order(order);
                    }
                    Some(Ask::Give { run, to, text, reply }) => {
                        let order = self.giving.ask(run, to, text, reply);
                        self.keeper.order(order);
                    }
                    Some(Ask::Learn(fact)) => self.feed(Input::Fact(fact)),
                    Some(Ask::Tell(what, detail)) => self.tell_own(what, detail),
                    Some(Ask::LimitRestarts(set)) => self.brain.limit_restarts(begin::restart_limits(set)),
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
                () = self.wall_clock.set() => self.tell_clock(),
                () = sleep_until(deadline) => {
                    self.tell_clock();
                    self.feed(Input::Tick);
                }
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

    /// The brain looks at every run that was measured because it has a memory limit.
    fn hear_samples(&mut self, samples: Vec<(RunId, u64)>) {
        let mut changes = Vec::new();
        for (run, bytes) in samples {
            changes.extend(self.step(Input::Fact(Fact::Sampled { run, memory: ByteSize(bytes) })));
        }
        self.keep(changes);
    }

    fn command(&mut self, commands: Vec<Command>) -> (Answers, Vec<Change>) {
        let asked = commands.len();
        let commands = self.with_balancers(commands);
        let mut answers = Vec::with_capacity(commands.len());
        let mut changes = Vec::new();
        if let Some(denied) = self.look_at_ports(&commands) {
            self.let_ports_go();
            return (vec![Err(denied); asked], changes);
        }
        for index in self.brain.in_order(&commands) {
            let command = commands[index].clone();
            let (answer, effects) = self.brain.step(clock::now(), Input::Command(command));
            answers.push((index, answer));
            changes.extend(self.carry_out(effects));
        }
        self.let_ports_go();
        // Each in the place of its command.
        answers.sort_by_key(|(index, _)| *index);
        (answers.into_iter().take(asked).map(|(_, answer)| answer).collect(), changes)
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
    pub(super) fn keep(&mut self, mut changes: Vec<Change>) {
        changes.extend(self.mind_balancers());
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

    /// What the clock on the wall shows, which drifts and is set.
    fn tell_clock(&mut self) {
        let changes = self.step(Input::Fact(Fact::ClockSet { unix_us: clock::unix_us_of(clock::now()) }));
        self.recorder.write(changes);
    }

    fn step(&mut self, input: Input) -> Vec<Change> {
        let questions = self.brain.port_questions(clock::now(), &input);
        self.see_ports(&questions);
        let may_fail = matches!(input, Input::Fact(Fact::SpawnFailed { .. } | Fact::HandsRenewed { .. }));
        self.revisions.author = Author::undoing();
        let (_, effects): (Result<Accepted, _>, _) = self.brain.step(clock::now(), input);
        let changes = self.carry_out(effects);
        if may_fail {
            self.let_go_of_what_never_began();
        }
        self.let_ports_go();
        changes
    }

    /// Tells the keeper where connections go now, if that is new.
    fn steer(&mut self) {
        for order in self.steering.update(&self.brain) {
            self.keeper.order(order);
        }
    }

    /// Shows the new picture to every reader, if it is new.
    fn publish(&mut self) {
        self.steer();
        let Driver { brain, snapshot, revisions, log_places, home, balancing, next_event, .. } = self;
        let limited_before = snapshot.borrow().limited;
        balancing.update(brain);
        snapshot.send_if_modified(|picture| {
            let picture = Arc::make_mut(picture);
            picture.events = next_event.saturating_sub(1);
            picture.update(brain, revisions, log_places, home)
        });
        if limited_before == 0 && snapshot.borrow().limited > 0 {
            self.usages.wake();
        }
    }
}

async fn sleep_until(deadline: Option<Moment>) {
    match deadline {
        // A microsecond late rather than early: a tick that comes too soon only comes again.
        Some(at) => tokio::time::sleep(at.since(clock::now()) + Duration::from_micros(1)).await,
        None => std::future::pending().await,
    }
}
