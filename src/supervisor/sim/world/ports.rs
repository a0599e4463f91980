//! Who listens on which port in a story: others, the lives, and the sockets that the keeper holds.

use super::*;

impl World {
    /// Another program begins to listen on a port, or ends.
    pub(super) fn others_come_and_go(&mut self) {
        let port = self.dice.pick(&PORTS.collect::<Vec<_>>());
        let ours = self.sockets.contains_key(&port) || self.lives.values().any(|life| life.listens_on(port));
        if !self.foreign.remove(&port) && !ours {
            self.foreign.insert(port);
        }
        let foreign = self.foreign.clone();
        self.note(|now| format!("{now:>12} others listen on {foreign:?}"));
    }

    /// Another program, or another life than the present one of that process, unless both accept
    /// from the socket of their app.
    pub fn somebody_else_listens(&self, port: Port, asking: ProcessId) -> bool {
        let row = self.brain.process(asking);
        let app = |id: ProcessId| self.brain.process(id).map(|process| process.app);
        let its_own = row.and_then(|process| process.state.run());
        let shares = |life: &Life| {
            // Whose process is not known any more still has the socket that the keeper holds.
            let front = |app| self.brain.front_of(app);
            let of_app =
                app(life.process).is_none_or(|app| row.is_some_and(|row| front(row.app) == front(app)));
            port.is_shared() && life.port == Some(port) && of_app
        };
        let listens = |(run, life): (&RunId, &Life)| {
            life.listens_on(port.number()) && Some(*run) != its_own && !shares(life)
        };
        self.foreign.contains(&port.number()) || self.lives.iter().any(listens)
    }

    /// The keeper closes what is released and used by nobody.
    pub(super) fn close_sockets(&mut self) {
        let lives = &self.lives;
        self.sockets.retain(|port, released| {
            let has_it = |life: &Life| life.port == Some(Port::Shared(*port)) && !life.is_over();
            let used = || lives.values().any(|life| has_it(life) && !life.never_was());
            !*released || used()
        });
    }

    /// What a keeper that says hello is told about its sockets.
    pub(super) fn tell_unwanted_sockets(&mut self) {
        self.sockets.values_mut().for_each(|released| *released = false);
        let held: Vec<u16> = self.sockets.keys().copied().collect();
        for port in self.brain.unwanted_sockets(&held) {
            self.sockets.insert(port, true);
        }
        self.close_sockets();
    }

    /// Tries the ports that are asked for.
    pub(super) fn try_ports(
        &self,
        questions: &[PortQuestion],
        is_shared: impl Fn(u16) -> bool,
    ) -> BTreeMap<u16, PortOwner> {
        let ports = questions.iter().flat_map(|question| question.first.iter().chain(&question.others));
        let foreign = |port: &u16| {
            // What the keeper holds for somebody who is known is not tried.
            let held = self.sockets.contains_key(port);
            let ours =
                || !(held && is_shared(*port)) && (held || self.lives.values().any(|l| l.listens_on(*port)));
            let owner = PortOwner::Foreign { program: "nginx".to_owned(), pid: Pid(1) };
            (self.foreign.contains(port) || ours()).then_some((*port, owner))
        };
        ports.filter_map(foreign).collect()
    }
}
