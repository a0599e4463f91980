//! Balancers before apps (acceptance rows A10, C2, K5, K6, K21).

mod support;

mod slices {
    mod balance;
    pub mod shared_port;
}
