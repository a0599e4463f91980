//! What people can ask for. Only here do goals change.
//!
//! ```text
//!            Idle            Waiting     Backoff   Starting, Running      Stopping
//! start      launch³         already so  launch¹   already so⁴            launch when over²
//! stop       rest as stopped rest        rest      end it⁵                stay down when over
//! restart    launch¹³        already so  launch¹   end it, then launch¹   launch¹ when over
//! delete     forget          forget      forget    end it⁵, then forget   forget when over
//! ```
//! ¹ counts as a restart, of a stopped process too, as in PM2. ² counts if nobody had asked for
//! that end: then it is the restart after a crash, only without the rules about waiting. ³ or it
//! waits for what it depends on, which is started, too. ⁴ one that was to end and was not told yet
//! goes on. ⁵ after what depends on it, if that is ending: see [`super::depends`].

use std::sync::Arc;

use super::{Accepted, Command, Denied, Overtaken, Process, Supervisor};
use crate::model::{AppId, AppSpec, Cause, EventKind, Goal, Moment, PortPlan, ProcessId, Rest, State};

impl Supervisor {
    pub(super) fn obey(&mut self, now: Moment, command: Command) -> Result<Accepted, Denied> {
        let concerned = self.concerned(&command);
        let answer = match command {
            Command::Create { spec } => self.create(now, spec),
            Command::Start { process } => self.start(now, process),
            Command::Stop { process } => self.stop(now, process),
            Command::Restart { process } => self.restart(now, process, None, Cause::Restart),
            Command::Move { process, port } => self.restart(now, process, Some(port), Cause::Restart),
            Command::Delete { process } => self.delete(now, process, Cause::Delete),
            Command::Signal { process, signal } => self.signal(process, signal),
            Command::Reset { process } => self.reset(process),
            Command::Scale { app, count } => self.scale(now, app, count),
            Command::Complete { spec, wanted } => self.complete(now, spec, &wanted),
            Command::Update { app, spec, then } => self.update(now, app, spec, then),
            Command::Reload { processes, beside, soak, ports, back_to } => {
                self.reload(now, processes, super::reload::How { beside, soak, ports, back_to })
            }
            Command::BreakOff { app, number } => Ok(self.break_off(now, app, number)),
            Command::Shutdown => Ok(self.shut_down(now)),
        };
        if let (Some((app, by)), Ok(Accepted::Done)) = (concerned, &answer) {
            self.interrupt_reload(now, app, by);
        }
        answer
    }

    /// The app whose reload that command would contradict, and as what.
    fn concerned(&self, command: &Command) -> Option<(AppId, Overtaken)> {
        let app = |process| self.processes.get(process).map(|process| process.app);
        match command {
            Command::Stop { process } => app(process).zip(Some(Overtaken::Stop)),
            Command::Restart { process } | Command::Move { process, .. } => {
                app(process).zip(Some(Overtaken::Restart))
            }
            Command::Delete { process } => app(process).zip(Some(Overtaken::Delete)),
            Command::Scale { app, .. } => Some((*app, Overtaken::Scale)),
            Command::Update { app, .. } => Some((*app, Overtaken::Update)),
            Command::Create { .. }
            | Command::Complete { .. }
            | Command::Start { .. }
            | Command::Signal { .. }
            | Command::Reset { .. }
            | Command::Reload { .. }
            | Command::BreakOff { .. }
            | Command::Shutdown => None,
        }
    }

    fn create(&mut self, now: Moment, spec: Arc<AppSpec>) -> Result<Accepted, Denied> {
        if self.shutting_down {
            return Err(Denied::ShuttingDown);
        }
        if let Some(process) = self.app_named(&spec.namespace, &spec.name) {
            let (name, namespace) = (spec.name.to_string(), spec.namespace.to_string());
            return Err(Denied::NameTaken { name, namespace, process });
        }
        self.check_dependencies(&spec)?;
        // A job is wanted up, and rests until its slot.
        let goal = if spec.autostart || spec.is_job() { Goal::Up } else { Goal::Down };
        let ports_for = if spec.autostart { Goal::Up } else { Goal::Down };
        let needed = if spec.autostart { self.stopped_dependencies(&spec) } else { Vec::new() };
        let numbers: Vec<u32> = (0..spec.instances).collect();
        // The app before which a balancer is to stand may be where that is to be.
        let front = self.balanced_by(&spec);
        if !needed.is_empty() {
            // Nothing is started for an app that gets no port.
            let mut rehearsal = self.clone();
            rehearsal.start_needed(now, &needed, spec.name.as_str())?;
            rehearsal.ports_of_new(front, &spec, &numbers, ports_for)?;
            self.start_needed(now, &needed, spec.name.as_str())?;
        }
        let ports = self.ports_of_new(front, &spec, &numbers, ports_for)?;
        let app = self.next_app;
        self.next_app = AppId(app.0 + 1);
        self.define(app, spec.clone());
        let mut processes = Vec::new();
        for (instance, held) in (0..).zip(ports) {
            processes.push(self.add_instance(app, instance, goal, held));
        }
        if spec.autostart {
            for id in &processes {
                self.begin(now, *id, false);
            }
        }
        Ok(Accepted::Created { app, processes })
    }

    /// Starts it, and what it depends on.
    pub(super) fn start(&mut self, now: Moment, id: ProcessId) -> Result<Accepted, Denied> {
        self.with_dependencies(now, id, |brain| brain.start_alone(now, id))
    }

    /// Starts what a process depends on, if that rests, and then does something to it that may
    /// launch it. All of it, or nothing.
    fn with_dependencies(
        &mut self,
        now: Moment,
        id: ProcessId,
        command: impl Fn(&mut Supervisor) -> Result<Accepted, Denied>,
    ) -> Result<Accepted, Denied> {
        let process = self.may_launch(id)?;
        let spec = self.apps[&process.app].clone();
        let needed = match process.state {
            State::Idle(_) | State::Waiting { .. } => self.stopped_dependencies(&spec),
            State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => Vec::new(),
        };
        if needed.is_empty() {
            return command(self);
        }
        let name = spec.instance_name(process.instance);
        let mut rehearsal = self.clone();
        rehearsal.start_needed(now, &needed, &name)?;
        command(&mut rehearsal)?;
        self.start_needed(now, &needed, &name)?;
        command(self)?;
        // Also when it waited before, and nothing but what it waits for was started.
        self.want_up(id);
        Ok(Accepted::Done)
    }

    /// Starts it, and nothing else.
    pub(super) fn start_alone(&mut self, now: Moment, id: ProcessId) -> Result<Accepted, Denied> {
        let process = self.may_launch(id)?;
        match process.state {
            State::Idle(_) => {
                self.aim(id, None)?;
                self.want_up(id);
                self.begin(now, id, false);
            }
            State::Waiting { .. } if process.ports.plan.is_some() => {
                self.aim(id, None)?;
                self.want_up(id);
            }
            State::Waiting { .. } => return Ok(Accepted::AlreadySo),
            State::Starting { .. } | State::Running { .. } if process.goal == Goal::Down => {
                self.aim(id, None)?;
                self.want_up(id);
                self.change(id, |process| {
                    (process.end_asked, process.end_cause, process.drains_until) = (false, None, None);
                });
                let run = self.processes[&id].state.run();
                self.publish(id, run, EventKind::StopTakenBack);
            }
            State::Backoff { .. } => {
                self.aim(id, None)?;
                self.want_up(id);
                self.launch(now, id, true);
            }
            State::Starting { .. } | State::Running { .. } => return Ok(Accepted::AlreadySo),
            State::Stopping { .. } if process.goal == Goal::Up && process.end_asked => {
                return Ok(Accepted::AlreadySo);
            }
            State::Stopping { .. } => {
                let nobody_asked = !process.end_asked;
                self.aim(id, None)?;
                self.want_up(id);
                self.change(id, |process| {
                    process.end_asked = true;
                    process.restart_asked |= nobody_asked;
                });
            }
        }
        Ok(Accepted::Done)
    }

    fn stop(&mut self, now: Moment, id: ProcessId) -> Result<Accepted, Denied> {
        let process = self.processes.get(&id).ok_or(Denied::NoSuchProcess(id))?;
        if process.goal == Goal::Gone && !planted!(RevivesTheDeleted) {
            return Err(Denied::BeingDeleted(id));
        }
        match process.state {
            State::Idle(Rest::Stopped) if process.goal == Goal::Down => return Ok(Accepted::AlreadySo),
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => {
                self.change(id, |process| (process.goal, process.queued) = (Goal::Down, false));
                self.rest(id, Rest::Stopped);
            }
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. }
                if process.goal == Goal::Down =>
            {
                return Ok(Accepted::AlreadySo);
            }
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => {
                self.change(id, |process| {
                    process.goal = Goal::Down;
                    process.queued = false;
                    process.over_memory = None;
                    process.restart_asked = false;
                    process.ports.next = None;
                });
                self.end_by_request(now, id, Cause::Stop);
            }
        }
        Ok(Accepted::Done)
    }

    /// `plan`: where to, if not where the definition says. `cause`: for itself, or in a reload.
    pub(super) fn restart(
        &mut self,
        now: Moment,
        id: ProcessId,
        plan: Option<PortPlan>,
        cause: Cause,
    ) -> Result<Accepted, Denied> {
        self.with_dependencies(now, id, |brain| brain.restart_alone(now, id, plan, cause))
    }

    /// Restarts it, and starts nothing else.
    pub(super) fn restart_alone(
        &mut self,
        now: Moment,
        id: ProcessId,
        plan: Option<PortPlan>,
        cause: Cause,
    ) -> Result<Accepted, Denied> {
        let process = self.may_launch(id)?;
        match process.state {
            State::Idle(_) => {
                self.aim(id, plan)?;
                self.want_up(id);
                self.begin(now, id, true);
            }
            State::Waiting { .. } if process.ports.plan != plan => {
                self.aim(id, plan)?;
                self.want_up(id);
            }
            State::Waiting { .. } => return Ok(Accepted::AlreadySo),
            State::Backoff { .. } => {
                self.aim(id, plan)?;
                self.want_up(id);
                self.launch(now, id, true);
            }
            // One that ends because of its memory would wait for the host's budget.
            State::Stopping { .. }
                if process.goal == Goal::Up
                    && process.restart_asked
                    && process.over_memory.is_none()
                    && process.ports.plan == plan =>
            {
                return Ok(Accepted::AlreadySo);
            }
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => {
                self.aim(id, plan)?;
                self.want_up(id);
                self.change(id, |process| process.restart_asked = true);
                if planted!(RestartsBesideTheOld) {
                    self.launch(now, id, true);
                    return Ok(Accepted::Done);
                }
                self.end_by_request(now, id, cause);
            }
        }
        Ok(Accepted::Done)
    }

    /// `cause`: for itself, or because the app is to have fewer.
    pub(super) fn delete(&mut self, now: Moment, id: ProcessId, cause: Cause) -> Result<Accepted, Denied> {
        let process = self.processes.get(&id).ok_or(Denied::NoSuchProcess(id))?;
        if process.goal == Goal::Gone {
            return Ok(Accepted::AlreadySo);
        }
        match process.state {
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } => self.forget(id),
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => {
                self.change(id, |process| {
                    process.goal = Goal::Gone;
                    process.ports.next = None;
                });
                self.end_by_request(now, id, cause);
            }
        }
        Ok(Accepted::Done)
    }

    /// The process, if a command may lead to a launch of it.
    pub(super) fn may_launch(&self, id: ProcessId) -> Result<&Process, Denied> {
        let process = self.processes.get(&id).ok_or(Denied::NoSuchProcess(id))?;
        if process.goal == Goal::Gone && !planted!(RevivesTheDeleted) {
            Err(Denied::BeingDeleted(id))
        } else if self.shutting_down {
            Err(Denied::ShuttingDown)
        } else {
            Ok(process)
        }
    }

    /// Somebody wants it up: what happened before is forgiven.
    fn want_up(&mut self, id: ProcessId) {
        self.change(id, |process| {
            process.goal = Goal::Up;
            process.over_memory = None;
            process.unstable = 0;
            process.waits = 0;
        });
    }

    /// Ends the present life because somebody wants that. One that is ending already is not asked
    /// twice.
    pub(super) fn end_by_request(&mut self, now: Moment, id: ProcessId, cause: Cause) {
        let process = &self.processes[&id];
        let run = process.state.run();
        let is_ending = matches!(process.state, State::Stopping { .. });
        self.change(id, |process| (process.end_asked, process.end_cause) = (true, Some(cause)));
        self.publish(id, run, EventKind::StopAsked { cause });
        self.begin_to_drain(now, id);
        if !is_ending && !self.ends_later(id) && !self.drains(id) {
            self.ask_to_end(now, id);
        }
    }
}
