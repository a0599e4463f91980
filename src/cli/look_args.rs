//! Arguments of commands that show how things are.

use std::time::Duration;

use clap::Args;

use super::act_args::REFERENCES;
use super::values;

/// `info`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct InfoArgs {
    /// Which apps or processes
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `why`.
#[derive(Args, Debug)]
#[command(after_help = REFERENCES)]
pub struct WhyArgs {
    /// Which apps or processes
    #[arg(required = true, value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// Also all the ends before the last one
    #[arg(short, long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `id`.
#[derive(Args, Debug)]
pub struct IdArgs {
    /// Which app
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
}

/// `events`.
#[derive(Args, Debug)]
pub struct EventsArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// How many of the latest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub lines: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `monit`.
#[derive(Args, Debug)]
#[command(
    after_help = "On a terminal q or Ctrl+C ends it. Into a pipe or file it prints blocks of plain text.\n\n\
                        Examples:\n  pmdaemon monit\n  pmdaemon monit --interval 0.5"
)]
pub struct MonitArgs {
    /// Time between two looks: 2, 0.5, 500ms, 1m
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value = "1", value_parser = values::interval)]
    pub interval: Duration,
}

/// `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Repair first what can be repaired: who may read the home, and a store that is damaged
    #[arg(long)]
    pub repair: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Help of `doctor`.
pub(super) const DOCTOR: &str = "Each finding has its remedy; exit code 1 if one is serious. Without --repair it starts no \
                      daemon and changes nothing. --repair closes the home to others and starts the daemon, which \
                      puts a damaged store aside and the last good copy in its place; nothing is removed. A service \
                      of its own is started by a keeper of its own, with a child that leaves its session; what it \
                      writes is read, its whole tree is killed, and everything of it is removed. Not tested: a \
                      systemd unit.";
