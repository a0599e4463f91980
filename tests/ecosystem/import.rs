//! `import pm2` (row J6), from a dump as PM2 7.0.4 writes it.

use serde_json::{Value, json};

use crate::support::Home;

/// Two workers, one app that was stopped and whose name is none here, and one with a schedule.
fn dump(home: &Home) -> String {
    let script = home.file("app.js", "setInterval(() => {}, 1000);\n");
    let process = |name: &str, mode: &str, status: &str| {
        json!({
            "name": name, "filter_env": [], "namespace": "default", "vizion": true, "autostart": true,
            "autorestart": true, "watch": false, "instance_var": "NODE_APP_INSTANCE", "pmx": true, "automation": true,
            "treekill": true, "username": "root", "windowsHide": true, "kill_retry_time": 100, "node_args": [],
            "pm_exec_path": script, "pm_cwd": home.work(), "exec_interpreter": "node", "exec_mode": mode,
            "pm_out_log_path": "/home/u/.pm2/logs/web-out-0.log", "pm_err_log_path": "/home/u/.pm2/logs/web-error-0.log",
            "pm_pid_path": "/home/u/.pm2/pids/web-0.pid", "km_link": false, "vizion_running": false,
            "_": "/usr/bin/pm2", "unique_id": "2a6e0cfe", "status": status, "pm_uptime": 1_795_655_382_188_u64,
            "axm_dynamic": {}, "created_at": 1_795_655_382_188_u64, "restart_time": 0, "unstable_restarts": 0,
            "version": "N/A", "node_version": "20.20.2", "max_memory_restart": 209_715_200,
            "env": {"PM2_HOME": "/home/u/.pm2", "PM2_USAGE": "CLI", name: {}, "unique_id": "2a6e0cfe", "TOKEN": "s3cr3t"},
        })
    };
    let mut job = process("job", "fork_mode", "online");
    job["cron_restart"] = json!("0 3 * * *");
    job["autorestart"] = json!(false);
    let list = json!([
        process("web", "cluster_mode", "online"),
        process("web", "cluster_mode", "online"),
        process("my app", "fork_mode", "stopped"),
        job,
    ]);
    home.file("dump.pm2", &serde_json::to_string_pretty(&list).unwrap())
}

#[test]
fn j6_a_dump_of_pm2_is_imported_once_as_it_was() {
    let home = Home::new();
    let file = dump(&home);
    let asked = home.run(&["import", "pm2", &file]);
    assert!(asked.code == 1 && asked.err.contains("--yes"), "{asked:?}");
    assert!(home.processes().is_empty(), "nothing without an answer");
    let ran = home.run(&["import", "pm2", &file, "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("it is named my-app here"), "{ran:?}");
    assert!(!ran.err.contains("is not a field"), "{ran:?}");
    let states: Vec<(Value, Value)> =
        home.processes().iter().map(|process| (process["name"].clone(), process["status"].clone())).collect();
    let expected = [("web-0", "online"), ("web-1", "online"), ("my-app", "stopped"), ("job", "online")];
    assert_eq!(states, expected.map(|(name, status)| (json!(name), json!(status))));
    let web = home.json(&["info", "web", "--json"]);
    assert_eq!(web["env"], json!({"TOKEN": "***"}), "only what is of the app, and masked");
    assert_eq!((&web["max_memory_bytes"], &web["kill_signal"]), (&json!(209_715_200), &json!("SIGINT")));
    let again = home.run(&["import", "pm2", &file, "--yes"]);
    assert!(again.code == 0 && again.out == "Nothing to import.\n", "{again:?}");
}

#[test]
fn j6_what_is_no_dump_is_refused() {
    let home = Home::new();
    home.run(&["import", "pm2"]).refused(1, &["dump.pm2 cannot be read", "pm2 save"]);
    let file = home.file("dump.pm2", "{}");
    home.run(&["import", "pm2", &file]).refused(1, &["is no dump of PM2"]);
}
