//! The sockets at which the daemon listens, held for its successor.
//!
//! Whoever connects while one daemon is gone and the next is not there yet waits in the kernel's
//! queue instead of being refused. The keeper never accepts: it only keeps the sockets open. What a
//! daemon wants held it sends anew to every keeper that it meets, so nothing of this is on disk.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::event_loop::Keeper;
use super::protocol::Report;
use super::say;

/// More sockets than anybody listens at; a daemon that sends more is out of its mind.
const MOST: usize = 256;

/// Sockets by name.
pub type Held = BTreeMap<String, OwnedFd>;

impl Keeper {
    /// Keeps a socket open.
    pub fn hold(&mut self, name: String, socket: Option<OwnedFd>) {
        match socket {
            Some(socket) if self.held.len() < MOST || self.held.contains_key(&name) => {
                self.held.insert(name, socket);
            }
            Some(_) => say::warning!("{MOST} sockets are held already; {name} is not"),
            None => say::warning!("the daemon wants {name} held and sent no socket"),
        }
    }

    /// Closes a socket.
    pub fn release(&mut self, name: &str) {
        self.held.remove(name);
    }

    /// Gives the next daemon a copy of each, after the greeting that announces them.
    pub fn hand_over_held(&mut self) {
        for name in self.held.keys().cloned().collect::<Vec<_>>() {
            self.tell(Report::Held { name });
        }
    }
}
