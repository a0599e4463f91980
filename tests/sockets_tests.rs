//! Listening sockets that are held for apps (acceptance rows A10, C2, J20, K1, K2, K5, K6, K21).

mod support;

mod slices {
    mod balance;
    mod bringing;
    mod interrupted;
    mod moving;
    mod node;
    mod rehearsals;
    mod rolling;
    mod rust_app;
    pub mod shared_port;
    mod soaking;
    mod sockets;
    mod spread;
    pub mod trials;
    mod whole;
}
