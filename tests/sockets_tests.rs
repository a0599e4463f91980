//! Listening sockets that are held for apps (acceptance rows A10, J20, K1, K2).

mod support;

mod slices {
    mod node;
    pub mod shared_port;
    mod sockets;
}
