//! `rollback`: an earlier version of the definition is the definition again.

use super::super::error::CliError;
use super::super::history_args::RollbackArgs;
use super::super::out;
use super::super::session::Session;
use super::act::WAIT;
use super::reload;
use super::report::{Line, Report, is_down, title};
use crate::wire::RollbackOrder;

/// Runs the command.
pub async fn run(args: RollbackArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let order = RollbackOrder { revision: args.revision };
    // Not twice: the version before would be another one.
    let asked = session.ask_once(async |c| c.rollback(&args.reference, &order, WAIT).await).await;
    let app = reload::or_show_log(&session, asked).await?;
    app.notices.iter().for_each(|notice| out::notice(notice));
    let mut report = Report::new(args.json);
    for process in &app.processes {
        let title = title(process);
        report.tell(
            match (is_down(process), process.reason.as_ref()) {
                (true, None) => {
                    Line::Done(format!("{title} is {}; its next start is by it.", process.status))
                }
                (true, Some(why)) => Line::Failed(format!("{title} is {}: {why}", process.status)),
                (false, _) if process.revision == Some(app.revision) => {
                    Line::Done(format!("{title} is {} by it.", process.status))
                }
                (false, _) => Line::Done(format!("{title} is {} and goes on.", process.status)),
            },
            process,
        );
    }
    if !args.json {
        let list = session.ask(async |c| c.revisions(&args.reference).await).await?.items;
        let to = list.last().and_then(|revision| revision.rolled_back_to);
        let to = to.map_or_else(String::new, |to| format!(" as in revision {to}"));
        out::done(&format!("{} is defined{to} again; that is revision {} now.", app.name, app.revision));
    }
    report.finish()
}
