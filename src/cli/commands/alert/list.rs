//! `alert list`: what fires, then what is over.

use anstyle::{AnsiColor, Style};

use super::super::super::error::CliError;
use super::super::super::out;
use super::super::super::render::{escape, styled, units};
use super::super::super::session::Session;
use crate::wire::Alert;

/// Runs the command.
pub async fn run(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let mut alerts = session.ask(async |c| c.alerts().await).await?.items;
    // As the API has them; a newer one may think otherwise.
    alerts.sort_by_key(|alert| (alert.state != "firing", -alert.id));
    match json {
        true => out::json(&alerts),
        false if alerts.is_empty() => out::line("Nothing fires, and nothing has in the last day."),
        false => out::print(&text(&alerts, session.screen.color)),
    }
    Ok(())
}

fn text(alerts: &[Alert], color: bool) -> String {
    let head = match alerts.iter().filter(|alert| alert.state == "firing").count() {
        0 => "Nothing fires.".to_owned(),
        firing => format!("{}.", units::count(firing, "alert fires", "alerts fire")),
    };
    format!("{head}\n{}", alerts.iter().map(|alert| lines(alert, color)).collect::<String>())
}

/// An alert, in a few lines.
fn lines(alert: &Alert, color: bool) -> String {
    let fires = alert.state == "firing";
    let state = styled(&format!("{:<8}", alert.state), style(alert), color);
    let mut text =
        format!("\n{state}  {:<8}  {}: {}\n", alert.severity, alert.rule, escape::harmless(&alert.summary));
    let mut facts = vec![format!("since {}", units::local_time(&alert.since))];
    facts.extend(alert.resolved_at.as_ref().map(|at| format!("over {}", units::local_time(at))));
    facts.extend(alert.namespace.as_ref().filter(|namespace| *namespace != "default").cloned());
    match alert.again {
        ..=0 => {}
        1 => facts.push("came again once".to_owned()),
        times => facts.push(format!("came again {times} times")),
    }
    text.push_str(&format!("{:20}{}\n", "", facts.join(", ")));
    // What is over has its lines in the log.
    if fires {
        for line in &alert.lines {
            text.push_str(&format!("{:20}  {}\n", "", escape::harmless(line)));
        }
    }
    text
}

fn style(alert: &Alert) -> Style {
    match (alert.state.as_str(), alert.severity.as_str()) {
        ("firing", "info") => AnsiColor::Blue.on_default(),
        ("firing", "warning") => AnsiColor::Yellow.on_default(),
        ("firing", _) => AnsiColor::Red.on_default(),
        (_, _) => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(state: &str) -> Alert {
        Alert {
            id: 1,
            rule: "crashes".into(),
            severity: "critical".into(),
            state: state.into(),
            app: Some("web".into()),
            namespace: Some("default".into()),
            process_id: Some(0),
            summary: "web was given up".into(),
            lines: vec!["\u{1b}]0;title\u{7}cannot bind".into()],
            since: "not a time".into(),
            resolved_at: None,
            again: 0,
        }
    }

    #[test]
    fn what_fires_tells_its_lines_without_what_acts_on_a_terminal() {
        let told = text(&[alert("firing")], false);
        let expected = "1 alert fires.\n\nfiring    critical  crashes: web was given up\n                    \
                        since not a time\n                      cannot bind\n";
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_over_tells_when_and_how_often_it_came_again() {
        let over = Alert {
            resolved_at: Some("later".into()),
            again: 2,
            namespace: Some("shop".into()),
            ..alert("resolved")
        };
        let told = text(&[over], false);
        let expected = "Nothing fires.\n\nresolved  critical  crashes: web was given up\n                    \
                        since not a time, over later, shop, came again 2 times\n";
        assert_eq!(told, expected);
    }
}
