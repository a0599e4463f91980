//! Ports of which each slot of an app has a listening socket of its own (`spread even`).
//!
//! The kernel puts each new connection into the queue of one socket of the group (`SO_REUSEPORT`).
//! Left alone it goes by a hash, and a connection for a process that is not ready waits until it is.
//! So a program in the group (classic BPF, which needs no privileges) chooses by chance among the
//! sockets of runs that are ready: those that the daemon names ([`Order::Steer`]), without those
//! that have ended or are stopped (SIGSTOP), which the keeper as the parent sees first. While none is
//! ready, connections wait in the queues of those that go on. A run to whose queue nothing more comes
//! empties it before it is asked to end ([`asking`](super::asking)); what is in the queue of one that
//! dies waits for the next run of that slot.
//!
//! ```text
//!               ┌ place 0 ─ slot 0, ready ──── run          places ≠ slots: whoever comes is last,
//!   SYN ─▶ BPF ─┼ place 1 ─ slot 2, stopped                 and when a place becomes free, the last
//!               └ place 2 ─ slot 1, ready ──── run          one takes it
//! ```
//!
//! The kernel tells nobody who is at which place; it is known because all sockets are made and closed
//! here, and is kept in the records of the runs, for the next keeper. Sockets that only a dead keeper
//! had are gone, and with more than one of those the places of the others cannot be known: then
//! connections go by the hash, to runs that live, until the app was stopped once.
//!
//! The first socket of a port is bound without `SO_REUSEPORT`, so a port that somebody has is refused.
//! Afterwards a program of the same user may listen there, too, if it asks for that: it gets nothing as
//! long as no socket of ours comes after its own.
//!
//! A port can have both kinds of sockets for a while, when an app changes from one to the other: the
//! one that all share is in the group as that of one more slot.
//!
//! [`Order::Steer`]: super::protocol::Order::Steer

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};
use serde::{Deserialize, Serialize};

use super::event_loop::Keeper;
use super::process::io_words;
use super::run::Run;
use super::say;
use super::sockets::{Place, Sockets};

/// A place that there is not: then the kernel goes by its hash.
const NO_PLACE: u32 = u32::MAX;

/// Where a run is in such a group, for the next keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Its slot.
    pub slot: u32,
    /// Of two orders the one with the higher number is the newer.
    pub turn: u64,
    /// The numbers (inodes) of all sockets of the group, as the kernel has them.
    pub order: Vec<u64>,
}

/// The sockets of one port.
#[derive(Default)]
pub struct Group {
    /// Their numbers, each at its place; `None`: nobody knows.
    order: Option<Vec<u64>>,
    /// Counts the changes of the order.
    turn: u64,
    /// The runs that are ready, as the daemon says.
    to: BTreeSet<u64>,
    /// The places that the kernel chooses among; `None`: nobody has told it yet.
    chosen: Option<Vec<u32>>,
}

impl Group {
    /// A group without a socket.
    pub fn empty() -> Group {
        Group { order: Some(Vec::new()), ..Group::default() }
    }

    /// A socket has begun to listen.
    pub fn join(&mut self, inode: u64) {
        self.turn += 1;
        self.order.iter_mut().for_each(|order| order.push(inode));
    }

    /// A socket does not listen any more.
    pub fn leave(&mut self, inode: u64) {
        self.turn += 1;
        if let Some(order) = &mut self.order
            && let Some(place) = order.iter().position(|other| *other == inode)
        {
            order.swap_remove(place);
        }
    }

    fn record(&self, slot: u32) -> Spread {
        Spread { slot, turn: self.turn, order: self.order.clone().unwrap_or_default() }
    }
}

/// The order of which only these are left, if there is only one that it can be. Two that have left
/// have done so in an order that nobody saw; at the end that makes no difference.
fn left_of(mut order: Vec<u64>, alive: &BTreeSet<u64>) -> Option<Vec<u64>> {
    while order.last().is_some_and(|inode| !alive.contains(inode)) {
        order.pop();
    }
    let gone: Vec<usize> = (0..order.len()).filter(|place| !alive.contains(&order[*place])).collect();
    match gone[..] {
        [] => {}
        [place] => _ = order.swap_remove(place),
        [_, _, ..] => return None,
    }
    (order.len() == alive.len()).then_some(order)
}

/// A program that chooses by chance among these places. Without any it leaves the choice to the hash.
fn program(places: &[u32]) -> Vec<libc::sock_filter> {
    let (load, modulo, equal, give) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    );
    let step = |code: u32, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    if places.is_empty() {
        return vec![step(give, 0, NO_PLACE)];
    }
    let random = (libc::SKF_AD_OFF + libc::SKF_AD_RANDOM) as u32;
    let mut steps = vec![step(load, 0, random), step(modulo, 0, places.len() as u32)];
    if places.iter().copied().eq(0..places.len() as u32) {
        // What was drawn is the place.
        steps.push(step(libc::BPF_RET | libc::BPF_A, 0, 0));
        return steps;
    }
    for (drawn, place) in (0..).zip(places) {
        steps.extend([step(equal, 1, drawn), step(give, 0, *place)]);
    }
    steps.push(step(give, 0, NO_PLACE));
    steps
}

impl Sockets {
    /// What is kept with a run of that slot.
    pub fn spread(&self, port: u16, slot: u32) -> Option<Spread> {
        self.groups.get(&port).map(|group| group.record(slot))
    }

    /// Closes a socket. Its group knows it at once: whoever else has it open cannot listen with it any
    /// more, either.
    pub fn close(&mut self, place: Place) {
        let Some(held) = self.held.remove(&place) else { return };
        let Some(group) = self.groups.get_mut(&place.port) else { return };
        let _ = shutdown(held.socket.as_raw_fd(), Shutdown::Read);
        group.leave(held.inode);
        if !self.held.keys().any(|other| other.port == place.port && other.slot.is_some()) {
            self.groups.remove(&place.port);
        }
    }

    /// Has the kernel choose among these sockets of that port.
    fn choose(&mut self, port: u16, chosen: &BTreeSet<Place>) -> io::Result<()> {
        let Some(group) = self.groups.get_mut(&port) else { return Ok(()) };
        let is_chosen = |inode: &u64| chosen.iter().any(|place| self.held[place].inode == *inode);
        let order = group.order.as_deref().unwrap_or_default();
        let places: Vec<u32> =
            (0..).zip(order).filter(|(_, inode)| is_chosen(inode)).map(|(place, _)| place).collect();
        if group.chosen.as_ref() == Some(&places) {
            return Ok(());
        }
        let Some((_, held)) = self.held.iter().find(|(place, _)| place.port == port) else { return Ok(()) };
        let mut steps = program(&places);
        let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
        setsockopt(&held.socket, sockopt::AttachReusePortCbpf, &program)?;
        group.chosen = Some(places);
        Ok(())
    }

    /// No connection comes to that socket any more: all go to others.
    pub fn is_passed_over(&self, place: Place) -> bool {
        let known = self.groups.get(&place.port).and_then(|group| Some((group, group.chosen.as_ref()?)));
        let (Some((group, chosen)), Some(held)) = (known, self.held.get(&place)) else { return false };
        let is_chosen = |inode: &u64, at: u32| *inode == held.inode && chosen.contains(&at);
        let order = group.order.as_deref().unwrap_or_default();
        !chosen.is_empty() && !order.iter().zip(0..).any(|(inode, at)| is_chosen(inode, at))
    }

    /// Where connections to that port are to go, when these runs live: to those that are ready. If none
    /// is, to those that go on and may become it.
    fn best(&self, port: u16, live: &[(u64, Place)]) -> BTreeSet<Place> {
        let Some(group) = self.groups.get(&port) else { return BTreeSet::new() };
        let stays = |place: &Place| self.held.get(place).is_some_and(|held| !held.released);
        let ready = live.iter().filter(|(run, _)| group.to.contains(run)).map(|(_, place)| *place);
        let living = live.iter().map(|(_, place)| *place).filter(stays);
        let kept = self.held.keys().copied().filter(|place| place.port == port).filter(stays);
        let is_held = |place: &Place| self.held.contains_key(place);
        let classes: [BTreeSet<Place>; 3] =
            [ready.filter(is_held).collect(), living.collect(), kept.collect()];
        classes.into_iter().find(|class| !class.is_empty()).unwrap_or_default()
    }
}

impl Keeper {
    /// The daemon says where connections are to go, and whose sockets are needed.
    pub fn steer_to(&mut self, port: u16, to: Vec<u64>, keep: &[u32]) {
        for (place, held) in self.sockets.held.iter_mut().filter(|(place, _)| place.port == port) {
            if let Some(slot) = place.slot {
                held.released = !keep.contains(&slot);
            }
        }
        if let Some(group) = self.sockets.groups.get_mut(&port) {
            group.to = to.into_iter().collect();
        }
        self.close_sockets();
        self.steer(port);
    }

    /// Something has happened to a run that may have a socket of its own.
    pub fn steer_around(&mut self, id: u64) {
        if let Some(port) = self.runs.get(&id).and_then(|run| run.record.port) {
            self.steer(port);
        }
    }

    /// Has connections to that port go to who is ready now.
    pub fn steer(&mut self, port: u16) {
        if !self.sockets.groups.contains_key(&port) {
            return;
        }
        let takes = |run: &Run| run.record.port == Some(port) && !run.is_ended() && !run.paused;
        let live = self.runs.iter().filter(|(_, run)| takes(run));
        let live: Vec<(u64, Place)> = live.filter_map(|(id, run)| Some((*id, Place::of(run)?))).collect();
        let best = self.sockets.best(port, &live);
        if let Err(error) = self.sockets.choose(port, &best) {
            say::warning!("cannot steer connections to port {port}: {}", io_words(&error));
        }
    }

    /// Keeps the order of the group of that port with its runs.
    pub fn write_order(&mut self, port: u16) {
        let Some(group) = self.sockets.groups.get(&port) else { return };
        let records = self.runs.values_mut().map(|run| &mut run.record);
        for record in records.filter(|record| record.port == Some(port)) {
            let Some(spread) = record.spread.as_mut().filter(|spread| spread.turn != group.turn) else {
                continue;
            };
            *spread = group.record(spread.slot);
            if let Err(error) = record.write(&self.run_dir) {
                say::warning!("cannot write down run {}: {}", record.run, io_words(&error));
            }
        }
    }

    /// Finds out how the groups are that an earlier keeper has made, once their sockets are back.
    pub fn take_groups_back(&mut self) {
        let mut latest: BTreeMap<u16, Spread> = BTreeMap::new();
        for record in self.runs.values().map(|run| &run.record) {
            let Some((port, spread)) = record.port.zip(record.spread.as_ref()) else { continue };
            let known = latest.entry(port).or_insert_with(|| spread.clone());
            if known.turn < spread.turn {
                *known = spread.clone();
            }
        }
        for (port, Spread { turn, order, .. }) in latest {
            let of_port = self.sockets.held.iter().filter(|(place, _)| place.port == port);
            let alive: BTreeSet<u64> = of_port.map(|(_, held)| held.inode).collect();
            if alive.is_empty() {
                continue;
            }
            let order = left_of(order, &alive);
            if order.is_none() {
                say::warning!(
                    "connections to port {port} are spread by the kernel's hash, also to who is not ready, until \
                     its app was stopped and started: sockets of it were lost with an earlier keeper"
                );
            }
            self.sockets.groups.insert(port, Group { order, turn: turn + 1, ..Group::default() });
            self.write_order(port);
            self.steer(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_takes_the_place_of_who_leaves() {
        let mut group = Group::empty();
        [7, 8, 9].into_iter().for_each(|inode| group.join(inode));
        group.leave(7);
        assert_eq!((group.order.as_deref(), group.turn), (Some(&[9, 8][..]), 4));
        group.leave(100);
        assert_eq!(group.order.as_deref(), Some(&[9, 8][..]));
    }

    #[test]
    fn what_is_left_of_an_order_is_known_if_there_is_only_one_way() {
        let check = |alive: &[u64], left: Option<&[u64]>| {
            let alive = alive.iter().copied().collect();
            assert_eq!(left_of(vec![1, 2, 3, 4, 5], &alive).as_deref(), left, "{alive:?}");
        };
        check(&[1, 2, 3, 4, 5], Some(&[1, 2, 3, 4, 5]));
        check(&[1, 2, 3], Some(&[1, 2, 3]));
        check(&[1, 3, 4, 5], Some(&[1, 5, 3, 4]));
        check(&[1, 4], None);
        // One that the order does not have.
        check(&[1, 2, 3, 4, 5, 6], None);
    }

    #[test]
    fn a_program_chooses_among_the_places_it_was_given() {
        assert_eq!(program(&[]).len(), 1);
        assert_eq!(program(&[0, 1, 2]).len(), 3);
        let some = program(&[0, 2]);
        let given: Vec<u32> = some.iter().filter(|step| step.code == 0x06).map(|step| step.k).collect();
        assert_eq!(given, [0, 2, NO_PLACE]);
    }
}
