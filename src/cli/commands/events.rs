//! `events`: what happened to processes, in sentences.

use super::super::args::EventsArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::render::units;
use super::super::session::Session;

/// Runs the command.
pub async fn run(args: EventsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let events = match &args.reference {
        None => session.ask(async |c| c.events(args.lines, None).await).await?.items,
        Some(reference) => {
            let app = session.ask(async |c| c.app(reference).await).await?;
            // A reference to one process answers with its whole app.
            let one = app.processes.iter().find(|p| p.id.to_string() == *reference || p.name == *reference);
            let ids: Vec<i64> = match one {
                Some(process) => vec![process.id],
                None => app.processes.iter().map(|process| process.id).collect(),
            };
            let mut events = Vec::new();
            for id in ids {
                events.extend(session.ask(async |c| c.events(args.lines, Some(id)).await).await?.items);
            }
            events.sort_by_key(|event| event.seq);
            events.drain(..events.len().saturating_sub(args.lines as usize));
            events
        }
    };
    if args.json {
        out::json(&events);
    } else {
        let line =
            |event: &crate::wire::Event| format!("{}  {}\n", units::local_time(&event.ts), event.detail);
        out::print(&events.iter().map(line).collect::<String>());
        if events.is_empty() {
            out::notice("no events yet");
        }
    }
    Ok(())
}
