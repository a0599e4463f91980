//! Arguments of `import`.

use clap::Args;

/// `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// From which program
    #[arg(value_parser = ["pm2"])]
    pub from: String,
    /// A dump, or the home of PM2 [default: PM2_HOME, or ~/.pm2]
    #[arg(value_name = "FILE")]
    pub file: Option<std::path::PathBuf>,
    /// What PM2 still runs: stop it there and start it here, one app after the other
    #[arg(long)]
    pub takeover: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print the processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// Help of `import`.
pub(super) const IMPORT: &str = "pm2 save writes the dump. It is read as data, and PM2's own files are never changed. What is here \
                      already is left as it is, so running it twice changes nothing.";
