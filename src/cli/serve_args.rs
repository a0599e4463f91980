//! Arguments of `serve`.

use std::path::PathBuf;

use clap::Args;

/// `serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "In an ecosystem file: script: \"serve\", and PM2_SERVE_PATH, PM2_SERVE_PORT, PM2_SERVE_SPA and so on in \
                        env. Files and directories whose names begin with a dot are not served.\n\n\
                        Examples:\n  pmdaemon serve dist 3000 --spa\n  \
                        pmdaemon serve . 8080 --host 127.0.0.1 --name docs"
)]
pub struct ServeArgs {
    /// The directory [default: this one]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// The port
    #[arg(value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Address to listen on [default: 0.0.0.0, all of this host's]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// A single-page application: its page stands for every path that is no file
    #[arg(long)]
    pub spa: bool,
    /// The page of --spa [default: index.html]
    #[arg(long, value_name = "FILE", requires = "spa")]
    pub homepage: Option<String>,
    /// Only for who gives this name
    #[arg(long, value_name = "NAME", requires = "basic_auth_password")]
    pub basic_auth_username: Option<String>,
    /// And this password; better as PM2_SERVE_BASIC_AUTH_PASSWORD in the env of a file
    #[arg(long, value_name = "PASSWORD", requires = "basic_auth_username")]
    pub basic_auth_password: Option<String>,
    /// Seconds for which a browser need not ask again whether a file has changed, pages apart
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub max_age: u32,
    /// Name of the app [default: static-page-server-PORT]
    #[arg(short, long)]
    pub name: Option<String>,
    /// How many processes: a number, max (one per CPU) or -1 (one less); they share the port
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    pub instances: Option<String>,
    /// Group of the app
    #[arg(long)]
    pub namespace: Option<String>,
    /// Also when it is online: change its definition and restart it
    #[arg(short, long)]
    pub force: bool,
    #[arg(long, hide = true)]
    pub ftp: bool,
    #[arg(long, hide = true, num_args = 0..=1, value_name = "NAME")]
    pub monitor: Option<Option<String>>,
    /// Print the process as JSON
    #[arg(long)]
    pub json: bool,
}
