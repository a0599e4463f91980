//! Orders about logs that the keeper has not answered yet, and who waits for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::oneshot;

use super::handle::HandleError;
use crate::keeper::protocol::{Order, Tend};

/// What the keeper did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tended {
    /// The highest number of a closed segment of each log, in the order in which they were given;
    /// 0 if there is none.
    pub closed: Vec<u64>,
    /// One sentence for each log with which it could not be done.
    pub problems: Vec<String>,
}

/// Who waits.
pub(super) type Reply = oneshot::Sender<Result<Tended, HandleError>>;

/// The open orders.
#[derive(Default)]
pub(super) struct LogOrders {
    last: u64,
    waiting: BTreeMap<u64, Reply>,
}

impl LogOrders {
    /// The order to send.
    pub fn ask(&mut self, tend: Tend, logs: Vec<PathBuf>, reply: Reply) -> Order {
        self.last += 1;
        self.waiting.insert(self.last, reply);
        Order::TendLogs { request: self.last, tend, logs }
    }

    /// The keeper has answered. Who asked may not wait any more.
    pub fn answered(&mut self, request: u64, tended: Tended) {
        if let Some(reply) = self.waiting.remove(&request) {
            let _ = reply.send(Ok(tended));
        }
    }

    /// There is a new keeper, which knows of no order.
    pub fn keeper_lost(&mut self) {
        for (_, reply) in std::mem::take(&mut self.waiting) {
            let _ = reply.send(Err(HandleError::KeeperLost));
        }
    }
}
