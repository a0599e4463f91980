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

/// Connections go to all who are online, and to nobody else; and the sockets stay of all who go on.
pub fn connections_go_to_who_is_online(world: &World, _: &Step<'_>) -> Holds {
    let steered = world.brain.steered();
    for (port, Steered { to, .. }) in &steered {
        for run in to {
            let row = world.brain.processes().find(|row| row.state.run() == Some(*run));
            let present = row.is_some_and(|row| serves(world, row));
            let mut trials = world.brain.trials.values().filter(|trial| trial.run == *run);
            let proven = trials.any(|trial| trial.up.as_ref().is_some_and(|up| up.online_since.is_some()));
            ensure!(present || proven, "{port}: connections go to {run}, which is not online");
        }
    }
    let is_spread = |row: &&Process| world.brain.app(row.app).is_some_and(|spec| spec.spread == Spread::Even);
    for row in world.brain.processes().filter(is_spread) {
        let Some(Port::Shared(port)) = row.ports.held else { continue };
        let steered = steered.get(&port);
        let kept = steered.is_some_and(|steered| steered.keep.contains(&row.instance));
        ensure!(kept || !wants_socket(row), "{port}: the socket of {} does not stay", row.id);
        let run = row.state.run();
        let told = steered.is_some_and(|steered| run.is_some_and(|run| steered.to.contains(&run)));
        ensure!(told || !serves(world, row), "{port}: {} is online and gets no connections", row.id);
    }
    Ok(())
}
