//! Who gets connections to a port of which each process has a socket of its own, as invariants.

use super::super::ports::wants_socket;
use super::super::{Process, Steered};
use super::invariants::{Holds, ensure};
use super::world::{Step, World};
use crate::model::{Goal, Port, Spread, Status};

/// It is online, and nobody wants it to end.
fn serves(world: &World, row: &Process) -> bool {
    let stays = row.goal == Goal::Up && !row.end_asked && !world.brain.is_shutting_down();
    stays && row.state.status() == Status::Online
}

/// What takes its place has proven itself.
fn has_a_proven_trial(world: &World, row: &Process) -> bool {
    let trial = world.brain.trials.get(&row.id).and_then(|trial| trial.up.as_ref());
    trial.is_some_and(|up| up.online_since.is_some())
}

/// Connections go to all who are online, and to nobody else; and the sockets stay of all who go on.
pub fn connections_go_to_who_is_online(world: &World, _: &Step<'_>) -> Holds {
    let steered = world.brain.steered();
    let is_spread = |row: &&Process| world.brain.app(row.app).is_some_and(|spec| spec.spread == Spread::Even);
    let rows: Vec<&Process> = world.brain.processes().filter(is_spread).collect();
    let has = |row: &Process, port: u16| row.ports.held == Some(Port::Shared(port));
    for (port, Steered { to, keep }) in &steered {
        ensure!(to.is_subset(keep), "{port}: connections go to {to:?}, and sockets stay of {keep:?}");
        for instance in to {
            let mut of_it = rows.iter().filter(|row| row.instance == *instance);
            let good =
                of_it.any(|row| (has(row, *port) && serves(world, row)) || has_a_proven_trial(world, row));
            ensure!(good, "{port}: connections go to instance {instance}, which is not online");
        }
    }
    for row in rows {
        let Some(Port::Shared(port)) = row.ports.held else { continue };
        let steered = steered.get(&port);
        let kept = steered.is_some_and(|steered| steered.keep.contains(&row.instance));
        ensure!(kept || !wants_socket(row), "{port}: the socket of {} does not stay", row.id);
        let told = steered.is_some_and(|steered| steered.to.contains(&row.instance));
        ensure!(told || !serves(world, row), "{port}: {} is online and gets no connections", row.id);
    }
    Ok(())
}
