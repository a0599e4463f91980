//! The driver's part in a change of programs.
//!
//! It asks the keeper, then hears one of: that it has become the new program (then this daemon is
//! to leave), why it has not (then all goes on), or that it is gone, as when a keeper dies (then a
//! keeper of this program is started and all goes on). A keeper that has become something that
//! says nothing is killed, and then it is gone.

use tokio::time::Instant;

use super::driver::{Driver, Ended, INTRODUCTION};
use super::succession::{Change, Wish};
use crate::keeper::protocol::{Order, Succession, version};
use crate::store;

/// A change of programs of which nothing was heard yet.
pub(super) struct Pending {
    id: u64,
    /// The new program would not understand our orders: none are given until it is decided.
    silent: bool,
    /// When a keeper that does not introduce itself is given up.
    until: Instant,
}

/// Waits until nothing was heard for too long; for ever when nothing is awaited.
pub(super) async fn overdue(wish: Option<&Pending>) {
    match wish {
        Some(pending) => tokio::time::sleep_until(pending.until).await,
        None => std::future::pending().await,
    }
}

impl Driver {
    /// Asks the keeper to become another program.
    pub(super) fn wish_for(&mut self, wish: Wish) {
        let id = wish.order.id;
        self.change.send_replace(Some(Change::UnderWay { id }));
        self.wish =
            Some(Pending { id, silent: wish.protocol != version(), until: Instant::now() + INTRODUCTION });
        self.keeper.order(Order::Replace(wish.order));
    }

    /// While a keeper of another protocol may be about to come, hears the keeper alone. Otherwise
    /// returns at once.
    pub(super) async fn decide_wish(&mut self) -> Option<Ended> {
        while let Some(Pending { silent, until, .. }) = self.wish {
            if !silent {
                if Instant::now() > until {
                    self.give_the_keeper_up();
                }
                return None;
            }
            match tokio::time::timeout_at(until, self.keeper.next()).await {
                Ok(Some(report)) => {
                    let changes = self.hear(report);
                    self.keep(changes);
                    if self.wish.is_none() && *self.leaving.borrow() {
                        return Some(Ended::Left);
                    }
                }
                // The loop notices, and starts another.
                Ok(None) => return None,
                Err(_) => {
                    self.give_the_keeper_up();
                    return None;
                }
            }
        }
        None
    }

    /// The program that the keeper became says nothing.
    fn give_the_keeper_up(&mut self) {
        let Some(pending) = &mut self.wish else { return };
        // Whatever it is now hears nothing: orders are for its successor, which begins anew.
        pending.silent = false;
        pending.until = Instant::now() + INTRODUCTION;
        tracing::error!("the new program does not introduce itself; its keeper is killed");
        let keeper = *self.keeper_pid.borrow();
        if let Some(pid) = keeper {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
        }
    }

    /// The change that we have asked for, if this greeting is that of the new program.
    pub(super) fn has_become_another(&self, succession: Option<Succession>) -> Option<Succession> {
        succession.filter(|one| self.wish.as_ref().is_some_and(|pending| pending.id == one.id))
    }

    /// What came of a change.
    pub(super) fn heard_of(&mut self, succession: Succession) -> Vec<store::Change> {
        self.wish = None;
        match &succession.failure {
            None => {
                tracing::info!("the keeper is of the new program; this daemon makes room for the next");
                self.leaving.send_replace(true);
            }
            Some(why) => {
                tracing::warn!("the program stays the same: {why}");
                self.change.send_replace(Some(Change::Over(succession)));
            }
        }
        Vec::new()
    }

    /// There is a new keeper of this program. If the old one had been asked to become another, it
    /// did not live through it.
    pub(super) fn wish_was_fatal(&mut self) {
        if let Some(Pending { id, .. }) = self.wish.take() {
            let failure = Some("the keeper of the new program ended or did not answer".to_owned());
            self.change.send_replace(Some(Change::Over(Succession { id, failure })));
        }
    }
}
