//! What the keeper says: facts for the brain, and what is about the line itself.

use super::super::keeper_line::{Attempt, KeeperLine};
use super::super::keeper_words;
use super::super::log_orders::Tended;
use super::super::own_events::Own;
use super::{Driver, Ended, INTRODUCTION, KEEPER_RETRY};
use crate::home::Home;
use crate::keeper::protocol::{LogReport, Order, Report, RunReport, version};
use crate::model::{ByteSize, End, Event, Fact, Moment, Pid, RunId, Signal, State};
use crate::store::Change;
use crate::supervisor::{Command, Input};

impl Driver {
    /// Takes a report and all others that are there already, then shows the result once.
    pub(super) fn hear_all(&mut self, first: Report) {
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

    pub(in crate::daemon) fn hear(&mut self, report: Report) -> Vec<Change> {
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
                self.steering.forget();
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
                self.hear_message(RunId(run), &text);
                Vec::new()
            }
            Report::Given { request, problem } => {
                self.giving.answered(request, problem);
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
                let fact = keeper_words::fact(report).map(|fact| self.with_what_the_kernel_says(fact));
                fact.map(|fact| self.step(Input::Fact(fact))).unwrap_or_default()
            }
        }
    }

    /// The same SIGKILL comes from people and, when memory is short, from the kernel. Who is to end gets it
    /// from us.
    fn with_what_the_kernel_says(&self, fact: Fact) -> Fact {
        let Fact::Exited { run, end: End::Signal(Signal::KILL), at, tree_empty } = fact else { return fact };
        let process = self.brain.whose(run).and_then(|id| self.brain.process(id));
        let running = process.and_then(|process| match process.state {
            State::Running { run: of, pid, .. } if of == run => Some(pid),
            State::Running { .. }
            | State::Idle(_)
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Stopping { .. } => None,
        });
        let end = match running.is_some_and(|pid| self.usages.was_out_of_memory(pid)) {
            true => End::OutOfMemory,
            false => End::Signal(Signal::KILL),
        };
        Fact::Exited { run, end, at, tree_empty }
    }

    /// A new keeper told what it found: what ended meanwhile is told as if it had been seen.
    fn renewed(&mut self, runs: &[RunReport]) -> Vec<Change> {
        self.log_orders.keeper_lost();
        self.giving.keeper_lost();
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
    pub(super) fn let_sockets_go(&mut self, held: &[u16]) {
        for port in self.brain.unwanted_sockets(held) {
            self.keeper.order(Order::ReleasePort { port });
        }
    }

    /// A log takes nothing, or does again, or has taken more.
    fn log_changed(&mut self, run: RunId, log: LogReport) -> Option<Change> {
        let id = self.brain.owner_of(run)?;
        self.log_health.count(id, run, &log);
        let process = self.brain.process(id).filter(|process| process.state.run() == Some(run))?;
        let (app, process) = (process.app, process.id);
        let kind = self.log_health.learn(process, log)?;
        self.remember(Event { app, process, run: Some(run), kind })
    }

    /// A program says something on its IPC channel, other than that it is ready.
    fn hear_message(&self, run: RunId, text: &str) {
        if let Some(process) = self.brain.whose(run) {
            self.usages.custom().learn(process, run, text);
        }
    }

    /// What earlier daemons were told once.
    pub(super) fn hear_offers(&self, runs: &[RunReport]) {
        for (run, offer) in runs.iter().flat_map(|run| run.offers.iter().map(|offer| (RunId(run.run), offer)))
        {
            self.hear_message(run, offer);
        }
    }

    pub(super) fn log_reports(&mut self, runs: &[RunReport]) -> Vec<Change> {
        let all = runs.iter().flat_map(|run| run.logs.iter().map(|log| (RunId(run.run), log.clone())));
        all.filter_map(|(run, log)| self.log_changed(run, log)).collect()
    }

    pub(super) async fn renew_keeper(&mut self) -> Option<Ended> {
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
                            let told =
                                "the keeper had ended, and a new one has taken its place; services went on";
                            self.tell_own(Own::KeeperRenewed, told.to_owned());
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
}

/// Is a keeper alive? Its lock says so.
fn lock_is_held(home: &Home) -> bool {
    use nix::fcntl::{Flock, FlockArg};
    match std::fs::File::open(home.keeper_lock()) {
        Ok(file) => Flock::lock(file, FlockArg::LockSharedNonblock).is_err(),
        Err(_) => false,
    }
}
