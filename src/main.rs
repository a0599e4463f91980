//! The program: decides what this process is, nothing else.

use std::process::ExitCode;

use pmdaemon::cli::{self, KeeperArgs, Parsed};
use pmdaemon::home::Home;
use pmdaemon::{keeper, kernel, run};

fn main() -> ExitCode {
    let parsed = cli::parse();
    if !matches!(parsed, Parsed::Client(_))
        && let Err(sentence) = kernel::check()
    {
        return refuse(&sentence);
    }
    match parsed {
        Parsed::Client(command) => cli::run(*command),
        Parsed::Keeper(args) => keeper(args, false),
        Parsed::Run(args) => {
            keeper(KeeperArgs { detached: false, adopt_daemon: None, home: args.home }, true)
        }
        Parsed::Daemon => match Home::from_env() {
            Ok(home) => run::daemon(&home),
            Err(sentence) => refuse(&sentence),
        },
    }
}

fn keeper(args: KeeperArgs, stand_by: bool) -> ExitCode {
    if args.detached {
        // Fails only for the leader of a group, who has left its session already.
        let _ = nix::unistd::setsid();
    }
    let home = args.home.map_or_else(Home::from_env, |path| Ok(Home::at(path)));
    match home {
        Ok(home) => keeper::main(keeper::KeeperArgs { home, adopt_daemon: args.adopt_daemon, stand_by }),
        Err(sentence) => refuse(&sentence),
    }
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("pmdaemon: {sentence}");
    ExitCode::FAILURE
}
