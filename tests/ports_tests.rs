//! Ports, from the command line to the listening program (acceptance rows C1 to C7, K22).

mod support;

mod slices {
    pub mod ports;
    mod two_homes;
}
