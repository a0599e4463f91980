//! PM2's dump, as a document like any other: its elements are processes, with the whole environment
//! of whoever started them in each. So are those of its list, one level deeper.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Unusable;
use super::read::Document;

/// What a dump says.
#[derive(Clone, PartialEq, Debug)]
pub struct Dump {
    /// Its apps, in PM2's order.
    pub document: Document,
    /// For each of them: its name in PM2, and whether it ran.
    pub apps: Vec<(String, bool)>,
}

/// Fields that mean the same in a dump as in a file.
const SAME: [&str; 26] = [
    "autorestart",
    "stop_exit_codes",
    "min_uptime",
    "max_restarts",
    "restart_delay",
    "exp_backoff_restart_delay",
    "max_memory_restart",
    "cron_restart",
    "kill_timeout",
    "shutdown_with_message",
    "wait_ready",
    "listen_timeout",
    "watch",
    "ignore_watch",
    "watch_delay",
    "disable_logs",
    "log_date_format",
    "log_type",
    "uid",
    "gid",
    "treekill",
    "increment_var",
    "instance_var",
    "namespace",
    "name",
    "args",
];

/// Variables that PM2 or a session puts there.
const NOT_OF_THE_APP: [&str; 12] = [
    "unique_id",
    "pm_id",
    "name",
    "NODE_APP_INSTANCE",
    "_",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "TERM",
    "WINDOWID",
    "SSH_TTY",
    "LS_COLORS",
];

/// Reads it. What its environments share with `inherited` is not of the apps.
///
/// # Errors
/// It is no list of processes.
pub fn dump(name: &str, value: &Value, inherited: &BTreeMap<String, String>) -> Result<Dump, Unusable> {
    let Value::Array(elements) = value else {
        return Err(Unusable(format!("{name} is no dump of PM2: that is a list of processes")));
    };
    let mut groups: Vec<(&Map<String, Value>, i64, bool)> = Vec::new();
    for element in elements {
        let Value::Object(element) = element.get("pm2_env").unwrap_or(element) else {
            return Err(Unusable(format!("{name} is no dump of PM2: one of its elements is no object")));
        };
        let runs = element.get("status").is_some_and(|status| status != "stopped" && status != "errored");
        let same = |other: &&mut (&Map<String, Value>, i64, bool)| {
            ["name", "namespace"].iter().all(|key| other.0.get(*key) == element.get(*key))
        };
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.1 += 1;
                group.2 |= runs;
            }
            None => groups.push((element, 1, runs)),
        }
    }
    let apps = groups.iter().map(|(element, _, runs)| {
        let name = element.get("name").and_then(Value::as_str).unwrap_or_default();
        (name.to_owned(), *runs)
    });
    let apps = apps.collect();
    let list: Vec<Value> =
        groups.iter().map(|(element, number, _)| app(element, *number, inherited)).collect();
    let document = Document { name: name.to_owned(), value: Value::Array(list), is_package: false };
    Ok(Dump { document, apps })
}

fn app(element: &Map<String, Value>, number: i64, inherited: &BTreeMap<String, String>) -> Value {
    let mut app = Map::new();
    let mut take = |from: &str, to: &str| {
        if let Some(value) = element.get(from).filter(|value| !is_empty(value)) {
            app.insert(to.to_owned(), value.clone());
        }
    };
    SAME.iter().for_each(|key| take(key, key));
    take("pm_exec_path", "script");
    take("pm_cwd", "cwd");
    take("exec_interpreter", "interpreter");
    take("node_args", "interpreter_args");
    take("exec_mode", "exec_mode");
    take("filter_env", "filter_env");
    for (from, to) in
        [("pm_out_log_path", "out_file"), ("pm_err_log_path", "error_file"), ("pm_log_path", "log_file")]
    {
        if let Some(path) = own_log(element, from, number > 1) {
            app.insert(to.to_owned(), path.into());
        }
    }
    app.insert("instances".to_owned(), number.into());
    // For a single process PM2 has it, too, and it says nothing.
    if number > 1 && element.get("merge_logs") == Some(&Value::Bool(true)) {
        app.insert("merge_logs".to_owned(), true.into());
    }
    let own = app.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_of_the_app = |name: &str, value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        !NOT_OF_THE_APP.contains(&name)
            && name != own
            && !name.starts_with("SSH_")
            // What PM2's own server of files goes by.
            && (name.starts_with("PM2_SERVE_") || !name.starts_with("PM2_"))
            && inherited.get(name) != Some(&text)
    };
    let env = element.get("env").and_then(Value::as_object).into_iter().flatten();
    let env: Map<String, Value> =
        env.filter(|(name, value)| is_of_the_app(name, value)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if !env.is_empty() {
        app.insert("env".to_owned(), env.into());
    }
    app.into()
}

/// A log in a place that PM2 has not chosen itself, without the number of the process.
fn own_log(element: &Map<String, Value>, key: &str, several: bool) -> Option<String> {
    let path = element.get(key)?.as_str()?;
    let pids = element.get("pm_pid_path").and_then(Value::as_str).unwrap_or_default();
    let home = pids.rsplit_once("/pids/").map_or("", |(home, _)| home);
    if path.starts_with(&format!("{home}/logs/")) {
        return None;
    }
    let merged = element.get("merge_logs") == Some(&Value::Bool(true));
    let (stem, extension) = path.rsplit_once('.').filter(|(_, end)| !end.contains('/')).unwrap_or((path, ""));
    match stem.rsplit_once('-') {
        Some((stem, number)) if several && !merged && number.parse::<u32>().is_ok() => {
            Some(if extension.is_empty() { stem.to_owned() } else { format!("{stem}.{extension}") })
        }
        Some(_) | None => Some(path.to_owned()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn processes_of_one_name_are_one_app_with_its_own_variables() {
        let process = |name: &str, status: &str| {
            json!({"name": name, "namespace": "default", "pm_exec_path": "/srv/app.js", "pm_cwd": "/srv",
                "exec_interpreter": "node", "exec_mode": "cluster_mode", "node_args": [], "filter_env": [], "status": status,
                "PATH": "/bin", "env": {"PATH": "/bin", "A": "1", name: {}, "PM2_HOME": "/x", "unique_id": "u"}})
        };
        let value = json!([process("web", "online"), process("web", "online"), process("old", "stopped")]);
        let inherited = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let dump = super::dump("dump.pm2", &value, &inherited).unwrap();
        assert_eq!(dump.apps, [("web".to_owned(), true), ("old".to_owned(), false)]);
        let web = json!({"name": "web", "namespace": "default", "script": "/srv/app.js", "cwd": "/srv",
            "interpreter": "node", "exec_mode": "cluster_mode", "instances": 2, "env": {"A": "1"}});
        assert_eq!(dump.document.value[0], web);
        let merged = |number: usize| {
            let mut one = process("web", "online");
            one["merge_logs"] = true.into();
            let dump = super::dump("dump.pm2", &Value::Array(vec![one; number]), &inherited).unwrap();
            dump.document.value[0].get("merge_logs").cloned()
        };
        assert_eq!((merged(1), merged(2)), (None, Some(json!(true))));
        assert!(super::dump("x", &json!({}), &inherited).is_err());
        let list = json!([{"pid": 7, "name": "web", "pm2_env": process("web", "online")}]);
        let dump = super::dump("pm2 jlist", &list, &inherited).unwrap();
        assert_eq!((dump.document.value[0]["env"]["A"].as_str(), dump.apps.len()), (Some("1"), 1));
    }

    #[test]
    fn logs_that_pm2_has_not_placed_itself_stay_where_they_are() {
        let check = |path: &str, several: bool, merged: bool, expected: Option<&str>| {
            let element = json!({"pm_out_log_path": path, "pm_pid_path": "/home/u/.pm2/pids/web-0.pid", "merge_logs": merged});
            let found = own_log(element.as_object().unwrap(), "pm_out_log_path", several);
            assert_eq!(found.as_deref(), expected, "{path}");
        };
        check("/home/u/.pm2/logs/web-out.log", false, true, None);
        check("/var/log/web.log", false, true, Some("/var/log/web.log"));
        check("/var/log/web-3.log", true, false, Some("/var/log/web.log"));
        check("/var/log/web-3", true, false, Some("/var/log/web"));
        check("/var/log/web-3.log", true, true, Some("/var/log/web-3.log"));
        check("/var/log/web-3.log", false, false, Some("/var/log/web-3.log"));
        check("/dev/null", false, true, Some("/dev/null"));
    }
}
