//! `session`: browsers that are logged in.

use super::super::error::CliError;
use super::super::identity_args::SessionCommand;
use super::super::out;
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use super::token::word;

/// Runs the command.
pub async fn run(command: SessionCommand) -> Result<(), CliError> {
    match command {
        SessionCommand::List(args) => list(args.json).await,
        SessionCommand::End(args) => {
            let session = Session::open().await?;
            for id in &args.ids {
                session.ask_once(async |c| c.end_session(id).await).await?;
                out::done(&format!("The session {id} is over."));
            }
            Ok(())
        }
    }
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let sessions = session.ask(async |c| c.sessions().await).await?.items;
    if json {
        out::json(&sessions);
        return Ok(());
    }
    if sessions.is_empty() {
        out::notice("no browser is logged in");
    }
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("id", 0),
        column("who", 0),
        column("role", 1),
        column("from", 4),
        column("origin", 2),
        column("last seen", 3),
    ];
    let row = |session: &crate::wire::Session| -> Vec<Cell> {
        let texts = [
            session.id.clone(),
            session.subject.clone(),
            word(session.role).to_owned(),
            session.from.clone(),
            session.origin.clone(),
            units::local_time(&session.last_seen_at),
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    out::print(&table::render(&columns, &sessions.iter().map(row).collect::<Vec<_>>(), session.screen));
    Ok(())
}
