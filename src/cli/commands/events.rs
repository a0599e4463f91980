//! `events`: what happened to processes, in sentences.

use std::collections::BTreeSet;

use super::super::error::CliError;
use super::super::look_args::EventsArgs;
use super::super::out;
use super::super::render::units;
use super::super::session::Session;
use super::act;

/// Runs the command.
pub async fn run(args: EventsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let events = match args.refs.as_slice() {
        [] => session.ask(async |c| c.events(args.lines, None).await).await?.items,
        refs => {
            let mut ids = BTreeSet::new();
            for reference in refs {
                ids.extend(act::meant(&session, reference).await?.iter().map(|process| process.id));
            }
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
