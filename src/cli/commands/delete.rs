//! `delete`: stops and forgets. By reference at once; everything, or by status, after a question.

use super::super::act_args::DeleteArgs;
use super::super::error::CliError;
use super::super::out;
use super::super::prompt;
use super::super::render::units::count;
use super::super::session::Session;
use super::act::{self, WAIT};
use super::progress;
use super::report::{self, Report};
use crate::client::{Reached, Selection};
use crate::wire::{Action, Process};

/// What a process can be (acceptance row A7).
const STATUSES: [&str; 6] = ["starting", "online", "stopping", "stopped", "errored", "restarting"];

const UNASKED: prompt::Unasked = prompt::Unasked { done: "deleted", option: "--force" };

/// Runs the command.
pub async fn run(mut args: DeleteArgs) -> Result<(), CliError> {
    if !args.status {
        args.refs = args.of_file.references(&args.refs).await?;
    }
    if args.status {
        let words = statuses(&args.refs)?;
        let session = Session::open().await?;
        let shown = words.join(" or ");
        let chosen = |p: &Process| words.contains(&p.status);
        return many(&session, &args, Selection::Statuses(words.clone()), &shown, chosen).await;
    }
    let session = Session::open().await?;
    if args.refs.iter().any(|reference| reference == "all") {
        return many(&session, &args, Selection::All, "", |_| true).await;
    }
    let mut report = Report::new(args.json);
    act::act_on_each(&session, Action::Delete, &args.refs, &mut report).await?;
    report.finish()
}

/// Deletes all that are chosen, after a question.
async fn many(
    session: &Session,
    args: &DeleteArgs,
    selection: Selection,
    status: &str,
    chosen: impl Fn(&Process) -> bool,
) -> Result<(), CliError> {
    let mut before = session.ask(async |c| c.processes().await).await?.items;
    before.retain(|process| chosen(process));
    if before.is_empty() {
        if args.json {
            out::line("[]");
        } else if status.is_empty() {
            out::done("There are no processes: nothing deleted.");
        } else {
            out::done(&format!("No process is {status}: nothing deleted."));
        }
        return Ok(());
    }
    let selection = if args.force {
        selection
    } else {
        if !prompt::confirm(&names(&before), &question(before.len(), status), UNASKED)? {
            out::notice("Nothing deleted.");
            return Err(CliError::Told);
        }
        // Only what was shown: somebody else may have started more meanwhile.
        Selection::Refs(before.iter().map(|process| process.id.to_string()).collect())
    };
    let asked = session.ask_once(async |c| c.act_on(Action::Delete, &selection, WAIT).await);
    let reached = progress::beside(session, Action::Delete.as_str(), &before, asked).await?;
    let reached = act::as_deleted(session, reached).await?;
    let totals = totals(&before, &reached);
    let mut report = Report::new(args.json);
    report.add(Action::Delete, reached, &before);
    if !args.json {
        out::done(&totals);
    }
    report.finish()
}

/// The status words that were given, as the API writes them.
fn statuses(words: &[String]) -> Result<Vec<String>, CliError> {
    let known = |word: &String| {
        let lower = word.to_ascii_lowercase();
        if STATUSES.contains(&lower.as_str()) {
            return Ok(lower);
        }
        Err(CliError::new(format!("{word:?} is not a status: use one of {}", STATUSES.join(" "))))
    };
    words.iter().map(known).collect()
}

/// `Stop and delete all 5 processes?`
fn question(number: usize, status: &str) -> String {
    let kind = if status.is_empty() { String::new() } else { format!(" that are {status}") };
    match (number, status) {
        (1, "") => "Stop and delete the only process?".to_owned(),
        (1, _) => format!("Stop and delete the only process that is {status}?"),
        (_, _) => format!("Stop and delete all {}{kind}?", count(number, "process", "processes")),
    }
}

fn names(processes: &[Process]) -> String {
    processes.iter().map(report::title).collect::<Vec<_>>().join(", ")
}

/// `Stopped 3, deleted 5.`
fn totals(before: &[Process], reached: &Reached) -> String {
    let stopped = report::stopped(before, reached);
    let deleted = match reached {
        Reached::Yes(outcome) => outcome.processes.len(),
        Reached::NotYet(outcome) => outcome.processes.iter().filter(|p| report::is_down(p)).count(),
    };
    format!("Stopped {stopped}, deleted {deleted}.")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{outcome, process};
    use super::*;

    #[test]
    fn a_status_is_one_of_the_six_words_in_any_case() {
        assert_eq!(statuses(&["STOPPED".into(), "online".into()]).unwrap(), ["stopped", "online"]);
        let refused = statuses(&["dead".into()]).unwrap_err().to_string();
        assert!(STATUSES.iter().all(|word| refused.contains(word)), "{refused}");
    }

    #[test]
    fn the_question_says_how_many() {
        assert_eq!(question(5, ""), "Stop and delete all 5 processes?");
        assert_eq!(question(2, "stopped"), "Stop and delete all 2 processes that are stopped?");
        assert_eq!(question(1, "errored"), "Stop and delete the only process that is errored?");
    }

    #[test]
    fn both_totals_are_true() {
        let before = [process(0, "online"), process(1, "stopped"), process(2, "errored")];
        let after = before.iter().map(|p| process(p.id, "stopped")).collect();
        let reached = Reached::Yes(outcome(after));
        assert_eq!(totals(&before, &reached), "Stopped 1, deleted 3.");
    }
}
