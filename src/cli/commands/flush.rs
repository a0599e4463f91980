//! `flush`: empties logs; what runs goes on.

use super::super::error::CliError;
use super::super::logs_args::TendArgs;
use super::super::out;
use super::super::render::units;
use super::super::session::Session;

/// Runs the command.
pub async fn run(args: TendArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    for reference in args.each() {
        // Not twice: what has come meanwhile would go, too.
        let flushed = session.ask_once(async |c| c.flush(reference).await).await?;
        let whose = reference.unwrap_or("all apps");
        match flushed.files.len() {
            0 => out::done(&format!("There is no log of {whose}.")),
            count => {
                let files = if count == 1 { "1 file" } else { &format!("{count} files") };
                let freed = units::bytes(flushed.freed_bytes);
                out::done(&format!("Emptied the logs of {whose}: {files}, {freed}."));
            }
        }
    }
    Ok(())
}
