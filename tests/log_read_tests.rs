//! Logs as they are read: the real binary, its API and commands, and real programs.

mod support;

mod log_read {
    mod command;
    mod follower;
    mod odd;
    mod query;

    #[path = "../logs/disk.rs"]
    #[allow(dead_code, reason = "each test program uses its part")]
    pub mod disk;
}
