//! `monitoring`: what Prometheus and Grafana need for pmdaemon.

use super::super::error::CliError;
use super::super::monitoring_args::{MonitoringArgs, MonitoringCommand};
use super::super::out;
use super::super::session::Session;
use crate::wire::Listener;

/// Rules of alerts for Prometheus.
const RULES: &str = include_str!("../../../web/monitoring/prometheus-rules.yml");
/// A dashboard of Grafana.
const DASHBOARD: &str = include_str!("../../../web/monitoring/grafana.json");

/// Runs the command. Rules and dashboard need no daemon.
pub async fn run(args: MonitoringArgs) -> Result<(), CliError> {
    match args.command {
        MonitoringCommand::Rules => out::print(RULES),
        MonitoringCommand::Grafana => out::print(DASHBOARD),
        MonitoringCommand::Scrape => {
            let session = Session::open().await?;
            let listeners = session.ask(async |c| c.system().await).await?.daemon.listeners;
            let lasting = listeners.iter().find(|listener| !listener.temporary);
            let listener = lasting.ok_or_else(|| {
                CliError::new("Prometheus reaches pmdaemon over TCP, and it has no TCP address: pmdaemon web gives it one")
            })?;
            out::print(&scrape(listener));
        }
    }
    Ok(())
}

/// A part of Prometheus' configuration. `honor_labels`: the label `instance` is the number of a process
/// among those of its app, and Prometheus would write the address there.
fn scrape(listener: &Listener) -> String {
    let url = listener.url();
    let (scheme, target) = url.split_once("://").unwrap_or(("http", &url));
    format!(
        r#"# The token, once, in a file that Prometheus alone can read:
#   pmdaemon token create prometheus --role viewer --expires 365d > /etc/prometheus/pmdaemon.token
scrape_configs:
  - job_name: pmdaemon
    scheme: {scheme}
    honor_labels: true
    authorization:
      credentials_file: /etc/prometheus/pmdaemon.token
    static_configs:
      - targets: ["{target}"]
"#
    )
}
