//! Which ports are to be tried before a step: whether another program listens on one is found out by
//! whoever gives the input.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Command, Input, Living, Process, Remembered, Supervisor, Then};
use crate::model::{AppId, AppSpec, Fact, Goal, Moment, Port, PortPlan, ProcessId, State, Want};

/// One need for a port: which ones to try, in this order, until enough are found to be free.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortQuestion {
    /// The one that is wanted. If it is free, no other matters.
    pub first: Option<u16>,
    /// What will do instead. Nobody of ours has any of these.
    pub others: Vec<u16>,
}

impl Supervisor {
    /// Which ports are to be tried before that input is given. None: none.
    pub fn port_questions(&self, now: Moment, input: &Input) -> Vec<PortQuestion> {
        // Who waits for others may be launched in any step.
        let waiting = match input {
            Input::Fact(Fact::PortsSeen { .. }) => Vec::new(),
            Input::Command(_) | Input::Fact(_) | Input::Tick => {
                self.waiting.iter().filter_map(|id| self.question_at_launch(*id)).collect()
            }
        };
        [self.questions_of(now, input), waiting].concat()
    }

    fn questions_of(&self, now: Moment, input: &Input) -> Vec<PortQuestion> {
        // Who waits for the host's budget may have its turn with any end, and with time.
        let queued = || self.queue.iter().map(|(_, id)| *id);
        let at_launch = |id| self.question_at_launch(id);
        match input {
            Input::Command(command) => self.questions_of_command(command),
            Input::Fact(
                Fact::Exited { run, .. } | Fact::TreeGone { run } | Fact::SpawnFailed { run, .. },
            ) => {
                let tried = self.question_of_failed_trial(*run);
                self.living(*run).into_iter().chain(queued()).filter_map(at_launch).chain(tried).collect()
            }
            Input::Fact(Fact::HandsRenewed { living }) => {
                let lost = self.lives().filter(|(run, _)| !living.contains(run)).map(|(_, id)| id);
                let lost: Vec<ProcessId> = lost.collect();
                // Who goes gives up its port in this step, and another may be launched with that.
                let freed = |id: &ProcessId| {
                    let process = &self.processes[id];
                    let port = process.ports.held.filter(|_| process.goal == Goal::Gone)?;
                    Some(PortQuestion { first: Some(port.number()), others: Vec::new() })
                };
                let freed: Vec<PortQuestion> = lost.iter().filter_map(freed).collect();
                lost.into_iter().chain(queued()).filter_map(at_launch).chain(freed).collect()
            }
            Input::Fact(Fact::FilesChanged { app, .. }) => {
                self.to_renew(*app).into_iter().filter_map(|id| self.question_at_renewal(id)).collect()
            }
            // What is asked to end for its health or memory has not ended yet.
            Input::Fact(
                Fact::Spawned { .. }
                | Fact::Checked { .. }
                | Fact::Ready { .. }
                | Fact::Remarked { .. }
                | Fact::Drained { .. }
                | Fact::Sampled { .. }
                | Fact::ClockSet { .. }
                | Fact::PortsSeen { .. },
            ) => Vec::new(),
            Input::Tick => {
                let launches = self.due(now).chain(queued()).filter_map(at_launch);
                let turns = self.next_turns().into_iter().filter_map(|id| self.question_of_next_turn(id));
                launches.chain(turns).chain(self.questions_of_slots(now)).collect()
            }
        }
    }

    /// What a start or restart of a process needs.
    pub(super) fn question_of(&self, id: ProcessId, plan: Option<PortPlan>) -> Option<PortQuestion> {
        let process = self.processes.get(&id)?;
        let lives = process.state.run().is_some();
        let question = self.question(id, plan, process.ports.held);
        // What it has while it runs it keeps, whoever listens there, unless it is to be somewhere else.
        let held = process.ports.held;
        let keeps = |q: &PortQuestion| q.first.is_some() && q.first == held.map(Port::number);
        question.filter(|q| !lives || !keeps(q) || self.has_spare(id, held))
    }

    fn questions_of_command(&self, command: &Command) -> Vec<PortQuestion> {
        let needed_by = |spec: &AppSpec| {
            let needed = self.stopped_dependencies(spec);
            needed.into_iter().filter_map(|id| self.question_of(id, None)).collect::<Vec<_>>()
        };
        let of_process = |id: &ProcessId, plan| {
            let spec = self.processes.get(id).map(|process| &self.apps[&process.app]);
            let mut questions = spec.map(|spec| needed_by(spec)).unwrap_or_default();
            questions.extend(self.question_of(*id, plan));
            questions
        };
        match command {
            Command::Create { spec } if !spec.autostart => Vec::new(),
            Command::Create { spec } => {
                let own =
                    |plan| (0..spec.instances).map(move |instance| self.ask(None, plan, instance, None));
                let own: Vec<PortQuestion> = spec.port.into_iter().flat_map(own).collect();
                [needed_by(spec), own].concat()
            }
            Command::Start { process } | Command::Restart { process } => of_process(process, None),
            Command::Move { process, port } => of_process(process, Some(*port)),
            Command::Scale { app, count } => self.questions_of_scale(*app, *count),
            Command::Complete { spec, wanted } => self.questions_of_completion(spec, wanted),
            Command::Update { app, spec, then } => {
                let needed = if *then == Then::Keep { Vec::new() } else { needed_by(spec) };
                [needed, self.questions_of_update(*app, spec, *then)].concat()
            }
            Command::Reload { processes, beside, ports, soak: _, back_to: _ } => {
                let question = |id: &ProcessId| self.question_of_turn(*id, beside, ports.get(id).copied());
                processes.iter().filter_map(question).collect()
            }
            Command::Stop { .. }
            | Command::Delete { .. }
            | Command::Signal { .. }
            | Command::Reset { .. }
            | Command::BreakOff { .. }
            | Command::Shutdown => Vec::new(),
        }
    }

    fn question_at_launch(&self, id: ProcessId) -> Option<PortQuestion> {
        let process = &self.processes[&id];
        match (process.goal, &process.state) {
            (Goal::Down | Goal::Gone, _) | (Goal::Up, State::Idle(_)) => None,
            (
                Goal::Up,
                State::Waiting { .. }
                | State::Backoff { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { .. },
            ) => {
                let ports = process.ports;
                self.question(id, ports.plan, ports.next.or(ports.held))
            }
        }
    }

    fn question(&self, id: ProcessId, plan: Option<PortPlan>, keeps: Option<Port>) -> Option<PortQuestion> {
        let process = &self.processes[&id];
        let instance = if plan.is_some() { 0 } else { process.instance };
        let moves = plan.is_none();
        let plan = plan.or(self.apps[&process.app].port)?;
        let asked = self.ask(Some(id), plan, instance, keeps);
        Some(if moves { self.or_spare(&self.apps[&process.app], keeps, asked) } else { asked })
    }

    pub(super) fn ask(
        &self,
        id: Option<ProcessId>,
        plan: PortPlan,
        instance: u32,
        keeps: Option<Port>,
    ) -> PortQuestion {
        match plan.wants(instance) {
            Want::One(port) | Want::Shared(port) => PortQuestion { first: Some(port), others: Vec::new() },
            Want::AnyOf(low, high) => {
                let first = keeps.map(Port::number).filter(|port| (low..=high).contains(port));
                let others = |port: u16| self.ports.holders(port).any(|(holder, _)| Some(holder) != id);
                let open = |port: &u16| Some(*port) != first && !others(*port);
                PortQuestion { first, others: (low..=high).filter(open).collect() }
            }
            Want::Nothing => PortQuestion { first: None, others: Vec::new() },
        }
    }

    /// Which ports are to be tried before [`Supervisor::restore`] is called.
    pub fn port_questions_at_restore(
        apps: &BTreeMap<AppId, Arc<AppSpec>>,
        rows: &[Remembered],
        living: &[Living],
    ) -> Vec<PortQuestion> {
        let mut brain = Supervisor::default();
        for (id, spec) in apps {
            brain.define(*id, spec.clone());
        }
        for row in rows.iter().filter(|row| apps.contains_key(&row.app)) {
            brain.put(row.id, Some(Process::at_rest(row.clone())));
        }
        let lives = |id| living.iter().any(|life| life.process == id && life.ended.is_none());
        let wanted = brain.processes.values().filter(|row| row.goal == Goal::Up && !lives(row.id));
        wanted.filter_map(|row| brain.question(row.id, row.ports.plan, row.ports.held)).collect()
    }
}
