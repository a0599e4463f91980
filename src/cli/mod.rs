//! The command line: a client of the API like any other, with the comfort that it starts the
//! daemon when there is none.
//!
//! ```text
//! args      what can be typed             session        a client that has a daemon
//! commands/ one file per command
//! render/   tables, lines, units          out, prompt    stdout, stderr, questions
//! ```
//!
//! Data goes to stdout, everything else to stderr; an error is one sentence. Exit codes: 0 done
//! or already so, 1 refused or failed, 2 wrong usage. Nothing here reaches the daemon except by
//! [`crate::client`].

mod act_args;
mod alert_args;
pub mod args;
mod balance_args;
mod channel_args;
mod commands;
mod define_args;
mod depends_args;
mod deploy_args;
mod doctor;
mod env_args;
mod error;
mod file_args;
mod forward_args;
mod give_args;
mod health;
mod history_args;
mod hook_args;
mod identity_args;
mod import_args;
mod label_args;
mod live;
mod log_args;
mod logs_args;
mod look_args;
mod monitoring_args;
mod not_here;
mod operation_args;
mod out;
mod password;
mod plan_args;
mod pm2_args;
mod pm2_words;
mod point_args;
mod port_owner;
mod program_args;
mod prompt;
mod ready_args;
mod render;
mod resource_args;
mod rolling_args;
mod runtime_args;
mod schedule_args;
mod secret_args;
mod serve_args;
mod session;
mod settings_args;
mod start_args;
mod startup;
mod startup_args;
mod stop;
mod values;
mod watch_args;
mod web_args;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

pub use args::ClientCommand;
pub use balance_args::BalancerArgs;
pub use program_args::{KeeperArgs, RunArgs, SelfCheckArgs};

/// What this process was started as.
pub enum Parsed {
    /// The keeper, started by a command or by an init system.
    Keeper(KeeperArgs),
    /// The keeper in the foreground, started by an init system or as one.
    Run(RunArgs),
    /// The daemon, started by the keeper.
    Daemon,
    /// A balancer, started by the keeper.
    Balancer(BalancerArgs),
    /// A server of static files, started by the keeper.
    ServeFiles,
    /// A program that is asked, by an older one, whether it could take over.
    SelfCheck(SelfCheckArgs),
    /// A command of a user: give it to [`run`].
    Client(Box<ClientCommand>),
}

/// Reads the command line. Ends the process on `--help`, `--version` (0) and wrong usage (2).
pub fn parse() -> Parsed {
    let words = pm2_words::translated(std::env::args_os());
    if let Some(sentence) = not_here::sentence(&words) {
        out::error(&sentence);
        std::process::exit(1);
    }
    let cli = Cli::parse_from(words);
    if cli.silent {
        out::be_silent();
        session::be_quiet();
    }
    if cli.no_color {
        out::be_plain();
    }
    if let Some(context) = cli.context {
        session::choose(context);
    }
    match cli.command {
        Command::Keeper(args) => Parsed::Keeper(args),
        Command::Run(args) => Parsed::Run(args),
        Command::Daemon => Parsed::Daemon,
        Command::Balancer(args) => Parsed::Balancer(args),
        Command::ServeFiles => Parsed::ServeFiles,
        Command::SelfCheck(args) => Parsed::SelfCheck(args),
        Command::Client(command) => Parsed::Client(Box::new(command)),
    }
}

/// Carries out a command of a user.
pub fn run(command: ClientCommand) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            out::error(&format!("cannot set up the program: {e}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::dispatch(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(sentence) = error.sentence() {
                out::error(&sentence);
            }
            error.exit_code()
        }
    }
}
