//! Arguments of `plan` and `apply`.

use clap::Args;

use super::file_args::FileArgs;

/// What is to be there, for `plan` and `apply` alike.
#[derive(Args, Debug)]
pub struct WantedArgs {
    /// An ecosystem file, or - for JSON on standard input [default: ./ecosystem.config.*]
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// Which apps of it.
    #[command(flatten)]
    pub of_file: FileArgs,
    /// Remove apps of the same namespaces that are not in the file; with --only, none
    #[arg(long)]
    pub prune: bool,
    /// What this shell hands on counts as a change, too
    #[arg(short = 'a', long)]
    pub update_env: bool,
}

impl WantedArgs {
    /// Whether what the file does not have goes: with `--only` nothing outside those names is touched.
    pub fn prunes(&self) -> bool {
        self.prune && self.of_file.only.is_empty()
    }
}

/// `plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// What is to be there.
    #[command(flatten)]
    pub wanted: WantedArgs,
    /// Exit code 3 when something would change
    #[arg(long)]
    pub exit_code: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// What is to be there.
    #[command(flatten)]
    pub wanted: WantedArgs,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print the changed processes as JSON
    #[arg(long)]
    pub json: bool,
}

/// What the signs of a plan mean.
pub(super) const PLAN: &str = "+ is defined, ~ changes, - goes (with --prune). live: what runs goes on; reload: one process after \
                    the other; restart; start. Values of variables are not shown.";
