//! `signal`: to the main process of what is online.

use super::super::act_args::SignalArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::session::Session;
use super::act;
use super::report::{Line, Report, title};

/// Runs the command.
pub async fn run(args: SignalArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut report = Report::new(args.json);
    for reference in &args.refs {
        if let Err(error) = one(&session, &args.signal, reference, &mut report).await {
            report.refuse(&error);
        }
    }
    report.finish()
}

async fn one(session: &Session, signal: &str, reference: &str, report: &mut Report) -> Result<(), CliError> {
    let before = act::meant(session, reference).await?;
    if before.is_empty() {
        if !report.json {
            out::done("There are no processes.");
        }
        return Ok(());
    }
    // Not twice: a program may count them.
    let sent = session.ask_once(async |c| c.signal(reference, signal).await).await?.processes;
    for process in &sent {
        let pid = process.pid.map_or_else(String::new, |pid| format!(", pid {pid}"));
        let title = title(process);
        let title = title.strip_suffix(')').unwrap_or(&title);
        report.tell(Line::Done(format!("Sent {} to {title}{pid}).", name(signal))), process);
    }
    for process in before.iter().filter(|process| !sent.iter().any(|other| other.id == process.id)) {
        let text =
            format!("{} is {} and gets no signal: only what is online does", title(process), process.status);
        report.refuse(&CliError::new(text));
    }
    Ok(())
}

/// As people write it: `SIGUSR1`, `signal 12`.
fn name(signal: &str) -> String {
    let upper = signal.trim().to_ascii_uppercase();
    match upper.parse::<u32>() {
        Ok(number) => format!("signal {number}"),
        Err(_) if upper.starts_with("SIG") => upper,
        Err(_) => format!("SIG{upper}"),
    }
}
