//! `web`: an address for browsers, as long as this command runs.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::super::args::WebArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::session::{Session, address};
use crate::client::ClientError;
use crate::wire::Listener;

/// How often is looked whether the address is still there.
const WATCH: Duration = Duration::from_secs(1);

/// How long the daemon may be away: it is being replaced.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the command.
pub async fn run(args: WebArgs) -> Result<(), CliError> {
    let wanted = Listener { host: loopback(&args.host)?.to_owned(), port: args.port.into() };
    // Heard from now on, so that the address is removed whenever they come.
    let stop = Stop::new()?;
    let session = Session::open().await?;
    let (listener, added) = session.ask_once(async |c| c.add_listener(&wanted).await).await?;
    let shown = show(&session, &listener, args.detach).await;
    if args.detach {
        return shown;
    }
    let ended = match shown {
        Ok(()) => tokio::select! {
            () = stop.asked() => Ok(()),
            gone = watch(&session, &listener, added) => Err(gone),
        },
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        if added {
            // Best effort: most often there is no daemon left to ask.
            let _ = session.client.remove_listener(&listener).await;
        }
        return Err(error);
    }
    if added {
        remove(&session, &listener).await?;
        out::notice(&format!("{} is closed; services and daemon go on.", address(&listener)));
    } else {
        out::notice(&format!("{} stays open; services and daemon go on.", address(&listener)));
    }
    Ok(())
}

/// Signals that end the command.
struct Stop {
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Stop {
    fn new() -> Result<Stop, CliError> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let signals: Result<Vec<_>, _> = kinds.into_iter().map(signal).collect();
        let signals = signals.map_err(|e| CliError::new(format!("cannot wait for Ctrl+C: {e}")))?;
        Ok(Stop { signals })
    }

    async fn asked(mut self) {
        let any = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(any).await;
    }
}

/// The host, if it can be reached from this machine only.
fn loopback(host: &str) -> Result<&str, CliError> {
    match host {
        "localhost" => Ok("127.0.0.1"),
        "::1" | "[::1]" => Ok("::1"),
        host if host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()) => Ok(host),
        host => Err(CliError::new(format!(
            "{host} can be reached from other machines and pmdaemon does not speak TLS there: use 127.0.0.1 and \
             a tunnel (ssh -L) or a reverse proxy with TLS"
        ))),
    }
}

/// Prints the address and a way in.
async fn show(session: &Session, listener: &Listener, detach: bool) -> Result<(), CliError> {
    let link = session.ask_once(async |c| c.login_link().await).await?;
    let address = address(listener);
    let text = format!(
        "Dashboard:  {address}\nLog in:     {address}{}  (works once, within {} s)\n",
        link.path,
        link.expires_in_ms / 1000
    );
    match out::try_print(&text) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            return Err(CliError::new(format!("cannot write to standard output: {e}")));
        }
        Ok(()) | Err(_) => {}
    }
    out::notice("To log in later, get a new link with: pmdaemon open");
    if !detach {
        out::notice("Press Ctrl+C to end this command.");
    }
    Ok(())
}

/// Returns when there is no daemon any more. A daemon that was replaced is given the address
/// again when this command had added it.
async fn watch(session: &Session, listener: &Listener, added: bool) -> CliError {
    let mut away_since: Option<Instant> = None;
    loop {
        tokio::time::sleep(WATCH).await;
        let error = match session.client.system().await {
            Ok(system) => {
                away_since = None;
                let there = |l: &Listener| l.host == listener.host && l.port == listener.port;
                if system.daemon.listeners.iter().any(there) || !added {
                    continue;
                }
                match session.client.add_listener(listener).await {
                    Ok(_) => continue,
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let away = away_since.get_or_insert_with(Instant::now).elapsed();
        match error {
            ClientError::NoDaemon(_) if away > PATIENCE => {
                return CliError::new(
                    "the daemon has ended, and the dashboard with it: run pmdaemon web to start both again",
                );
            }
            error if away > PATIENCE || !error.is_absence() => return error.into(),
            _ => {}
        }
    }
}

/// Takes the address away again. One that is gone already is fine.
async fn remove(session: &Session, listener: &Listener) -> Result<(), CliError> {
    match session.client.remove_listener(listener).await {
        Ok(()) => Ok(()),
        Err(error) if error.status() == Some(404) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_served() {
        for (host, real) in [
            ("localhost", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.9.9.9", "127.9.9.9"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(loopback(host).unwrap(), real);
        }
        for host in ["0.0.0.0", "::", "192.168.1.1", "example.org", ""] {
            assert!(loopback(host).unwrap_err().to_string().contains("TLS"), "{host}");
        }
    }
}
