//! The rules about ports, stated as invariants.

use std::collections::BTreeSet;

use super::super::ports::wants_socket;
use super::super::spare_ports::spare;
use super::super::{Accepted, Command, Count, Denied, Effect, Input, Ports, Process};
use super::invariants::{Holds, ensure};
use super::ledger::reloaded;
use super::trials::promoted;
use super::world::{Given, Step, World};
use crate::model::{
    AppId, AppSpec, Balance, Fact, Goal, Port, PortOwner, PortPlan, ProcessId, Reason, Rest, State, Status,
    Want,
};

fn of(process: &Process) -> impl Iterator<Item = Port> {
    process.ports.held.into_iter().chain(process.ports.next).chain(process.ports.trial)
}

/// Who asks: a process, or a new one, of an app, or of a new one.
type Asking = (Option<ProcessId>, Option<AppId>);

/// Both may have it at the same time: they are of one app, or of one and its balancer.
fn may_share(world: &World, port: Port, app: Option<AppId>, other: Port, row: &Process) -> bool {
    let front = |app: AppId| world.brain.front_of(app);
    port.is_shared() && port == other && app.map(front) == Some(front(row.app))
}

/// Somebody other than `asking` has it, before or after the step, and does not share it.
fn is_taken(world: &World, step: &Step<'_>, port: Port, (asking, app): Asking) -> bool {
    let mut rows = step.before.values().chain(world.brain.processes());
    let in_the_way = |row: &Process, other: Port| {
        other.number() == port.number() && !may_share(world, port, app, other, row)
    };
    world.brain.ports.seen().contains_key(&port.number())
        || world.brain.leavers.values().any(|leaver| leaver.port == Some(port) && !port.is_shared())
        || rows.any(|row| Some(row.id) != asking && of(row).any(|other| in_the_way(row, other)))
}

/// What a process may have by a plan for one run, or by its definition.
fn may_have(plan: Option<PortPlan>, spec: &AppSpec, instance: u32) -> Option<Vec<Port>> {
    let wants = match (plan, spec.port) {
        (Some(plan), _) => plan.wants(0),
        (None, Some(plan)) => plan.wants(instance),
        (None, None) => return None,
    };
    let mut ports = match wants {
        Want::One(port) => vec![Port::Own(port)],
        Want::Shared(port) => vec![Port::Shared(port)],
        Want::AnyOf(first, last) => (first..=last).map(Port::Own).collect(),
        Want::Nothing => Vec::new(),
    };
    // Nobody but the balancer connects there.
    if plan.is_none() {
        ports.extend(spare(spec).into_iter().map(Port::Own));
    }
    Some(ports)
}

fn shared(ports: Vec<Port>) -> Vec<Port> {
    ports.into_iter().map(|port| Port::Shared(port.number())).collect()
}

pub fn every_port_free_or_held_once(world: &World, _: &Step<'_>) -> Holds {
    let mut held = BTreeSet::new();
    for process in world.brain.processes() {
        for port in of(process) {
            let in_the_way = |(taken, id, other): &&(u16, ProcessId, Port)| {
                let row = world.brain.process(*id).filter(|row| row.id != process.id);
                *taken == port.number()
                    && row.is_some_and(|row| !may_share(world, port, Some(process.app), *other, row))
            };
            let other = held.iter().find(in_the_way);
            ensure!(other.is_none(), "{port:?} is held by {} and by {other:?}", process.id);
            held.insert((port.number(), process.id, port));
        }
        let life = process.state.run().and_then(|run| world.lives.get(&run));
        let true_port = life.map_or(process.ports.held, |life| life.port);
        ensure!(
            true_port == process.ports.held,
            "{} runs with {true_port:?}: {:?}",
            process.id,
            process.ports
        );
    }
    let table = world.brain.ports.held();
    ensure!(held == *table, "rows have {held:?}, the table {table:?}");
    Ok(())
}

pub fn what_is_launched_has_a_free_port_of_its_plan(world: &World, step: &Step<'_>) -> Holds {
    for effect in step.effects {
        let Effect::Launch { run, process: id, port, told, spec, instance, .. } = effect else { continue };
        let row = world.brain.process(*id);
        // A reload goes by the definition.
        let tried = row.is_some_and(|row| row.trial == Some(*run));
        let plan = row.and_then(|row| row.ports.plan).filter(|_| !tried);
        let may_have = match told {
            Some(told) => {
                ensure!(
                    tried && row.is_some_and(|row| row.ports.held == Some(*told)),
                    "{id} is told {told:?}"
                );
                self::may_have(Some(Balance::PRIVATE_PORTS), spec, 0).map(shared)
            }
            None => may_have(plan, spec, *instance),
        };
        ensure!(may_have.is_some() == port.is_some(), "{id} is launched with {port:?} by {plan:?}");
        let Some(port) = port else { continue };
        ensure!(may_have.is_some_and(|ports| ports.contains(port)), "{id} is launched with {port:?}");
        let seen = world.brain.ports.seen();
        ensure!(
            !seen.contains_key(&port.number()),
            "{id} is launched with {port:?}, which another program has"
        );
    }
    Ok(())
}

/// The keeper holds the socket of whoever runs with one, and lets go of those that nobody wants.
pub fn a_shared_socket_is_held_while_it_is_wanted(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes().filter(|process| process.goal == Goal::Up) {
        let Some(Port::Shared(port)) = process.ports.held else { continue };
        let runs = match process.state {
            State::Starting { .. } | State::Running { .. } => true,
            State::Idle(_) | State::Waiting { .. } | State::Backoff { .. } | State::Stopping { .. } => false,
        };
        let held = world.sockets.get(&port) == Some(&false);
        ensure!(!runs || held, "{} runs and the socket of {port} is let go", process.id);
    }
    for port in world.sockets.iter().filter(|(_, released)| !**released).map(|(port, _)| *port) {
        let wants = |row: &Process| wants_socket(row) && of(row).any(|own| own == Port::Shared(port));
        ensure!(world.brain.processes().any(wants), "the socket of {port} is held for nobody");
    }
    Ok(())
}

pub fn what_rests_has_no_port(world: &World, _: &Step<'_>) -> Holds {
    for process in world.brain.processes() {
        let comes_back = process.goal == Goal::Up && world.brain.is_shutting_down();
        match &process.state {
            State::Idle(Rest::Stopped) if comes_back => {}
            State::Idle(_) => ensure!(process.ports == Ports::default(), "{} rests with a port", process.id),
            State::Waiting { .. }
            | State::Backoff { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => {}
        }
    }
    Ok(())
}

pub fn nobody_is_refused_a_port_that_is_free(world: &World, step: &Step<'_>) -> Holds {
    let parked = |row: &Process| matches!(row.state, State::Idle(Rest::Errored(Reason::NoPort(_))));
    for (id, before) in step.before.iter().filter(|(_, before)| !parked(before)) {
        let Some(row) = world.brain.process(*id).filter(|row| parked(row)) else { continue };
        let Some(spec) = world.brain.app(row.app) else { continue };
        let free = may_have(before.ports.plan, spec, row.instance).map(|ports| {
            ports.into_iter().find(|port| !is_taken(world, step, *port, (Some(*id), Some(row.app))))
        });
        ensure!(free == Some(None), "{id} is given up for want of a port, and {free:?} is free");
    }
    let asking = match step.given {
        Given::Input(Input::Command(
            Command::Start { process } | Command::Restart { process } | Command::Move { process, .. },
        )) => Some(*process),
        // The first of them is what can be refused: of the first app, and who is not in service before
        // those who are.
        Given::Input(Input::Command(Command::Reload { processes, .. })) => {
            let rows = processes.iter().filter_map(|id| step.before.get(id));
            let serves = |row: &Process| row.state.status() == Status::Online && !row.end_asked;
            // What rests until its schedule starts it is left alone.
            let left = |row: &Process| {
                let spec = world.brain.app(row.app);
                matches!(row.state, State::Idle(_)) && spec.is_some_and(|spec| spec.rests_between_slots())
            };
            let wanted = rows.filter(|row| row.goal == Goal::Up && !left(row));
            wanted.min_by_key(|row| (row.app, serves(row), row.instance)).map(|row| row.id)
        }
        _ => None,
    };
    // It may be something that is needed which lacks a port; then nobody here knows whose.
    let needs_others = asking
        .and_then(|id| world.brain.process(id))
        .and_then(|row| world.brain.app(row.app))
        .is_some_and(|spec| !spec.depends_on.is_empty());
    let needs_others = needs_others
        || matches!(step.given, Given::Input(Input::Command(Command::Create { spec } | Command::Update { spec, .. }))
            if !spec.depends_on.is_empty());
    if needs_others {
        return Ok(());
    }
    match step.answer {
        // Of its own processes one may have taken it from another, in the same step.
        Err(Denied::PortTaken { .. })
            if matches!(step.given, Given::Input(Input::Command(Command::Complete { .. }))) => {}
        Err(Denied::PortTaken { port, by }) => {
            let app = asking.and_then(|id| step.before.get(&id)).map(|row| row.app).or(app_of(step.given));
            // Asked for alone, or together with others of the app: one of the two is refused.
            let taken = [Port::Own(*port), Port::Shared(*port)]
                .into_iter()
                .filter(|wanted| is_asked_for(world, step, *wanted, app))
                .any(|wanted| is_taken(world, step, wanted, (asking, app)));
            let named = match by {
                PortOwner::Ours { id, .. } => {
                    let leaves = world.brain.leavers.values().any(|leaver| leaver.process == *id);
                    leaves || step.before.get(id).is_some_and(|row| of(row).any(|p| p.number() == *port))
                }
                PortOwner::Foreign { .. } | PortOwner::Unknown => true,
            };
            ensure!(taken && named, "{port} is refused, said to be of {by}");
        }
        Err(Denied::PortsExhausted { plan, .. }) => {
            let (PortPlan::Auto(first, last) | PortPlan::Range(first, last)) = *plan else { return Ok(()) };
            let free = (first..=last).filter(|port| !is_taken(world, step, Port::Own(*port), (asking, None)));
            let free = free.count();
            // A new app needs one for each instance, one that changes for each that comes or moves.
            let needed = match step.given {
                Given::Input(Input::Command(Command::Create { spec })) => spec.instances as usize,
                Given::Input(Input::Command(Command::Scale { app, .. } | Command::Update { app, .. })) => {
                    let present = step.before.values().filter(|row| row.app == *app).count();
                    let added = match step.given {
                        Given::Input(Input::Command(Command::Scale { count: Count::Exactly(n), .. })) => *n,
                        Given::Input(Input::Command(Command::Scale { count: Count::Change(n), .. })) => *n,
                        Given::Input(Input::Command(Command::Update { spec, .. })) => {
                            i64::from(spec.instances)
                        }
                        _ => 0,
                    };
                    present + added.unsigned_abs() as usize
                }
                Given::Input(Input::Command(Command::Complete { wanted, .. })) => {
                    wanted.len() + step.before.len()
                }
                _ => 1,
            };
            ensure!(free < needed, "{plan} is said to be full, and {free} of it are free");
        }
        Ok(_) | Err(_) => {}
    }
    Ok(())
}

/// The app that a command is about, if it is about one as a whole.
fn app_of(given: &Given) -> Option<AppId> {
    match given {
        Given::Input(Input::Command(Command::Scale { app, .. } | Command::Update { app, .. })) => Some(*app),
        Given::Input(_) | Given::Repeated(_) | Given::Restored => None,
    }
}

/// The command asks for a port in that way: by its own words, or by the definition.
fn is_asked_for(world: &World, step: &Step<'_>, port: Port, app: Option<AppId>) -> bool {
    let plan = match step.given {
        Given::Input(Input::Command(Command::Create { spec } | Command::Update { spec, .. })) => spec.port,
        Given::Input(Input::Command(Command::Move { port, .. })) => Some(*port),
        Given::Input(Input::Command(_)) => {
            app.and_then(|app| world.brain.app(app)).and_then(|spec| spec.port)
        }
        Given::Input(Input::Fact(_) | Input::Tick) | Given::Repeated(_) | Given::Restored => None,
    };
    plan.is_some_and(|plan| port.is_shared() == matches!(plan, PortPlan::Shared(_)))
}

pub fn a_crash_keeps_the_port(world: &World, step: &Step<'_>) -> Holds {
    match step.given {
        Given::Input(Input::Fact(_) | Input::Tick) | Given::Repeated(_) => {}
        Given::Input(Input::Command(_)) | Given::Restored => return Ok(()),
    }
    for (id, before) in step.before {
        // A reload is a plain restart.
        let Some(row) = world.brain.process(*id).filter(|_| !reloaded(step, *id)) else { continue };
        if promoted(before, row).is_some() {
            continue;
        }
        let alive = !matches!(row.state, State::Idle(_));
        ensure!(!alive || row.ports.plan == before.ports.plan, "{id} moves by {:?} unasked", row.ports.plan);
        let Some(kept) = before.ports.next.or(before.ports.held) else { continue };
        let fits = world.brain.app(row.app).and_then(|spec| may_have(row.ports.plan, spec, row.instance));
        let fits = fits.is_some_and(|ports| ports.contains(&kept));
        let launched = super::invariants::launches_of(step, *id).any(|run| row.trial != Some(run));
        // Another program has it, or a life that leaves has it still.
        let lost =
            world.brain.ports.seen().contains_key(&kept.number()) || world.brain.leaver_on(kept).is_some();
        let same = row.ports.held == Some(kept);
        ensure!(!launched || !fits || lost || same, "{id} had {kept:?} and now {:?}", row.ports);
    }
    Ok(())
}

pub fn an_override_lasts_until_the_next_plain_restart(world: &World, step: &Step<'_>) -> Holds {
    let Given::Input(Input::Command(command)) = step.given else { return Ok(()) };
    let (id, plan) = match command {
        Command::Start { process } | Command::Restart { process } => (process, None),
        Command::Move { process, port } => (process, Some(*port)),
        Command::Create { .. }
        | Command::Complete { .. }
        | Command::Stop { .. }
        | Command::Delete { .. }
        | Command::Signal { .. }
        | Command::Reset { .. }
        | Command::Scale { .. }
        | Command::Update { .. }
        | Command::Reload { .. }
        | Command::BreakOff { .. }
        | Command::Shutdown => return Ok(()),
    };
    let Some(row) = world.brain.process(*id) else { return Ok(()) };
    if *step.answer == Ok(Accepted::Done) {
        ensure!(row.ports.plan == plan, "{id} is to be at {plan:?}, is at {:?}", row.ports.plan);
    }
    Ok(())
}

/// A question is asked wherever a port may be given out; this catches the ones that are not.
pub fn what_is_given_out_was_tried(world: &World, step: &Step<'_>) -> Holds {
    if matches!(step.given, Given::Input(Input::Fact(Fact::PortsSeen { .. }))) {
        return Ok(());
    }
    for effect in step.effects {
        let Effect::Launch { port: Some(port), process, .. } = effect else { continue };
        ensure!(
            !world.somebody_else_listens(*port, *process),
            "{process} gets {port:?}, where another listens"
        );
    }
    Ok(())
}
