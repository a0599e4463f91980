//! `history`: the versions of an app's definition: when, who, how, and what is different.

use super::super::error::CliError;
use super::super::history_args::HistoryArgs;
use super::super::out;
use super::super::render::{escape, units};
use super::super::session::Session;
use crate::wire::{Difference, Revision};

/// Runs the command.
pub async fn run(args: HistoryArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let revisions = session.ask(async |c| c.revisions(&args.reference).await).await?.items;
    if args.json {
        out::json(&revisions);
    } else {
        out::print(&revisions.iter().map(text).collect::<String>());
    }
    Ok(())
}

fn text(revision: &Revision) -> String {
    let current = if revision.current { " (now)" } else { "" };
    let mut text = format!(
        "{}{current}  {}  {} by {}\n",
        revision.revision,
        units::local_time(&revision.at),
        how(revision),
        escape::harmless(&revision.author)
    );
    for difference in &revision.changes {
        text.push_str(&format!("    {}\n", escape::harmless(&told(difference))));
    }
    text
}

/// `rolled back to 3`.
pub fn how(revision: &Revision) -> String {
    match (revision.cause.as_str(), revision.rolled_back_to) {
        ("rolled_back", Some(to)) => format!("rolled back to {to}"),
        ("environment", _) => "environment updated".to_owned(),
        (word, _) => word.replace('_', " "),
    }
}

/// `instances: 2 → 4`.
fn told(difference: &Difference) -> String {
    let name = difference.pointer.trim_start_matches('/').replace('/', ".");
    match (&difference.before, &difference.after) {
        (Some(before), Some(after)) if before == after => format!("{name}: another value"),
        (Some(before), Some(after)) => format!("{name}: {before} → {after}"),
        (None, Some(after)) => format!("{name}: {after}, was not set"),
        (Some(before), None) => format!("{name}: not set, was {before}"),
        (None, None) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_with_what_is_different() {
        let difference = |pointer: &str, before: Option<&str>, after: Option<&str>| Difference {
            pointer: pointer.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let revision = Revision {
            revision: 4,
            at: "not a time".into(),
            author: "alice".into(),
            cause: "rolled_back".into(),
            rolled_back_to: Some(2),
            current: true,
            changes: vec![
                difference("/instances", Some("2"), Some("4")),
                difference("/env/KEY", Some("***"), Some("***")),
                difference("/port", None, Some("3000")),
                difference("/logs/max_size", Some("1"), None),
            ],
        };
        let expected = "4 (now)  not a time  rolled back to 2 by alice\n    instances: 2 → 4\n    env.KEY: another value\n    \
                        port: 3000, was not set\n    logs.max_size: not set, was 1\n";
        assert_eq!(text(&revision), expected);
    }
}
