//! What can be typed about forwards.

use clap::{Args, Subcommand};

use super::args::JsonArgs;
use super::values;

/// `forward`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  pmdaemon forward add central --syslog tcp://logs.example:514\n  \
                        pmdaemon forward add local --syslog unix:///dev/log --app web --level warn\n  \
                        pmdaemon forward add ingest --http https://logs.example/in --header 'Authorization=Bearer …'\n  \
                        pmdaemon forward list\n\n\
                        A forward begins with what is written from then on. The log files are its queue: each line is \
                        sent at least once, in order within its log, also after restarts and while the receiver is away.")]
pub struct ForwardArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ForwardCommand,
}

/// What can be done with forwards.
#[derive(Subcommand, Debug)]
pub enum ForwardCommand {
    /// Begin to send logs to a receiver
    Add(AddForwardArgs),
    /// Show where logs are sent to, and how far that is
    #[command(visible_alias = "ls")]
    List(JsonArgs),
    /// Send logs there no longer
    #[command(visible_alias = "rm")]
    Remove(NamedForwardArgs),
    /// Send one line, to see whether it arrives
    Test(NamedForwardArgs),
}

/// `forward add`.
#[derive(Args, Debug)]
pub struct AddForwardArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Syslog receiver: udp://host:514, tcp://host:514 or unix:///dev/log
    #[arg(long, value_name = "URL", conflicts_with = "http", required_unless_present = "http")]
    pub syslog: Option<String>,
    /// HTTP receiver, which gets JSON documents, one per line, by POST
    #[arg(long, value_name = "URL")]
    pub http: Option<String>,
    /// Facility of syslog messages: user, daemon, local0 … [default: user]
    #[arg(long, value_name = "WORD", conflicts_with = "http")]
    pub facility: Option<String>,
    /// Header for HTTP; may be given several times. Its value is never shown
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::variable, conflicts_with = "syslog")]
    pub header: Vec<(String, String)>,
    /// Compress what is sent by HTTP
    #[arg(long, conflicts_with = "syslog")]
    pub gzip: bool,
    /// Only these apps or processes; may be given several times [default: all]
    #[arg(long, value_name = "APP", value_parser = values::reference)]
    pub app: Vec<String>,
    /// Only this stream [default: both]
    #[arg(long, value_name = "out|err", value_parser = ["out", "err"])]
    pub stream: Option<String>,
    /// Only lines that say that they are of this level or above: debug, info, warn, error …
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `forward remove`, `forward test`.
#[derive(Args, Debug)]
pub struct NamedForwardArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}
