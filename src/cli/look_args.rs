//! Arguments of commands that show how things are.

use std::time::Duration;

use clap::Args;
use regex::Regex;

use super::act_args::REFERENCES;
use super::{logs_args, values};

/// `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// A block of lines for each process, as PM2 prints it
    #[arg(short, long, conflicts_with = "json")]
    pub mini_list: bool,
    /// In the order of this, with :desc the other way round
    #[arg(long, value_name = "FIELD[:desc]", value_parser = sort)]
    pub sort: Option<Sort>,
    /// Again and again, as monit shows it
    #[arg(long, conflicts_with_all = ["mini_list", "json", "sort"])]
    pub watch: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// An order of processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// The largest first.
    pub descending: bool,
}

/// By what processes are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SortBy {
    /// Name.
    Name,
    /// Namespace.
    Namespace,
    /// Main process.
    Pid,
    /// Id.
    Id,
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Uptime.
    Uptime,
    /// Status.
    Status,
}

/// Reads `memory`, `memory:desc`.
fn sort(text: &str) -> Result<Sort, String> {
    let (field, order) = text.split_once(':').unwrap_or((text, "asc"));
    let by = match field {
        "name" => SortBy::Name,
        "namespace" => SortBy::Namespace,
        "pid" => SortBy::Pid,
        "id" => SortBy::Id,
        "cpu" => SortBy::Cpu,
        "memory" => SortBy::Memory,
        "uptime" => SortBy::Uptime,
        "status" => SortBy::Status,
        _ => return Err("use name, namespace, pid, id, cpu, memory, uptime or status".to_owned()),
    };
    match order {
        "asc" => Ok(Sort { by, descending: false }),
        "desc" => Ok(Sort { by, descending: true }),
        _ => Err("the order is asc or desc".to_owned()),
    }
}

/// `env`.
#[derive(Args, Debug)]
pub struct EnvListArgs {
    /// Which app or process
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// Show the values, of inherited variables, too (takes no word after it); for admins alone, and
    /// noted in the audit
    #[arg(long)]
    pub show: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A variable of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Which app.
    pub app: String,
    /// Its name.
    pub name: String,
}

/// Reads `app:NAME`, or `app.NAME` as PM2 knows it, too.
fn variable(text: &str) -> Result<Variable, String> {
    let parts = text.rsplit_once(':').or_else(|| text.rsplit_once('.'));
    match parts {
        Some((app, name)) if !app.is_empty() && !name.is_empty() => {
            Ok(Variable { app: app.to_owned(), name: values::variable_name(name)? })
        }
        Some(_) | None => Err("use APP:NAME, like web:LOG_LEVEL".to_owned()),
    }
}

/// `get`, `unset`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// Which variable
    #[arg(value_name = "APP:NAME", value_parser = variable)]
    pub variable: Variable,
}

/// `set`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  pmdaemon set web:LOG_LEVEL debug")]
pub struct SetArgs {
    /// Which variable
    #[arg(value_name = "APP:NAME", value_parser = variable)]
    pub variable: Variable,
    /// Its value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,
}

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
#[command(
    after_help = "Examples:\n  pmdaemon events web --since 1h\n  pmdaemon events --since 17:19 --until 17:30\n  \
                        pmdaemon events --grep 'exited|errored' --lines 100\n\n\
                        Times are as for logs."
)]
pub struct EventsArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// How many of the latest [default: 20, or all that --since or --until mean]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: Option<u32>,
    /// Those that happened then or later
    #[arg(long, value_name = "TIME", value_parser = logs_args::time)]
    pub since: Option<String>,
    /// Those that happened then or earlier
    #[arg(long, value_name = "TIME", value_parser = logs_args::time)]
    pub until: Option<String>,
    /// Those whose sentence matches this regular expression
    #[arg(long, value_name = "REGEX", value_parser = values::regex)]
    pub grep: Option<Regex>,
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
