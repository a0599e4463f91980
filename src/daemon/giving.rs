//! Text for programs that the keeper has not answered for yet, and who waits for that.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::handle::HandleError;
use crate::keeper::protocol::{Inlet, Order};
use crate::model::RunId;

/// Who waits: for a sentence, if the program did not take it.
pub(super) type Reply = oneshot::Sender<Result<Result<(), String>, HandleError>>;

/// The open orders.
#[derive(Default)]
pub(super) struct Giving {
    last: u64,
    waiting: BTreeMap<u64, Reply>,
}

impl Giving {
    /// The order to send.
    pub fn ask(&mut self, run: RunId, to: Inlet, text: String, reply: Reply) -> Order {
        self.last += 1;
        self.waiting.insert(self.last, reply);
        Order::Give { request: self.last, run: run.0, to, text }
    }

    /// The keeper has answered. Who asked may not wait any more.
    pub fn answered(&mut self, request: u64, problem: Option<String>) {
        if let Some(reply) = self.waiting.remove(&request) {
            let _ = reply.send(Ok(problem.map_or(Ok(()), Err)));
        }
    }

    /// There is a new keeper, which knows of no order.
    pub fn keeper_lost(&mut self) {
        for (_, reply) in std::mem::take(&mut self.waiting) {
            let _ = reply.send(Err(HandleError::KeeperLost));
        }
    }
}
