//! `web`: an address for browsers, as long as this command runs, and who comes to it.
//!
//! The daemon serves the address while this command reads the stream of its requests, so the
//! address ends with the command even when that is killed.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::out;
use super::super::render::{escape, units};
use super::super::session::{Session, address};
use super::super::stop::Stop;
use super::super::web_args::WebArgs;
use crate::client::{ClientError, RequestItem, RequestStream};
use crate::wire::{AccessRecord, Listener, ListenerSettings};

/// How long the daemon may be away: it is being replaced.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the daemon may take to see that this command has left.
const SETTLING: Duration = Duration::from_secs(3);

/// Runs the command.
pub async fn run(args: WebArgs) -> Result<(), CliError> {
    let settings = args.settings.settings()?;
    let host = reachable(&args.host, args.no_auth, &settings)?;
    let wanted = Listener { no_auth: args.no_auth, settings, ..Listener::at(host, args.port) };
    // Heard from now on, so that whenever they come the end is told.
    let mut stop = Stop::new()?;
    let session = Session::open().await?;
    if args.detach {
        let (listener, _) = session.ask_once(async |c| c.add_listener(&wanted).await).await?;
        return show(&session, &listener).await;
    }
    let (lent, stream) = session.ask(async |c| c.lend_listener(&wanted).await).await?;
    let listener = Listener { no_auth: args.no_auth, ..lent.listener };
    show(&session, &listener).await?;
    out::notice("Press Ctrl+C to end this command. Requests to this address:");
    tokio::select! {
        () = stop.asked() => {}
        ended = watch(&session, &listener, stream) => ended?,
    }
    let what = match after(&session, &listener).await {
        Some(now) if args.no_auth && !now.no_auth => "asks for authentication again",
        Some(now) if now.no_auth => "stays open without authentication, for another pmdaemon web --no-auth",
        Some(_) => "stays open",
        None => "is closed",
    };
    out::notice(&format!("{} {what}; services and daemon go on.", address(&listener)));
    Ok(())
}

/// The host, if those who can reach it may.
fn reachable(host: &str, no_auth: bool, settings: &ListenerSettings) -> Result<String, CliError> {
    let host = host.trim_matches(['[', ']']);
    let address = match host {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other.parse().map_err(|_| {
            CliError::new(format!(
                "{other:?} is not an address of this machine: give a number such as 127.0.0.1 or 0.0.0.0, and a \
                 name with --allow-host"
            ))
        })?,
    };
    if address.is_loopback() {
        return Ok(address.to_string());
    }
    if no_auth {
        return Err(CliError::new(format!(
            "{host} can be reached from other machines, and --no-auth would let all of them run programs here: use \
             127.0.0.1"
        )));
    }
    if settings.tls_cert.is_none() && !settings.insecure_http {
        return Err(CliError::new(format!(
            "{host} can be reached from other machines: give --tls-cert and --tls-key, or use 127.0.0.1 and a \
             tunnel (ssh -L); --insecure-http sends tokens readable by everybody on the way"
        )));
    }
    Ok(address.to_string())
}

/// Prints the address and a way in.
async fn show(session: &Session, listener: &Listener) -> Result<(), CliError> {
    let address = address(listener);
    let mut text = format!("Dashboard:  {address}\n");
    if !listener.no_auth {
        let link = session.ask_once(async |c| c.login_link().await).await?;
        let seconds = link.expires_in_ms / 1000;
        text.push_str(&format!("Log in:     {address}{}  (works once, within {seconds} s)\n", link.path));
    }
    match out::try_print(&text) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => return Err(unwritable(&e)),
        Ok(()) | Err(_) => {}
    }
    if listener.settings.insecure_http {
        out::notice(&format!(
            "Warning: {address} is not encrypted: everybody on the way can read tokens and run programs as you."
        ));
    }
    out::notice(&match listener.no_auth {
        true => format!(
            "Warning: authentication is off at {address}: every user and every program of this machine can run \
             programs as you."
        ),
        false => "To log in later, get a new link with: pmdaemon open".to_owned(),
    });
    Ok(())
}

/// Shows requests until nobody reads them, and asks a daemon that replaces this one for the same
/// address.
async fn watch(session: &Session, listener: &Listener, mut stream: RequestStream) -> Result<(), CliError> {
    loop {
        match stream.next().await {
            Ok(Some(RequestItem::Request(record))) => match out::try_print(&line(&record)) {
                Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(e) => return Err(unwritable(&e)),
                Ok(()) => {}
            },
            Ok(Some(RequestItem::Missed(count))) => out::notice(&format!("({count} requests are not shown)")),
            Ok(Some(RequestItem::Closed)) => {
                return Err(CliError::new(format!("{} was removed by another command", address(listener))));
            }
            Err(error) if !error.is_absence() => return Err(error.into()),
            Ok(None) | Err(_) => stream = again(session, listener).await?,
        }
    }
}

/// The same address from the next daemon. Starts none: one that was ended by `pmdaemon kill` stays
/// ended.
async fn again(session: &Session, listener: &Listener) -> Result<RequestStream, CliError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match session.client.lend_listener(listener).await {
            Ok((_, stream)) => return Ok(stream),
            Err(ClientError::NoDaemon(_)) if Instant::now() > deadline => {
                return Err(CliError::new(
                    "the daemon has ended, and the dashboard with it: run pmdaemon web to start both again",
                ));
            }
            Err(error) if error.is_absence() && Instant::now() <= deadline => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How the address is served now that this command has left it; `None`: it is not.
async fn after(session: &Session, listener: &Listener) -> Option<Listener> {
    let deadline = Instant::now() + SETTLING;
    loop {
        let listeners = session.client.system().await.ok()?.daemon.listeners;
        let now = listeners.into_iter().find(|l| l.host == listener.host && l.port == listener.port)?;
        let settled = !now.temporary && !now.no_auth;
        if settled || Instant::now() > deadline {
            return Some(now);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A request in a line: when, what, how it went, how long it took.
fn line(record: &AccessRecord) -> String {
    let time = units::local_time(&record.ts);
    let time = time.split_once(' ').map_or(time.as_str(), |(_, time)| time);
    let took = record.duration_us as f64 / 1000.0;
    let path = escape::harmless(&record.path);
    format!("{time}  {}  {:<6}  {took:>8.1} ms  {path}\n", record.status, record.method)
}

fn unwritable(error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_2_beyond_this_machine_there_is_tls_or_somebody_insists() {
        let none = ListenerSettings::default();
        for (host, real) in [
            ("localhost", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.9.9.9", "127.9.9.9"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(reachable(host, false, &none).unwrap(), real);
        }
        let insecure = ListenerSettings { insecure_http: true, ..none.clone() };
        let encrypted = ListenerSettings { tls_cert: Some("/c".into()), ..none.clone() };
        for host in ["0.0.0.0", "::", "192.168.1.1"] {
            assert!(reachable(host, false, &none).unwrap_err().to_string().contains("--tls-cert"), "{host}");
            assert!(
                reachable(host, true, &encrypted).unwrap_err().to_string().contains("--no-auth"),
                "{host}"
            );
            assert_eq!(reachable(host, false, &insecure).unwrap(), host);
            assert_eq!(reachable(host, false, &encrypted).unwrap(), host);
        }
        for host in ["example.org", "", "1.2.3", "localhost:80"] {
            assert!(reachable(host, false, &encrypted).unwrap_err().to_string().contains("--allow-host"));
        }
    }

    #[test]
    fn a_request_is_shown_in_a_line_on_which_nothing_acts() {
        let record = AccessRecord {
            ts: "2026-01-31T12:00:00.000Z".into(),
            address: None,
            method: "GET".into(),
            path: "/a\u{1b}[2J".into(),
            status: 404,
            duration_us: 1234,
        };
        assert!(line(&record).ends_with("  404  GET          1.2 ms  /a\n"), "{}", line(&record));
    }
}
