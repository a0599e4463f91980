//! What can be typed about channels: to whom alerts are sent. Secrets are never arguments, which
//! everybody on the host can see.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::JsonArgs;
use super::values;

/// `alert channel`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  pmdaemon alert channel add ops --webhook https://hooks.example/pmdaemon --secret-file key\n  \
                  pmdaemon alert channel add chat --slack - < slack-url\n  \
                  pmdaemon alert channel add phone --ntfy https://ntfy.sh/my-topic --token-file -\n  \
                  pmdaemon alert channel add mail --command -- /usr/local/bin/mail-alert ops@example.org\n  \
                  pmdaemon alert channel test ops\n\n\
                  What is to stay secret is read from a file, or with - from standard input (on a terminal it is \
                  asked for): arguments can be seen by everybody on the host. The URLs of Slack and Discord are \
                  secrets: whoever has one can write there."
)]
pub struct ChannelArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ChannelCommand,
}

/// What can be done with channels.
#[derive(Subcommand, Debug)]
pub enum ChannelCommand {
    /// Add somebody who is told
    Add(Box<AddChannelArgs>),
    /// Show the channels, and how each does
    #[command(visible_alias = "ls")]
    List(JsonArgs),
    /// Forget a channel that no rule names
    #[command(visible_alias = "rm")]
    Remove(NamedChannelArgs),
    /// Send a test alert at once, to see whether it arrives
    Test(NamedChannelArgs),
}

/// `alert channel add`.
#[derive(Args, Debug)]
pub struct AddChannelArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Who is told.
    #[command(flatten)]
    pub receiver: ReceiverArgs,
    /// Of --webhook: sign what is sent with the key in this file; - asks for it
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub secret_file: Option<PathBuf>,
    /// Of --webhook: header to send along; may be given several times. Its value is never shown
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::variable, requires = "webhook")]
    pub header: Vec<(String, String)>,
    /// Of --webhook: such headers, one a line; - reads them from standard input
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub header_file: Option<PathBuf>,
    /// Of --webhook: what is sent; alertmanager for who takes its webhooks [default: pmdaemon]
    #[arg(long, value_name = "pmdaemon|alertmanager", value_parser = ["pmdaemon", "alertmanager"], requires = "webhook")]
    pub format: Option<String>,
    /// Of --ntfy: use the access token in this file; - asks for it
    #[arg(long, value_name = "FILE", requires = "ntfy")]
    pub token_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Of --command: the program, by its whole path, and its arguments
    #[arg(last = true, value_name = "PROGRAM", requires = "command")]
    pub program: Vec<String>,
}

/// Who is told: exactly one of these.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Who (exactly one; - reads a URL from standard input)")]
pub struct ReceiverArgs {
    /// An HTTP receiver, which gets JSON by POST
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// An incoming webhook of Slack, Mattermost or Rocket.Chat: better -, since the URL is a secret
    #[arg(long, value_name = "URL")]
    pub slack: Option<String>,
    /// A webhook of Discord: better -, since the URL is a secret
    #[arg(long, value_name = "URL")]
    pub discord: Option<String>,
    /// A topic of ntfy
    #[arg(long, value_name = "URL")]
    pub ntfy: Option<String>,
    /// A program, which gets the alert as JSON on its standard input and in variables PMDAEMON_ALERT_…
    #[arg(long)]
    pub command: bool,
}

/// `alert channel remove`, `alert channel test`.
#[derive(Args, Debug)]
pub struct NamedChannelArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}
