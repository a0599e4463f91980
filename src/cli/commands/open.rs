//! `open`: a link that logs a browser in.

use super::super::error::CliError;
use super::super::out;
use super::super::session::{Session, address};

/// Runs the command.
pub async fn run() -> Result<(), CliError> {
    let session = Session::open().await?;
    if let Some(server) = session.server() {
        let link = session.ask_once(async |c| c.login_link().await).await?;
        out::line(&format!("{}{}", server.url, link.path));
        out::notice(&format!("The link works once, within {} s.", link.expires_in_ms / 1000));
        return Ok(());
    }
    let system = session.ask(async |c| c.system().await).await?;
    let Some(listener) = system.daemon.listeners.first() else {
        return Err(CliError::new(
            "the dashboard has no address yet: run pmdaemon web --port with a free port",
        ));
    };
    let link = session.ask_once(async |c| c.login_link().await).await?;
    out::line(&format!("{}{}", address(listener), link.path));
    out::notice(&format!("The link works once, within {} s.", link.expires_in_ms / 1000));
    Ok(())
}
