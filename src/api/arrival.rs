//! How a request came in.

use std::net::SocketAddr;

/// The transport of a connection, put into every request by the accept loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The unix socket in the home.
    Unix,
    /// A TCP listener.
    Tcp {
        /// The address of the listener, perhaps all addresses of the host (`0.0.0.0`).
        bound: SocketAddr,
        /// Our end of the connection.
        local: SocketAddr,
        /// Theirs.
        peer: SocketAddr,
        /// It is encrypted.
        tls: bool,
    },
}
