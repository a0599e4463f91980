//! Arguments of `deploy`.

use clap::Args;

/// `deploy`.
#[derive(Args, Debug)]
#[command(
    after_help = "By the deploy section of the file, with ssh and git as you have them; the daemon has no part in it:\n  \
                        deploy: { production: { user, host, ref, repo, path, 'post-deploy': 'npm ci && pmdaemon reload ecosystem.config.js' } }\n\n\
                        What to do: setup (clone, the first time), update (default), revert [N], current, previous, \
                        list, exec COMMAND, ref REF.\n\n\
                        Examples:\n  pmdaemon deploy production setup\n  pmdaemon deploy production\n  \
                        pmdaemon deploy ecosystem.config.js production revert 1\n  \
                        pmdaemon deploy production exec \"pmdaemon list\""
)]
pub struct DeployArgs {
    /// A file (default: ./ecosystem.config.*), an environment of its deploy section, and what to do
    #[arg(required = true, value_name = "FILE ENVIRONMENT TASK")]
    pub words: Vec<String>,
    /// Also when there are changes here that are not committed
    #[arg(long)]
    pub force: bool,
}
