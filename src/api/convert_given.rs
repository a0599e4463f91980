//! From a definition back to what makes it: what somebody would have to send for it to be as it is.

use serde_json::Value;

use super::{ApiError, convert};
use crate::daemon::given::given;
use crate::model::{AppId, AppSpec};
use crate::wire::NewApp;

/// Members of an app that nobody asks for.
const RESULTS: [&str; 5] = ["id", "revision", "program", "processes", "notices"];

/// What makes `spec`, with all its secrets: for us, never for an answer. It looks at files.
///
/// # Errors
/// 500 when a member of an app is none of a new one.
pub fn asked_for(spec: &AppSpec) -> Result<NewApp, ApiError> {
    let mut members = serde_json::to_value(convert::definition(AppId(0), spec, None)).unwrap_or_default();
    if let Value::Object(members) = &mut members {
        members.retain(|name, _| !RESULTS.contains(&name.as_str()));
        // What follows it says it.
        let is_checked_within = spec.health.as_ref().is_some_and(|policy| policy.ready_within.is_some());
        if !spec.ready.by.is_awaited() && !is_checked_within {
            members.remove("listen_timeout_ms");
        }
    }
    let new: NewApp = serde_json::from_value(members).map_err(|e| ApiError::internal(&e))?;
    let given = given(spec);
    Ok(NewApp {
        args: given.args,
        interpreter: given.interpreter,
        env: spec.env.clone(),
        inherited_env: Some(spec.inherited_env.clone()),
        no_new_privileges: spec.resources.no_new_privileges,
        ..new
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::api::convert::draft;
    use crate::daemon::define::define;

    #[test]
    fn what_makes_a_definition_makes_it_again() {
        let check = |new: Value| {
            let shown = new.to_string();
            let new: NewApp = serde_json::from_value(new).unwrap();
            let make = |new: NewApp| define(draft(new, Path::new("/tmp")).unwrap()).unwrap();
            let spec = make(new);
            let again = make(asked_for(&spec).unwrap());
            assert!(again == spec, "{shown} became another definition: {again:?}");
        };
        check(json!({"script": "sleep", "args": ["5"]}));
        check(
            json!({"script": "sleep 5", "name": "s", "namespace": "blue", "env": {"A": "b=c", "EMPTY": ""}}),
        );
        check(json!({"script": "sleep 5; true", "instances": 3, "port": "3000-3002", "autostart": false}));
        check(
            json!({"script": "sleep", "inherited_env": {"PATH": "/bin:/usr/bin", "X": "y"}, "filter_env": ["AWS_"], "instance_var": "WORKER"}),
        );
        check(json!({
            "script": "sleep", "max_restarts": 0, "min_uptime_ms": 5, "restart_delay_ms": 7, "autorestart": false,
            "stop_exit_codes": [0, 3], "kill_signal": "SIGINT", "kill_timeout_ms": 9, "shutdown_with_message": true, "stdin": true,
        }));
        check(json!({"script": "sleep", "exp_backoff_restart_delay_ms": 100, "no_new_privileges": false}));
        check(json!({
            "script": "sleep", "ready": "log:up", "listen_timeout_ms": 5000, "umask": "027", "nice": 3,
            "max_memory_bytes": 1_000_000, "max_open_files": 64, "core_size_bytes": -1,
            "health_check": {"tcp": "localhost:80", "retries": 2, "interval_ms": 10, "start_limit_ms": 5},
            "depends_on": [{"app": "db"}, {"app": "blue:x", "condition": "completed"}],
            "logs": {"out_file": "o.log", "error_file": "NULL", "merge": true, "max_size_bytes": 0, "max_files": -1},
        }));
        check(
            json!({"script": "sleep", "autostart": false, "schedule": {"cron": "0 3 * * *", "timezone": "UTC"}}),
        );
        check(json!({
            "script": "sleep", "autostart": false,
            "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "overlap": "queue", "catch_up": "once"},
        }));
        check(json!({
            "script": "sleep", "instances": 2, "port": "4820-4821",
            "balance": {"port": 8080, "mode": "tcp", "method": "round-robin", "sticky": "address"},
        }));
        check(json!({"script": "sleep", "instances": 2, "balance": {"port": 8080}}));
        check(json!({"script": "sleep", "instances": 2, "port": "4822", "spread": "even"}));
        check(json!({"script": "sleep", "port": "4822", "listen_mode": "shared", "spread": "queue"}));
        check(json!({
            "script": "sleep", "instances": 4, "balance": {"port": 8080, "slow_start_ms": 9000},
            "rolling": {"soak_ms": 5000, "max_surge": "25%", "max_unavailable": "1"},
        }));
        check(json!({"script": "sleep", "hooks": {"before_start": "test -d /tmp && true", "timeout_ms": 5}}));
        check(json!({"script": "sleep", "labels": {"tier": "web", "canary": ""}}));
        check(json!({"script": "sleep", "watch": {"paths": ["/tmp"], "delay_ms": 300}}));
        check(json!({"script": "sleep", "health_check": {"script": "/bin/true"}, "logs": {"disable": true}}));
    }

    #[test]
    fn who_runs_a_script_is_named_only_where_somebody_had_to() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = home.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("plain.sh", "exit\n", 0o644);
        write("own.sh", "#!/bin/sh\n", 0o755);
        write("odd.x", "#!/usr/bin/env sh\n", 0o644);
        write("bare.py", "pass\n", 0o755);
        let check = |script: &str, args: &[&str], interpreter: Option<&str>, own: &[&str], named: bool| {
            let new = NewApp {
                script: script.to_owned(),
                args: args.iter().map(|word| (*word).to_owned()).collect(),
                interpreter: interpreter.map(str::to_owned),
                interpreter_args: own.iter().map(|word| (*word).to_owned()).collect(),
                ..NewApp::default()
            };
            let make = |new: NewApp| define(draft(new, home.path()).unwrap()).unwrap();
            let spec = make(new.clone());
            let asked = asked_for(&spec).unwrap();
            assert_eq!(
                (&asked.args, &asked.interpreter_args),
                (&new.args, &new.interpreter_args),
                "{script}"
            );
            assert_eq!(asked.interpreter, new.interpreter.filter(|_| named), "{script}");
            assert!(make(asked) == spec, "{script} became another definition");
        };
        check("plain.sh", &["a", "b c"], None, &[], false);
        check("own.sh", &["plain.sh"], None, &[], false);
        check("own.sh", &["x"], Some("none"), &[], false);
        check("bare.py", &["x"], Some("none"), &[], true);
        check("own.sh", &["x"], Some("sh -e"), &[], true);
        check("odd.x", &["x"], None, &["-e"], false);
        check("bare.py", &["-v"], Some("python3"), &["-u"], false);
        check("plain.sh", &["y"], Some("/bin/sh"), &["-x"], true);
        check("sleep", &["5"], None, &[], false);
        check("sleep 5", &[], None, &[], false);
        check("sleep 5 && true", &["z"], None, &[], false);
    }
}
