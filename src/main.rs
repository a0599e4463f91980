//! The program: decides what this process is, nothing else.

use std::process::ExitCode;

use pmdaemon::cli::{self, Parsed};

fn main() -> ExitCode {
    match cli::parse() {
        Parsed::Client(command) => cli::run(*command),
        Parsed::Keeper(_) | Parsed::Daemon => ExitCode::FAILURE,
    }
}
