//! Commands of PM2 that are answered with what to use instead (acceptance row J1).

use std::ffi::OsString;

/// Words, and what is said to them.
const NOT_HERE: [(&[&str], &str); 12] = [
    (
        &[
            "install",
            "uninstall",
            "module:install",
            "module:uninstall",
            "module:update",
            "module:generate",
            "module:publish",
            "publish",
            "package",
            "set:module",
        ],
        "PM2's modules do not run here; what most of them do is built in: log rotation (start --log-max-size), metrics \
         (/metrics), health checks (start --health-check-url)",
    ),
    (
        &["logrotate"],
        "logs are rotated by themselves: see start --log-max-size, --log-max-files and --log-max-age",
    ),
    (
        &["link", "unlink", "monitor", "unmonitor", "plus", "register", "logout", "interact", "agent"],
        "pm2.io is not used: pmdaemon open shows the dashboard of this host, and /metrics is for Prometheus",
    ),
    (
        &["pull", "forward:commit", "backward"],
        "repositories are not changed here: use git, and then pmdaemon reload APP",
    ),
    (
        &["profile:cpu", "profile:mem", "profile"],
        "start the app with --node-args=--cpu-prof or --node-args=--heap-prof and stop it: Node writes the profile",
    ),
    (&["inspect"], "restart the app with --node-args=--inspect and open chrome://inspect"),
    (&["slist", "sysinfos"], "use pmdaemon status --json, and pmdaemon monit"),
    (&["multiset"], "use pmdaemon set APP:NAME VALUE for each variable"),
    (
        &["conf", "config"],
        "there is no configuration of modules: pmdaemon settings are its own, pmdaemon env APP shows the variables of an app",
    ),
    (&["create", "examples"], "pmdaemon init writes an ecosystem file to begin with"),
    (&["deepUpdate"], "pmdaemon upgrade has another version take over while services go on"),
    (&["autoinstall"], "install pmdaemon and Node with the package manager of the host"),
];

/// The sentence for these words of a command line, if they begin with such a command.
pub fn sentence(words: &[OsString]) -> Option<String> {
    let word = words.get(1)?.to_str()?;
    let (_, instead) = NOT_HERE.iter().find(|(names, _)| names.contains(&word))?;
    Some(format!("there is no {word} here: {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory;

    #[test]
    fn no_command_is_said_not_to_be_there_that_is() {
        let cli = Cli::command();
        for (names, _) in NOT_HERE {
            for name in names {
                let is_there = |command: &clap::Command| {
                    command.get_name() == *name || command.get_all_aliases().any(|alias| alias == *name)
                };
                assert!(!cli.get_subcommands().any(is_there), "{name}");
                let said = sentence(&["pmdaemon".into(), name.into()]).unwrap();
                assert!(said.starts_with(&format!("there is no {name} here: ")), "{said}");
            }
        }
        assert_eq!(sentence(&["pmdaemon".into(), "list".into()]), None);
        assert_eq!(sentence(&["pmdaemon".into()]), None);
    }
}
