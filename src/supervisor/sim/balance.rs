//! Balancers, as invariants: which are there, who is in service behind them, and that who leaves has
//! answered what it had. The observer knows what the balancers were told before the step.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Command, Effect, Input, Process, Route, Supervisor};
use super::invariants::{Holds, ensure, events};
use super::users::Dice;
use super::world::{Given, Step, World};
use crate::model::{
    AppId, AppSpec, Balance, Cause, EventKind, Fact, Goal, Moment, Port, PortPlan, ProcessId, RunId, State,
    Status,
};

/// The limits for drains.
const SHORTEST: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_secs(30);

/// What each balancer is told, and when who drains began to.
#[derive(Default, Debug)]
pub struct Told {
    pub routes: BTreeMap<AppId, Vec<Route>>,
    pub draining_since: BTreeMap<RunId, Moment>,
}

impl Told {
    /// The picture of now.
    pub fn update(&mut self, now: Moment, brain: &Supervisor) {
        let apps: Vec<AppId> = brain.balanced().map(|(app, _)| app).collect();
        self.routes = apps.into_iter().map(|app| (app, brain.routes(app))).collect();
        let draining: Vec<RunId> =
            self.routes.values().flatten().filter(|route| route.draining).map(|route| route.run).collect();
        self.draining_since.retain(|run, _| draining.contains(run));
        for run in draining {
            self.draining_since.entry(run).or_insert(now);
        }
    }

    fn in_service(&self) -> impl Iterator<Item = (AppId, &Route)> {
        let all = self.routes.iter().flat_map(|(app, routes)| routes.iter().map(move |route| (*app, route)));
        all.filter(|(_, route)| !route.draining)
    }
}

/// Some apps have a balancer before them; their processes have ports of their own.
pub fn any_balance(dice: &mut Dice, port: Option<PortPlan>) -> Option<Balance> {
    let own = matches!(port, Some(PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..)));
    let (first, last) = match port {
        Some(PortPlan::Single(port) | PortPlan::Shared(port)) => (port, port),
        Some(PortPlan::Range(first, last) | PortPlan::Auto(first, last)) => (first, last),
        None => return None,
    };
    // Others share that one, and some have just done so.
    let fronts: Vec<u16> =
        [3100, 3101, 3000, 3001].into_iter().filter(|port| !(first..=last).contains(port)).collect();
    (own && dice.chance(50)).then(|| Balance {
        port: dice.pick(&fronts),
        mode: Default::default(),
        method: Default::default(),
        sticky: Default::default(),
        timeout: Balance::USUAL_TIMEOUT,
        drain: dice.pick(&[SHORTEST, Duration::from_millis(900), LONGEST]),
        slow_start: Duration::ZERO,
    })
}

fn wanted(brain: &Supervisor, app: AppId) -> impl Iterator<Item = Goal> {
    let members = brain.processes().filter(move |row| row.app == app && row.goal != Goal::Gone);
    members.map(|row| row.goal)
}

/// After what the driver does: each balancer stands before an app that asks for one, and is wanted up
/// exactly while anything of that is.
pub fn balancers_are_there_while_they_are_needed(world: &World) -> Holds {
    let brain = &world.brain;
    if brain.is_shutting_down() {
        return Ok(());
    }
    let fail = |why: String| Err(format!("balancers_are_there_while_they_are_needed: {why}"));
    for row in brain.processes().filter(|row| row.goal != Goal::Gone) {
        let Some(spec) = brain.app(row.app).filter(|spec| spec.is_balancer()) else { continue };
        let shared = row.ports.held.map(Port::number);
        let front = brain.balanced_by(spec).filter(|app| {
            brain.apps[app].balance.is_some() || (shared.is_some() && stays_for(brain, *app, shared))
        });
        let Some(front) = front.filter(|app| wanted(brain, *app).next().is_some()) else {
            return fail(format!("{} stands before nothing", spec.name));
        };
        let up = wanted(brain, front).any(|goal| goal == Goal::Up);
        // Its port may be somebody else's.
        let refused = row.ports.held.is_none();
        if (row.goal == Goal::Up) != up && !(up && refused) {
            return fail(format!("{} is wanted {:?}, and its app up: {up}", spec.name, row.goal));
        }
    }
    Ok(())
}

/// Its processes are about to share that port, and none of them is online there yet.
fn stays_for(brain: &Supervisor, app: AppId, port: Option<u16>) -> bool {
    let is_about_to = matches!(brain.apps[&app].port, Some(PortPlan::Shared(shared)) if Some(shared) == port);
    let online = |row: &&Process| row.app == app && row.state.status() == Status::Online;
    let behind = |row: &Process| matches!(row.ports.held, Some(Port::Own(_)));
    let mut rows = brain.processes().filter(online);
    is_about_to && rows.any(behind)
}

/// What the processes of that app may say to be drained, nobody would hear.
fn nobody_would_say(world: &World, app: AppId) -> bool {
    let brain = &world.brain;
    let Some(spec) = brain.app(app).filter(|spec| spec.balance.is_some()) else { return true };
    let balancer = spec.name.of_balancer();
    let is_it = |spec: &AppSpec| spec.name == balancer;
    let stands = brain.processes().any(|row| is_it(&brain.apps[&row.app]) && row.state.run().is_some());
    !stands || brain.is_shutting_down() || !wanted(brain, app).any(|goal| goal == Goal::Up)
}

/// Who is in service is online: well, if it is checked, and with its sign shown, if it is awaited.
pub fn who_is_in_service_is_online(world: &World, _: &Step<'_>) -> Holds {
    let mut now = Told::default();
    now.update(Moment(0), &world.brain);
    for (app, route) in now.in_service() {
        let run = route.run;
        let present = world.brain.processes().find(|row| row.state.run() == Some(run));
        if let Some(row) = present {
            let wanted = row.goal == Goal::Up && !row.end_asked;
            ensure!(row.state.status() == Status::Online && wanted, "{run} is {:?}", row.state);
            let port = row.ports.held.map(Port::number);
            ensure!(port == Some(route.port), "{run} has {port:?}, the balancer knows {}", route.port);
            continue;
        }
        ensure!(world.brain.on_trial(run).is_some(), "{run} of {app:?} is in service and is nobody's");
        let checked = world.brain.app(app).is_some_and(|spec| spec.health.is_some());
        ensure!(!checked || world.ledger.nurse.well.contains(&run), "{run} is in service and was never well");
        let awaited = world.ledger.waiter.promised.contains_key(&run);
        ensure!(!awaited, "{run} is in service and has not shown its sign");
        let port = world.lives.get(&run).and_then(|life| life.port).map(Port::number);
        ensure!(port == Some(route.port), "{run} has {port:?}, the balancer knows {}", route.port);
    }
    Ok(())
}

/// A reload takes nobody out of service before another run of the same process is in service: there
/// are never fewer than before.
pub fn a_reload_is_never_below_the_floor(world: &World, step: &Step<'_>) -> Holds {
    let mut now = Told::default();
    now.update(Moment(0), &world.brain);
    for (id, run, kind) in events(step) {
        let EventKind::StopAsked { cause: Cause::Reload } = kind else { continue };
        let Some(row) = world.brain.process(id) else { continue };
        let was = world.told.in_service().find(|(app, route)| *app == row.app && Some(route.run) == run);
        let Some((_, was)) = was else { continue };
        let promoted = step.before.get(&id).and_then(|before| before.trial);
        // One that cannot have two runs pauses.
        let Some(new) = promoted.filter(|new| row.state.run() == Some(*new)) else { continue };
        let serves = |run: RunId| move |(_, route): (AppId, &Route)| route.run == run;
        ensure!(world.told.in_service().any(serves(new)), "{new} replaces {run:?} and was not in service");
        ensure!(now.in_service().any(serves(new)), "{new} replaces {run:?} and is not in service");
        ensure!(!now.in_service().any(serves(was.run)), "{run:?} is replaced and still gets work");
    }
    Ok(())
}

/// Who was in service and is replaced, or given up, is not asked to end before it has drained or its
/// time is over, as long as somebody would say so.
pub fn who_leaves_has_drained(world: &World, step: &Step<'_>) -> Holds {
    // Somebody may send it a signal of their own.
    let is_sent = matches!(step.given, Given::Input(Input::Command(Command::Signal { .. })));
    for effect in step.effects.iter().filter(|_| !is_sent) {
        let run = match effect {
            Effect::Signal { run, .. } | Effect::KillTree { run } => *run,
            _ => continue,
        };
        if let Some(since) = world.told.draining_since.get(&run) {
            let app = world.told.routes.iter().find(|(_, routes)| routes.iter().any(|it| it.run == run));
            let Some((app, _)) = app else { continue };
            let said = matches!(step.given, Given::Input(Input::Fact(Fact::Drained { run: other })) if *other == run);
            // The limit is the one of the definition at that time, which is not known any more.
            // It may have begun before the present daemon.
            let known = step.before.values().find_map(|row| *row.leaving.get(&run)?);
            let over = known.map_or(*since, |known| known.min(*since)) + SHORTEST <= step.now;
            let ended = world.ledger.exits.contains_key(&run);
            let vain = nobody_would_say(world, *app);
            // Of those that are to end, and have not been replaced, the last do not wait.
            let stays = world.brain.processes().any(|row| row.state.run() == Some(run));
            let alone = stays && !world.brain.routes(*app).iter().any(|route| !route.draining);
            ensure!(
                said || over || ended || vain || alone,
                "{run} drains since {since:?} and is asked to end"
            );
        }
    }
    for (id, run, kind) in events(step) {
        let (EventKind::StopAsked { cause: Cause::Reload }, Some(run)) = (kind, run) else { continue };
        let Some(row) = world.brain.process(id) else { continue };
        let promoted = step.before.get(&id).and_then(|before| before.trial);
        let served = world.told.in_service().any(|(_, route)| route.run == run);
        if promoted.is_none_or(|new| row.state.run() != Some(new)) || !served {
            continue;
        }
        let drains = world.brain.routes(row.app).iter().any(|route| route.run == run && route.draining);
        ensure!(drains || nobody_would_say(world, row.app), "{run} is replaced and does not drain");
    }
    Ok(())
}

/// It may answer what it has before it is told to end: others are there for what comes.
pub fn may_drain_first(world: &World, process: &Process) -> bool {
    let routes = world.brain.routes(process.app);
    let drains = |route: &Route| route.draining && Some(route.run) == process.state.run();
    let others = routes.iter().any(|route| !route.draining);
    routes.iter().any(drains) && others && !nobody_would_say(world, process.app)
}

/// Nobody drains for longer than it may.
pub fn no_drain_is_for_ever(world: &World, step: &Step<'_>) -> Holds {
    let mut now = Told::default();
    now.update(step.now, &world.brain);
    for (run, since) in &world.told.draining_since {
        let still = now.draining_since.contains_key(run);
        let late = *since + LONGEST < step.now;
        let due = matches!(step.given, Given::Input(Input::Tick));
        ensure!(!(still && late && due), "{run} drains since {since:?}");
    }
    Ok(())
}

/// A run that begins beside another has a port on which nobody else of ours is, nor anybody else.
pub fn what_is_on_trial_has_a_port_of_its_own(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Launch { run, process: id, port: Some(Port::Own(port)), .. } = effect else { continue };
        let Some(row) = world.brain.process(*id).filter(|row| row.trial == Some(*run)) else { continue };
        let others = world.brain.processes().filter(|other| other.id != row.id);
        let mut claimed = others
            .flat_map(|other| [other.ports.held, other.ports.next, other.ports.trial].into_iter().flatten());
        let own = row.ports.held.into_iter().chain(row.ports.next);
        let taken = claimed.any(|it| it.number() == *port) || own.into_iter().any(|it| it.number() == *port);
        ensure!(!taken, "{run} is tried on {port}, which somebody has");
        ensure!(!world.brain.ports.seen_busy(*port), "{run} is tried on {port}, which another program has");
        ensure!(matches!(row.state, State::Running { .. }), "{run} is tried beside {:?}", row.state);
    }
    Ok(())
}

/// The command is about a process that no user can name.
pub fn is_balancer(brain: &Supervisor, id: ProcessId) -> bool {
    brain.process(id).and_then(|row| brain.app(row.app)).is_some_and(|spec| spec.is_balancer())
}

/// What users can see and name.
pub fn of_users(brain: &Supervisor) -> Vec<(AppId, ProcessId)> {
    let all = brain.processes().map(|process| (process.app, process.id));
    all.filter(|(_, id)| !is_balancer(brain, *id)).collect()
}
