//! `settings`: those of pmdaemon itself.

use super::super::error::CliError;
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use super::super::settings_args::{SettingsArgs, SettingsCommand};
use crate::wire::{Config, ConfigOrder, ConfigSetting, size};

/// The budget is a size here, and bytes in the API.
const BUDGET: &str = "log_budget_bytes";

/// Runs the command.
pub async fn run(args: SettingsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    match args.command {
        None => {
            let (config, _) = session.ask(async |c| c.config().await).await?;
            match args.json {
                true => out::json(&config),
                false => out::print(&text(&config, session.screen)),
            }
        }
        Some(SettingsCommand::Set { name, value }) => {
            let name = meant(&name);
            change(&session, &name, Some(&value)).await?;
            out::done(&format!("Set {}; it is in effect.", shown(&name)));
        }
        Some(SettingsCommand::Unset { name }) => {
            let name = meant(&name);
            change(&session, &name, None).await?;
            out::done(&format!("{} is as everybody has it.", shown(&name)));
        }
        Some(SettingsCommand::Reload) => {
            let reloaded = session.ask_once(async |c| c.reload_system().await).await?;
            match reloaded.certificates.is_empty() {
                true => {
                    out::done("There are no certificates; settings are in effect as soon as they are set.")
                }
                false => out::done(&format!("Read again: {}", reloaded.certificates.join(", "))),
            }
        }
    }
    Ok(())
}

/// The API's name of it.
fn meant(name: &str) -> String {
    match name.replace('-', "_").as_str() {
        "log_budget" => BUDGET.to_owned(),
        other => other.to_owned(),
    }
}

fn shown(name: &str) -> &str {
    if name == BUDGET { "log_budget" } else { name }
}

/// Only if nobody else changes them meanwhile.
async fn change(session: &Session, name: &str, value: Option<&str>) -> Result<(), CliError> {
    let (mut config, tag) = session.ask(async |c| c.config().await).await?;
    put(&mut config.set, name, value).map_err(CliError::new)?;
    session.ask_once(async |c| c.set_config(&config.set, &tag).await).await?;
    Ok(())
}

fn put(set: &mut ConfigOrder, name: &str, value: Option<&str>) -> Result<(), String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number for {name}"));
    match name {
        BUDGET => {
            set.log_budget_bytes =
                value.map(|text| size::parse(text).map(|bytes| bytes as i64)).transpose()?
        }
        "log_level" => set.log_level = value.map(str::to_owned),
        "log_roots" => {
            let split =
                |text: &str| text.split(':').filter(|root| !root.is_empty()).map(str::to_owned).collect();
            set.log_roots = value.map(split);
        }
        "restart_burst" => {
            let whole =
                |text: &str| text.parse().map_err(|_| format!("{text:?} is no whole number for {name}"));
            set.restart_burst = value.map(whole).transpose()?;
        }
        "restart_rate" => set.restart_rate = value.map(number).transpose()?,
        "log_format" | "writable_scripts" => {
            return Err(format!(
                "{name} is said by the environment of the daemon only: pmdaemon settings shows by what"
            ));
        }
        other => {
            return Err(format!(
                "there is no setting {other}: log_budget, log_level, log_roots, restart_burst and restart_rate can be set"
            ));
        }
    }
    Ok(())
}

fn text(config: &Config, screen: Screen) -> String {
    let column = |title| Column { title, expendable: 0, right: false };
    let columns = ["name", "value", "said by", "default", "variable"].map(column);
    let row = |setting: &ConfigSetting| {
        let value = |text: &str| match (setting.name.as_str(), text.parse()) {
            (BUDGET, Ok(bytes)) => units::bytes(bytes),
            (_, _) => text.to_owned(),
        };
        let texts = [
            shown(&setting.name).to_owned(),
            value(&setting.value),
            setting.source.clone(),
            value(&setting.default),
            setting.variable.clone(),
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    table::render(&columns, &config.items.iter().map(row).collect::<Vec<_>>(), screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_its_setting_wants_it() {
        let mut set = ConfigOrder::default();
        for (name, value) in [
            ("log-budget", "2G"),
            ("log_level", "debug"),
            ("log_roots", "/srv/logs:/data"),
            ("restart_burst", "5"),
            ("restart-rate", "0.5"),
        ] {
            put(&mut set, &meant(name), Some(value)).unwrap();
        }
        let expected = ConfigOrder {
            log_budget_bytes: Some(2 << 30),
            log_level: Some("debug".to_owned()),
            log_roots: Some(vec!["/srv/logs".to_owned(), "/data".to_owned()]),
            restart_burst: Some(5),
            restart_rate: Some(0.5),
        };
        assert_eq!(set, expected);
        put(&mut set, BUDGET, None).unwrap();
        assert_eq!(set.log_budget_bytes, None);
        let refused =
            |name: &str, value: &str| put(&mut ConfigOrder::default(), name, Some(value)).unwrap_err();
        assert!(refused("colour", "red").contains("log_budget, log_level"));
        assert!(refused("restart_burst", "1.5").contains("whole number"));
        assert!(refused("log_format", "json").contains("environment"));
    }
}
