//! How a request came in.

use std::net::SocketAddr;

/// The transport of a connection, put into every request by the accept loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The unix socket in the home.
    Unix,
    /// A TCP listener.
    Tcp {
        /// Our end.
        local: SocketAddr,
        /// Theirs.
        peer: SocketAddr,
    },
}
