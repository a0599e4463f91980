//! What a process finds in its environment: rebuilt from its declared sources at each launch.

use std::collections::BTreeMap;

use crate::home::Home;
use crate::model::{AppSpec, ProcessId};

/// Variables of the daemon that a process inherits when the caller sent none of its own.
const FROM_DAEMON: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];

/// Variables that speak of descriptors and sockets of somebody else: of the manager from which the
/// caller was started, for example.
const OF_OTHERS: [&str; 8] = [
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// The daemon's own part, for apps that are defined without a caller's environment.
pub fn of_daemon() -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        FROM_DAEMON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    env.entry("PATH".to_owned())
        .or_insert_with(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    env
}

/// The whole environment of one process (acceptance row J15): what the caller had, then who the
/// user is that it runs as, then what is in files, then what was declared, then what only the
/// manager knows. Nothing of the daemon's own gets in.
pub fn of_process(
    home: &Home,
    spec: &AppSpec,
    process: ProcessId,
    instance: u32,
    port: Option<u16>,
    from_files: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut env = spec.inherited_env.clone();
    env.retain(|name, _| !name.starts_with("PMDAEMON_") && !OF_OTHERS.contains(&name.as_str()));
    // Python keeps lines back when its output is no terminal, and loses them with SIGTERM.
    env.entry("PYTHONUNBUFFERED".to_owned()).or_insert_with(|| "1".to_owned());
    if let Some(user) = &spec.resources.run_as {
        let theirs = [("HOME", &user.home), ("USER", &user.user), ("LOGNAME", &user.user)];
        env.extend(theirs.map(|(name, value)| (name.to_owned(), value.clone())));
    }
    env.extend(from_files);
    env.extend(spec.env.clone());
    let ours = [
        ("NODE_APP_INSTANCE", instance.to_string()),
        ("PM2_INSTANCE_ID", instance.to_string()),
        ("pm_id", process.to_string()),
        ("name", spec.name.to_string()),
        ("namespace", spec.namespace.to_string()),
        ("PM2_HOME", home.path().display().to_string()),
    ];
    env.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    env.extend(spec.env_sources.instance_var.clone().map(|name| (name, instance.to_string())));
    env.extend(port.map(|port| ("PORT".to_owned(), port.to_string())));
    env
}
