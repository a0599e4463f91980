//! What every handler can reach.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use super::audit::Chain;
use super::idempotency::Answering;
use super::kept::Kept;
use super::listeners::Listeners;
use super::requests::Requests;
use super::tally::Tally;
use super::ws::{Beats, Seats};
use super::{in_flight, password, resolve};
use crate::auth::{Accounts, Principal, Refused, Throttle, Via};
use crate::daemon::alert::Alerts;
use crate::daemon::clock;
use crate::daemon::forward::Forwards;
use crate::daemon::handle::Handle;
use crate::daemon::operations::Operations;
use crate::daemon::retention::Space;
use crate::model::Moment;
use crate::store::AuditHead;

/// A list tells how long something has lasted: it is made anew after this.
const LIST_LASTS: Duration = Duration::from_millis(100);

/// The surroundings of the API.
pub struct Api {
    /// The daemon.
    pub handle: Handle,
    /// What takes time.
    pub operations: Operations,
    /// Where it listens.
    pub listeners: Listeners,
    /// Who watches what is asked.
    pub requests: Requests,
    /// Logs that are sent elsewhere.
    pub forwards: Forwards,
    /// What is told when something is the matter.
    pub alerts: Alerts,
    /// When this daemon began.
    pub started: Moment,
    /// Working directory of apps that are defined without one.
    pub default_cwd: PathBuf,
    /// What all logs take together, once that was looked at.
    pub log_space: watch::Receiver<Option<Space>>,
    /// What is counted for `/metrics`.
    pub tally: Tally,
    /// Who has how many WebSockets.
    pub sockets: Seats,
    /// Requests with a key that are being answered.
    pub answering: Answering,
    /// Turns of requests from TCP.
    pub in_flight: Semaphore,
    /// Turns for what hashes a password.
    pub hashing: Semaphore,
    /// The list of all processes, as it is sent.
    pub lists: Kept<Bytes>,
    /// What all WebSockets are told every second.
    pub beats: Beats,
    accounts: Mutex<Accounts>,
    throttle: Mutex<Throttle>,
    audit: Mutex<Chain>,
}

/// Shared by all requests.
pub type Shared = Arc<Api>;

impl Api {
    /// Puts the surroundings together.
    pub fn new(
        handle: Handle,
        accounts: Accounts,
        audit: AuditHead,
        started: Moment,
        default_cwd: PathBuf,
        log_space: watch::Receiver<Option<Space>>,
    ) -> Shared {
        let alerts = Alerts::new(handle.clone(), Arc::new(resolve::known));
        let forwards = Forwards::new(handle.clone(), Arc::new(resolve::known));
        Arc::new(Api {
            forwards,
            alerts,
            operations: Operations::new(handle.clone()),
            handle,
            listeners: Listeners::default(),
            requests: Requests::default(),
            started,
            default_cwd,
            log_space,
            tally: Tally::default(),
            sockets: Seats::default(),
            answering: Answering::default(),
            in_flight: Semaphore::new(in_flight::AT_ONCE),
            hashing: Semaphore::new(password::AT_ONCE),
            lists: Kept::new(LIST_LASTS),
            beats: Beats::default(),
            accounts: Mutex::new(accounts),
            throttle: Mutex::default(),
            audit: Mutex::new(Chain::new(audit)),
        })
    }

    /// Who may do what. Never held across an await: the guard is not `Send`.
    pub fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Who has tried to log in of late. Never held across an await either.
    pub fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The end of the chain of records of who did what. Never held across an await either.
    pub fn audit(&self) -> MutexGuard<'_, Chain> {
        self.audit.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether `principal`, verified some time ago, would still be: for streams that stay open.
    ///
    /// # Errors
    /// Why it would not.
    pub fn still_valid(&self, principal: &Principal) -> Result<(), Refused> {
        match principal.via {
            Via::Open { address } if self.listeners.is_unguarded(address) => Ok(()),
            Via::Open { .. } => Err(Refused::Revoked),
            Via::Token { .. } | Via::Session { .. } => {
                self.accounts().still_valid(principal, clock::unix_ms())
            }
        }
    }
}
