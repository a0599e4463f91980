//! The program: decides what this process is, nothing else.

use std::process::ExitCode;

use pmdaemon::cli::{self, Parsed};
use pmdaemon::home::Home;
use pmdaemon::{keeper, run};

fn main() -> ExitCode {
    match cli::parse() {
        Parsed::Client(command) => cli::run(*command),
        Parsed::Keeper(args) => at_home(|home| {
            if args.detached {
                // Fails only for the leader of a group, who has left its session already.
                let _ = nix::unistd::setsid();
            }
            keeper::main(keeper::KeeperArgs { home, adopt_daemon: args.adopt_daemon })
        }),
        Parsed::Daemon => at_home(|home| run::daemon(&home)),
    }
}

fn at_home(then: impl FnOnce(Home) -> ExitCode) -> ExitCode {
    match Home::from_env() {
        Ok(home) => then(home),
        Err(sentence) => {
            eprintln!("pmdaemon: {sentence}");
            ExitCode::FAILURE
        }
    }
}
