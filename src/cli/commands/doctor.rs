//! `doctor`: what is wrong, and what to do about it.

use anstyle::{AnsiColor, Style};

use super::super::doctor::{self, Finding, Level};
use super::super::error::CliError;
use super::super::look_args::DoctorArgs;
use super::super::out::{self, Screen};
use super::super::render::{escape, styled, units};
use super::super::session::this_program;
use crate::client::start;
use crate::home::Home;

/// Runs the command. Starts no daemon, unless it is to repair.
pub async fn run(args: DoctorArgs) -> Result<(), CliError> {
    let home = Home::from_env().map_err(CliError::new)?;
    if args.repair {
        let done = repair(&home).await?;
        done.iter().for_each(|step| out::notice(step));
    }
    let findings = doctor::examine(&home).await;
    let number = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (serious, warnings) = (number(Level::Serious), number(Level::Warning));
    if args.json {
        out::json(&serde_json::json!({ "findings": findings, "serious": serious, "warnings": warnings }));
    } else {
        let color = Screen::of_stdout().color;
        let text: String = findings.iter().map(|finding| lines(finding, color)).collect();
        let sum = match (serious, warnings) {
            (0, 0) => "Everything is as it should be.".to_owned(),
            (0, _) => format!("Nothing serious; {}.", units::count(warnings, "warning", "warnings")),
            (_, _) => format!(
                "{}, {}.",
                units::count(serious, "serious finding", "serious findings"),
                units::count(warnings, "warning", "warnings")
            ),
        };
        out::print(&format!("{text}\n{sum}\n"));
    }
    if serious > 0 { Err(CliError::Told) } else { Ok(()) }
}

/// Repairs what can be repaired without losing anything; answers what was done.
async fn repair(home: &Home) -> Result<Vec<String>, CliError> {
    if !home.path().exists() {
        return Ok(vec![format!("There is no {}: nothing to repair.", home.path().display())]);
    }
    let mut done = doctor::close_to_others(home).map_err(CliError::new)?;
    // A daemon looks at its store when it starts.
    if start::ensure(home, this_program).await? {
        done.push("Started the pmdaemon daemon.".to_owned());
    }
    if done.is_empty() {
        done.push("There is nothing to repair.".to_owned());
    }
    Ok(done)
}

/// A finding in a line, and its remedy in another.
fn lines(finding: &Finding, color: bool) -> String {
    let (word, style) = match finding.level {
        Level::Ok => ("ok", AnsiColor::Green.on_default()),
        Level::Note => ("note", Style::new()),
        Level::Warning => ("warning", AnsiColor::Yellow.on_default()),
        Level::Serious => ("serious", AnsiColor::Red.on_default()),
    };
    let word = styled(&format!("{word:<7}"), style, color);
    let mut text = format!("{word}  {:<11}  {}\n", finding.check, escape::harmless(&finding.finding));
    if let Some(remedy) = &finding.remedy {
        text.push_str(&format!("{:22}→ {}\n", "", escape::harmless(remedy)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_its_remedy_below_it() {
        let finding = Finding {
            check: "home",
            level: Level::Serious,
            finding: "/h is open to others".into(),
            remedy: Some("chmod 700 /h".into()),
        };
        let expected = "serious  home         /h is open to others\n                      → chmod 700 /h\n";
        assert_eq!(lines(&finding, false), expected);
    }
}
