//! Logs that are sent elsewhere: the real binary and real receivers.

mod support;

mod forward {
    mod choice;
    mod delivery;
    mod receiver;
}
