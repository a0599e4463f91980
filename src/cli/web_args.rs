//! How the address of `web` is served.

use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CliError;
use crate::wire::ListenerSettings;

/// Options of `web` about TLS and names.
#[derive(Args, Debug)]
pub struct SettingsArgs {
    /// Certificate and its chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM, of mode 0600
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve other machines without TLS: everybody on the way can read tokens
    #[arg(long, conflicts_with = "tls_cert")]
    pub insecure_http: bool,
    /// A name by which browsers call this address, besides localhost and its number
    #[arg(long = "allow-host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// An origin whose pages may read answers, such as https://tools.example.org
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
}

impl SettingsArgs {
    /// As the API takes them.
    ///
    /// # Errors
    /// When the working directory is gone.
    pub fn settings(&self) -> Result<ListenerSettings, CliError> {
        Ok(ListenerSettings {
            tls_cert: absolute(self.tls_cert.as_deref())?,
            tls_key: absolute(self.tls_key.as_deref())?,
            insecure_http: self.insecure_http,
            hosts: self.hosts.clone(),
            origins: self.origins.clone(),
        })
    }
}

/// The daemon works in another directory.
fn absolute(path: Option<&Path>) -> Result<Option<String>, CliError> {
    let Some(path) = path else { return Ok(None) };
    match std::path::absolute(path) {
        Ok(path) => Ok(Some(path.to_string_lossy().into_owned())),
        Err(e) => Err(CliError::new(format!("cannot find {}: {e}", path.display()))),
    }
}

/// `web`.
#[derive(Args, Debug)]
#[command(
    after_help = "Prints the address and a link that logs your browser in, once; then shows the requests that come to \
                        it. Ctrl+C ends the address that this command added; services and daemon go on.\n\n\
                        Examples:\n  pmdaemon web\n  pmdaemon web --port 8080 --detach\n  \
                        pmdaemon web --no-auth     curl http://localhost:9615/api/processes needs no token meanwhile"
)]
pub struct WebArgs {
    /// Port of the address; 0 for any that is free
    #[arg(long, default_value_t = 9615)]
    pub port: u16,
    /// Host of the address
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Leave the address and return at once
    #[arg(long)]
    pub detach: bool,
    /// How it is served
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Ask nobody for a token or login at this address while this command runs
    #[arg(long, conflicts_with = "detach")]
    pub no_auth: bool,
}
