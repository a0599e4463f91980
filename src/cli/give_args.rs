//! Arguments of commands that tell a program something.

use clap::Args;

use super::values;

/// `send`.
#[derive(Args, Debug)]
#[command(
    after_help = "The app needs a pipe as standard input: start it with --stdin, or stdin: true in its file.\n\n\
                        Example:\n  pmdaemon send game \"say hello\""
)]
pub struct SendArgs {
    /// Which app or process
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// The line
    #[arg(value_name = "LINE", allow_hyphen_values = true)]
    pub line: String,
}

/// `attach`.
#[derive(Args, Debug)]
#[command(
    after_help = "Ctrl+C or Ctrl+D detaches; the app goes on. It needs a pipe as standard input: start it with \
                        --stdin, or stdin: true in its file."
)]
pub struct AttachArgs {
    /// Which process
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
}

/// `trigger`.
#[derive(Args, Debug)]
#[command(
    after_help = "pmdaemon info APP shows which actions an app offers, with io.action of @pm2/io. It may take 10 \
                        seconds to reply.\n\n\
                        Examples:\n  pmdaemon trigger web \"clear cache\"\n  pmdaemon trigger web level debug"
)]
pub struct TriggerArgs {
    /// Which apps or processes; all for every one
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// What to do
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// What it is told with that
    #[arg(value_name = "PARAM", allow_hyphen_values = true)]
    pub param: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `message`.
#[derive(Args, Debug)]
#[command(
    after_help = "Node programs get it as process.on(\"message\"). As PM2's sendDataToProcessId does:\n  \
                        pmdaemon message web '{\"type\":\"process:msg\",\"topic\":\"rules\",\"data\":{\"n\":1}}'"
)]
pub struct MessageArgs {
    /// Which apps or processes; all for every one
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub reference: String,
    /// The message
    #[arg(value_name = "JSON", value_parser = json, allow_hyphen_values = true)]
    pub message: serde_json::Value,
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("use JSON, like '{{\"n\":1}}' or '\"text\"': {e}"))
}
