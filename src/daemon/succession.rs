//! What this daemon knows about changes of programs, and how it asks for one.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::keeper::protocol::{Replace, Succession};

/// The latest change of programs that is known: under way, done, or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The keeper was asked.
    UnderWay {
        /// Which.
        id: u64,
    },
    /// Over.
    Over(Succession),
}

/// For whoever waits for it.
pub type Watch = watch::Receiver<Option<Change>>;

/// A change of programs as it is asked of the driver.
#[derive(Clone, Debug)]
pub struct Wish {
    /// For the keeper.
    pub order: Replace,
    /// Which protocol the new program speaks with its keeper.
    pub protocol: u32,
}

impl Wish {
    /// To become the program at that absolute path, which speaks that protocol.
    pub fn new(program: PathBuf, protocol: u32) -> Wish {
        // Tells it from all others of this home, whoever asked for them.
        let id = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64);
        Wish { order: Replace { id, program }, protocol }
    }
}
