//! Options of PM2's `start` that have no meaning here (acceptance row J2). They are accepted, so
//! that a line from an old script works, and it is said once that they do nothing.

use clap::Args;

use super::error::CliError;

/// What PM2's users may write out of habit.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct Pm2Args {
    #[arg(long, hide = true)]
    no_pmx: bool,
    #[arg(long, hide = true)]
    no_automation: bool,
    #[arg(long, hide = true)]
    trace: bool,
    #[arg(long, hide = true)]
    disable_trace: bool,
    #[arg(long, hide = true)]
    v8: bool,
    #[arg(long, hide = true)]
    event_loop_inspector: bool,
    #[arg(long, hide = true)]
    deep_monitoring: bool,
    #[arg(long, hide = true)]
    no_vizion: bool,
    #[arg(short = 'x', long, hide = true)]
    execute_command: bool,
    #[arg(long, hide = true, value_name = "TYPE")]
    log_type: Option<String>,
    #[arg(long, hide = true)]
    source_map_support: bool,
    #[arg(long, hide = true)]
    disable_source_map_support: bool,
    #[arg(long, hide = true)]
    no_treekill: bool,
    #[arg(short, long, hide = true)]
    write: bool,
    #[arg(long, hide = true, value_name = "N")]
    parallel: Option<u32>,
    #[arg(long, hide = true)]
    wait_ip: bool,
    #[arg(short, long, hide = true)]
    mini_list: bool,
    #[arg(long, hide = true, value_name = "FIELD")]
    sort: Option<String>,
    #[arg(short, long, hide = true, value_name = "FILE")]
    pid: Option<String>,
}

impl Pm2Args {
    /// What to say about those that were given; `None` without any.
    ///
    /// # Errors
    /// `-p`, which somebody may take for a port.
    pub fn notice(&self) -> Result<Option<String>, CliError> {
        if let Some(value) = &self.pid {
            return Err(CliError::new(match value.parse::<u16>() {
                Ok(port) => format!("-p names a pid file in PM2, not a port: write --port {port}"),
                Err(_) => format!(
                    "no pid file is written, so {value} would never be there: leave -p out; pmdaemon list --json \
                     tells every pid"
                ),
            }));
        }
        let all = [
            ("--no-pmx", self.no_pmx),
            ("--no-automation", self.no_automation),
            ("--trace", self.trace),
            ("--disable-trace", self.disable_trace),
            ("--v8", self.v8),
            ("--event-loop-inspector", self.event_loop_inspector),
            ("--deep-monitoring", self.deep_monitoring),
            ("--no-vizion", self.no_vizion),
            ("--execute-command", self.execute_command),
            ("--log-type", self.log_type.is_some()),
            ("--source-map-support", self.source_map_support),
            ("--disable-source-map-support", self.disable_source_map_support),
            ("--no-treekill", self.no_treekill),
            ("--write", self.write),
            ("--parallel", self.parallel.is_some()),
            ("--wait-ip", self.wait_ip),
            ("--mini-list", self.mini_list),
            ("--sort", self.sort.is_some()),
        ];
        let given: Vec<&str> = all.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        Ok((!given.is_empty()).then(|| format!("Without effect in pmdaemon: {}.", given.join(" "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: Pm2Args,
    }

    fn notice(line: &str) -> Result<Option<String>, String> {
        let args = Only::parse_from(["x"].into_iter().chain(line.split_whitespace())).args;
        args.notice().map_err(|error| error.sentence().unwrap())
    }

    #[test]
    fn what_has_no_meaning_here_is_said_in_one_notice() {
        assert_eq!(notice(""), Ok(None));
        let all = "--no-pmx --no-automation --trace --disable-trace --v8 --event-loop-inspector --deep-monitoring \
                   --no-vizion --execute-command --log-type=json --source-map-support --disable-source-map-support \
                   --no-treekill --write --parallel=4 --wait-ip --mini-list --sort=name";
        let all: Vec<&str> = all.split_whitespace().collect();
        let told = notice(&all.join(" ")).unwrap().unwrap();
        let names: Vec<&str> = all.iter().filter_map(|option| option.split('=').next()).collect();
        assert_eq!(told, format!("Without effect in pmdaemon: {}.", names.join(" ")));
        assert_eq!(
            notice("-x -w -m").unwrap().unwrap(),
            "Without effect in pmdaemon: --execute-command --write --mini-list."
        );
    }

    #[test]
    fn a_port_after_p_is_told_how_to_write_it() {
        assert!(notice("-p 3000").unwrap_err().contains("--port 3000"));
        assert!(notice("--pid /run/web.pid").unwrap_err().contains("no pid file"));
    }
}
