//! The program: decides what this process is, nothing else.

use std::process::ExitCode;

use pmdaemon::cli::{self, BalancerArgs, KeeperArgs, Parsed};
use pmdaemon::daemon::self_check;
use pmdaemon::home::Home;
use pmdaemon::{balance, files, keeper, kernel, own_log, run};

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
        Parsed::Balancer(args) => balancer(args),
        Parsed::ServeFiles => serve_files(),
        Parsed::SelfCheck(args) => self_check::run(&args.store),
        Parsed::Run(args) => {
            let none =
                KeeperArgs { detached: false, adopt_daemon: None, on_exit: None, resume: None, home: None };
            keeper(KeeperArgs { home: args.home, ..none }, true)
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
        Ok(home) => {
            let on_exit = args.on_exit.as_deref().and_then(keeper::OnExit::parse);
            let (adopt_daemon, resume) = (args.adopt_daemon, args.resume);
            keeper::main(keeper::KeeperArgs { home, adopt_daemon, on_exit, resume, stand_by })
        }
        Err(sentence) => refuse(&sentence),
    }
}

fn balancer(args: BalancerArgs) -> ExitCode {
    own_log::start();
    // Executed by the name of its file in /proc, it would be called as that.
    let _ = nix::sys::prctl::set_name(c"pm-balancer");
    let begun = keeper::inherited::listener();
    let ran = begun.and_then(|listener| {
        balance::run(balance::Places { listener, table: args.table, status: args.status })
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&format!("cannot balance: {error}")),
    }
}

fn serve_files() -> ExitCode {
    // When several processes share a port the keeper has handed the socket over.
    let listener = keeper::inherited::listener().ok();
    let served =
        files::Site::from_env().and_then(|site| files::run(site, listener).map_err(|e| e.to_string()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => refuse(&sentence),
    }
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("pmdaemon: {sentence}");
    ExitCode::FAILURE
}
