//! `alert rules`: what is to be told.

use super::super::super::error::CliError;
use super::super::super::out::{self, Screen};
use super::super::super::render::table::{self, Cell, Column};
use super::super::super::render::units;
use super::super::super::session::Session;
use super::named;
use crate::wire::AlertRule;

/// Runs the command.
pub async fn run(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let rules = session.ask(async |c| c.alert_rules().await).await?.items;
    match json {
        true => out::json(&rules),
        false if rules.is_empty() => out::line("There are no rules. pmdaemon alert add makes one."),
        false => out::print(&shown(&rules, session.screen)),
    }
    Ok(())
}

fn shown(rules: &[AlertRule], screen: Screen) -> String {
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("name", 0),
        column("when", 0),
        column("apps", 3),
        column("channels", 2),
        column("severity", 1),
        column("again after", 4),
        column("repeated", 5),
        column("now", 0),
    ];
    let row = |rule: &AlertRule| -> Vec<Cell> {
        let now = match (rule.paused, rule.firing) {
            (true, _) => "paused".to_owned(),
            (false, ..=0) => "calm".to_owned(),
            (false, firing) => format!("{firing} firing"),
        };
        let texts = [
            rule.name.clone(),
            rule.condition.clone(),
            named(&rule.apps, "all"),
            named(&rule.channels, "none"),
            rule.severity.clone(),
            units::setting(rule.cool_down_ms),
            rule.repeat_ms.map_or("never".to_owned(), |ms| format!("each {}", units::setting(ms))),
            now,
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    table::render(&columns, &rules.iter().map(row).collect::<Vec<_>>(), screen)
}
