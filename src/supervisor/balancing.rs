//! Balancers: what stands before which app, who is in service behind it, and which balancers are to
//! be there (acceptance rows A10, C2).
//!
//! A balancer is an app like any other, with a name that nobody can give, and lives as long as the
//! one before which it stands. It is up while anything of that is wanted up.

use std::sync::Arc;

use super::{Command, Supervisor, Then};
use crate::model::{AppId, AppSpec, Goal, Port, ProcessId, RunId, State, Status, Want};

/// Somebody behind a balancer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The life.
    pub run: RunId,
    /// Its number among the instances.
    pub instance: u32,
    /// Where it listens.
    pub port: u16,
    /// It gets nothing new.
    pub draining: bool,
}

impl Supervisor {
    /// The apps before which a balancer stands, or that are one.
    pub fn balanced(&self) -> impl Iterator<Item = (AppId, &Arc<AppSpec>)> {
        self.balanced.iter().filter_map(|id| Some((*id, self.apps.get(id)?)))
    }

    /// The app before which that balancer stands.
    pub fn balanced_by(&self, balancer: &AppSpec) -> Option<AppId> {
        self.app_of(&balancer.namespace, &balancer.name.of_balanced()?)
    }

    /// The balancer of that app.
    pub fn balancer_of(&self, app: AppId) -> Option<ProcessId> {
        let spec = self.apps.get(&app)?;
        let balancer = self.app_of(&spec.namespace, &spec.name.of_balancer())?;
        self.members_of(balancer).next()
    }

    /// The app whose clients connect to its ports: of a balancer the one before which it stands.
    pub(super) fn front_of(&self, app: AppId) -> AppId {
        self.apps.get(&app).and_then(|spec| self.balanced_by(spec)).unwrap_or(app)
    }

    /// Who is behind the balancer of that app.
    pub fn routes(&self, app: AppId) -> Vec<Route> {
        self.lives_in_service(app).filter(|(_, port)| !port.is_shared()).map(|(route, _)| route).collect()
    }

    /// Runs of a time before the balancer accept from the socket from which it is to accept.
    pub fn others_accept(&self, app: AppId) -> bool {
        let front = self.apps.get(&app).and_then(|spec| Some(Port::Shared(spec.balance.as_ref()?.port)));
        let accepts = |id: ProcessId| front.is_some() && self.processes[&id].ports.held == front;
        self.members_of(app).any(|id| accepts(id) && self.serves(id))
    }

    /// Which lives of that app are in service, or were until they were to leave, and on which port each is.
    pub(super) fn lives_in_service(&self, app: AppId) -> impl Iterator<Item = (Route, Port)> {
        let present = self.members_of(app).filter_map(|id| self.present_route(id));
        let on_trial = self.members_of(app).filter_map(|id| self.route_on_trial(id));
        let leaves = self.leavers.iter().filter(move |(_, leaver)| leaver.app == app && leaver.drains());
        let draining = leaves.filter_map(|(run, leaver)| {
            let port = leaver.port?;
            Some((Route { run: *run, instance: leaver.instance, port: port.number(), draining: true }, port))
        });
        present.chain(on_trial).chain(draining)
    }

    /// Somebody of that app is in service, or comes into it by itself.
    pub fn is_awaited(&self, app: AppId) -> bool {
        self.members_of(app).any(|id| {
            let process = &self.processes[&id];
            process.goal == Goal::Up && !matches!(process.state, State::Idle(_))
        })
    }

    fn present_route(&self, id: ProcessId) -> Option<(Route, Port)> {
        let process = &self.processes[&id];
        let port = process.ports.held?;
        let State::Running { run, .. } = process.state else { return None };
        let draining = process.drains_until.is_some();
        let told = draining || self.serves(id);
        let route = Route { run, instance: process.instance, port: port.number(), draining };
        told.then_some((route, port))
    }

    /// The present life of that process gets work.
    pub(super) fn serves(&self, id: ProcessId) -> bool {
        let process = &self.processes[&id];
        let online = process.state.status() == Status::Online && process.goal == Goal::Up;
        online && !process.end_asked && !self.shutting_down
    }

    /// What is online takes its share while the one that it is to replace is still there: so it
    /// proves itself with real work.
    fn route_on_trial(&self, id: ProcessId) -> Option<(Route, Port)> {
        let (process, trial) =
            (&self.processes[&id], self.trials.get(&id).filter(|trial| !trial.is_rehearsed())?);
        let (run, port) = (trial.run, trial.port?);
        let online = trial.up.as_ref().is_some_and(|up| up.online_since.is_some());
        let serves = online && process.goal == Goal::Up && !self.shutting_down;
        let route = Route { run, instance: process.instance, port: port.number(), draining: false };
        serves.then_some((route, port))
    }

    /// What is to be commanded so that the balancers are there which are wanted, and no others.
    pub fn balancers_due(&self) -> Vec<Command> {
        if self.shutting_down {
            return Vec::new();
        }
        self.balanced.iter().flat_map(|app| self.due_of(*app)).collect()
    }

    /// A balancer that is on `port` stands before that app until one of its processes accepts there: they
    /// take over its socket, and those behind it go on meanwhile.
    fn stands_in(&self, app: AppId, port: Option<Port>) -> bool {
        let takes_over = self.apps[&app].port.map(|plan| plan.wants(0)).is_some_and(|want| match want {
            Want::Shared(shared) => port == Some(Port::Shared(shared)),
            Want::One(_) | Want::AnyOf(..) | Want::Nothing => false,
        });
        let mut serving = self.lives_in_service(app).filter(|(route, _)| !route.draining).peekable();
        takes_over && serving.peek().is_some() && serving.all(|(_, port)| !port.is_shared())
    }

    /// A run of a time before the balancer has bound the balancer's port by itself, and is about to leave
    /// it: a balancer comes when that is gone.
    fn binds_the_front(&self, app: AppId) -> bool {
        let Some(spec) = self.apps.get(&app) else { return false };
        let Some(front) = spec.balance.as_ref().map(|balance| balance.port) else { return false };
        let own = Port::Own(front);
        // One that is to be there is in the way of the balancer, which says so.
        let stays = |instance| match spec.port.map(|plan| plan.wants(instance)) {
            Some(Want::One(port)) => port == front,
            Some(Want::AnyOf(first, last)) => (first..=last).contains(&front),
            Some(Want::Shared(_) | Want::Nothing) | None => false,
        };
        let has_it = |id| {
            let row = &self.processes[&id];
            row.ports.held == Some(own) && !stays(row.instance)
        };
        let leaves = self.leavers.values().any(|leaver| leaver.app == app && leaver.port == Some(own));
        leaves || self.members_of(app).any(has_it)
    }

    fn due_of(&self, app: AppId) -> Option<Command> {
        let spec = self.apps.get(&app)?;
        if spec.is_balancer() {
            let process = self.members_of(app).next()?;
            let front = self.balanced_by(spec).filter(|front| !self.wanted_members(*front).is_empty());
            let needed = front.is_some_and(|front| {
                self.apps[&front].balance.is_some()
                    || self.stands_in(front, self.processes[&process].ports.held)
            });
            let goes = self.processes[&process].goal == Goal::Gone;
            return (!needed && !goes).then_some(Command::Delete { process });
        }
        let wanted = spec.balancer()?;
        let members = self.wanted_members(app);
        if members.is_empty() {
            return None;
        }
        let is_up = members.iter().any(|(_, id)| self.processes[id].goal == Goal::Up);
        let Some(process) = self.balancer_of(app) else {
            if self.binds_the_front(app) {
                return None;
            }
            return Some(Command::Create { spec: Arc::new(AppSpec { autostart: is_up, ..wanted }) });
        };
        let row = &self.processes[&process];
        let present = &self.apps[&row.app];
        if (present.port, present.stop.timeout) != (wanted.port, wanted.stop.timeout)
            && row.goal != Goal::Gone
            && !self.binds_the_front(app)
        {
            let then = if present.port == wanted.port || !is_up { Then::Keep } else { Then::Restart };
            return Some(Command::Update { app: row.app, spec: Arc::new(wanted), then });
        }
        match (is_up, row.goal) {
            (true, Goal::Down) => Some(Command::Start { process }),
            (false, Goal::Up) => Some(Command::Stop { process }),
            (true, Goal::Up) | (false, Goal::Down) | (_, Goal::Gone) => None,
        }
    }
}
