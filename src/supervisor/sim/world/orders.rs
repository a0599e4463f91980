//! What the supervisor orders is carried out.

use std::time::Duration;

use super::super::super::{Effect, Process, Record, Scope};
use super::super::life::Life;
use super::super::ready::right_sign;
use super::World;
use crate::model::{Fact, Port, Verdict};

impl World {
    pub(super) fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Launch { run, process, restarts, spec, port, .. } => {
                let life =
                    Life::conceive(&mut self.dice, self.now, *process, (*restarts, *port), spec, self.calm);
                self.lives.insert(*run, life);
                if let Some(Port::Shared(port)) = port {
                    self.sockets.insert(*port, false);
                }
            }
            Effect::Release { port } => {
                _ = self.sockets.get_mut(port).map(|released| *released = true);
                self.close_sockets();
            }
            Effect::Signal { run, signal, scope: Scope::Main } => {
                let (now, signal) = (self.now, *signal);
                _ = self.lives.get_mut(run).map(|life| life.is_sent(now, signal));
            }
            Effect::Signal { run, scope: Scope::Tree, .. } => {
                let soon = self.now + Duration::from_millis(self.dice.pick(&[0, 3, 700]));
                _ = self.lives.get_mut(run).map(|life| life.is_asked(soon));
            }
            Effect::Signal { run, scope: Scope::Message, .. } => {
                let soon = self.now + Duration::from_millis(self.dice.pick(&[0, 3, 700]));
                _ = self.lives.get_mut(run).map(|life| life.is_asked_by_message(soon));
            }
            Effect::CallOff { run } => {
                let comes_in_time = self.dice.chance(50);
                let life = self.lives.get_mut(run).filter(|_| comes_in_time);
                _ = life.map(|life| life.is_called_off(self.now));
            }
            Effect::KillTree { run } => _ = self.lives.get_mut(run).map(|life| life.is_killed(self.now)),
            Effect::Forget { run } => _ = self.lives.remove(run),
            Effect::Watch { run, .. } => {
                self.watched.insert(*run);
                if self.calm {
                    self.line.push_back(Fact::Checked { run: *run, verdict: Verdict::Passed });
                }
            }
            Effect::Unwatch { run } => _ = self.watched.remove(run),
            Effect::Await { run, by, .. } => {
                let (run, sign, at) = (*run, right_sign(by), self.now);
                self.awaited.insert(run, sign);
                if self.calm {
                    self.line.push_back(Fact::Ready { run, sign, at });
                }
            }
            Effect::Unawait { run } => _ = self.awaited.remove(run),
            Effect::KeepReady { run, at } => {
                _ = self.lives.get_mut(run).map(|life| life.ready = Some(*at));
            }
            Effect::Record(record) => self.record(*record),
            Effect::Publish(_) => {}
        }
    }

    fn record(&mut self, record: Record) {
        match record {
            Record::App(id) => _ = self.brain.app(id).map(|spec| self.store.apps.insert(id, spec.clone())),
            Record::AppGone(id) => {
                self.store.apps.remove(&id);
                self.store.slots.remove(&id);
            }
            Record::Slot(id) => {
                _ = self.brain.considered(id).map(|considered| self.store.slots.insert(id, considered));
            }
            Record::Process(id) => {
                let row = self.brain.process(id).map(Process::to_remember);
                row.map(|row| self.store.rows.insert(id, row));
            }
            Record::ProcessGone(id) => _ = self.store.rows.remove(&id),
        }
    }
}
