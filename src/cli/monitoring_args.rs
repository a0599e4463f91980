//! What can be typed about monitoring.

use clap::{Args, Subcommand};

/// `monitoring`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  pmdaemon monitoring scrape >> prometheus.yml\n  \
                        pmdaemon monitoring rules > /etc/prometheus/rules/pmdaemon.yml\n  \
                        pmdaemon monitoring grafana > pmdaemon.json    # Dashboards, New, Import\n\n\
                        pmdaemon's own alerts need none of these: pmdaemon alert --help")]
pub struct MonitoringArgs {
    /// What to print.
    #[command(subcommand)]
    pub command: MonitoringCommand,
}

/// What Prometheus and Grafana need.
#[derive(Subcommand, Debug)]
pub enum MonitoringCommand {
    /// Print how Prometheus gets the metrics
    Scrape,
    /// Print rules of alerts for Prometheus
    Rules,
    /// Print a dashboard for Grafana
    Grafana,
}
