//! The client against a small server of its own on a unix socket.
