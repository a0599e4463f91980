//! Temporary: only `pmdaemon keeper [--home H] [--adopt-daemon PID]`.
use std::process::ExitCode;

use pmdaemon::home::Home;
use pmdaemon::keeper::{self, KeeperArgs};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some("keeper") {
        eprintln!("usage: pmdaemon keeper [--home H] [--adopt-daemon PID]");
        return ExitCode::from(2);
    }
    let (mut home, mut adopt_daemon) = (None, None);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        match name.as_str() {
            "--home" => home = Some(Home::at(value)),
            "--adopt-daemon" => adopt_daemon = value.parse().ok(),
            other => {
                eprintln!("{other} is not an option");
                return ExitCode::from(2);
            }
        }
    }
    let home = match home.map_or_else(Home::from_env, Ok) {
        Ok(home) => home,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    keeper::main(KeeperArgs { home, adopt_daemon })
}
