//! What the daemon and the keeper say to each other.
//!
//! The line is a pair of connected `SOCK_SEQPACKET` sockets: one message is one JSON document in
//! one packet. A document longer than [`INLINE_MAX`] travels in a memfd sent along with an empty
//! packet. Whoever starts the other side hands it one end as descriptor [`LINE_FD`].
//!
//! The keeper speaks first, with [`Report::Hello`]. Members may be added within a version;
//! readers ignore what they do not know. The daemon refuses a keeper of another version
//! ([`version`]): each keeper starts daemons of its own program, so they meet only while one
//! program takes the place of another (`succession`). Then the daemon that goes understands of the
//! keeper that has come its `Hello`, which therefore never loses a member, and says nothing more.

mod order;
mod report;

pub use order::{Inlet, Launch, Logs, Order, Replace, Resources, RunAs, Segments, Succession, Tend};
pub use report::{Awaits, Ending, LogReport, LogStream, Report, RunFiles, RunReport, Sign, Step};

/// The version of this protocol.
const VERSION: u32 = 2;

/// In debug builds: the version to claim, so that a test has programs that differ in it.
#[cfg(debug_assertions)]
const CLAIM: &str = "PMDAEMON_CLAIM_PROTOCOL";

/// The version of this protocol that this program speaks.
pub fn version() -> u32 {
    #[cfg(debug_assertions)]
    if let Some(claimed) = std::env::var(CLAIM).ok().and_then(|text| text.parse().ok()) {
        return claimed;
    }
    VERSION
}

/// The descriptor on which keeper and daemon find their end of the line.
pub const LINE_FD: i32 = 3;

/// The longest document that travels in the packet itself, in bytes. Below the default of
/// `net.core.wmem_default` (212,992).
pub const INLINE_MAX: usize = 64 * 1024;
