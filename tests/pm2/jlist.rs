//! `jlist` of ours against that of PM2 (rows E1 and J17), for the same services.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::real::Pm2;
use crate::support::{Home, SOON, wait_for, wait_until};

/// Keys of PM2 that are not there, beside the environment, which PM2 spreads over all others.
const NOT_HERE: [(&str, &str); 7] = [
    ("_tree_pids", "a note of its stop"),
    ("_pm2_version", "there is no PM2 in it"),
    ("pm_pid_path", "no pid files are written"),
    ("automation", "of pm2.io"),
    ("windowsHide", "of Windows"),
    ("vizion_running", "repositories are not looked at"),
    ("cwd", "PM2 has it as pm_cwd, too"),
];

/// As people write them around `pm2 jlist`.
const PROGRAMS: [&str; 19] = [
    "[.[].name] | sort",
    ".[] | select(.name == \"plain\") | .pm_id",
    "[.[] | select(.pm2_env.status == \"online\")] | length",
    "[.[] | select(.pm2_env.status != \"online\") | .name] | sort",
    "group_by(.name) | map({(.[0].name): length}) | add",
    "map({key: .name, value: .pm2_env.restart_time}) | from_entries",
    ".[] | select(.name == \"crash\") | .pm2_env.exit_code",
    "[.[] | select(.pid > 0) | .name] | unique",
    "map({key: .name, value: .pm2_env.exec_mode}) | from_entries",
    ".[] | select(.name == \"plain\") | .pm2_env | [.pm_exec_path, .pm_cwd, .args, .node_args]",
    "map(select(.pm2_env.namespace == \"blue\") | .name)",
    "[.[] | .monit.memory, .monit.cpu] | all(type == \"number\")",
    "[.[] | select(.monit.memory == 0) | .name]",
    ".[] | \"\\(.pm_id) \\(.name) \\(.pm2_env.status)\"",
    "[.[] | select(.pm2_env.status == \"online\") | now * 1000 - .pm2_env.pm_uptime] | all(. > -1000 and . < 600000)",
    "[.[] | select(.pm2_env.status == \"online\") | {name, node: .pm2_env.node_version}]",
    "[.[] | select(.name == \"web\") | .pm2_env.NODE_APP_INSTANCE] | sort",
    ".[] | select(.name == \"plain\") | .pm2_env | [.max_memory_restart / 1048576, .kill_timeout, .version]",
    ".[] | select(.name == \"ready\") | .pm2_env | {wait_ready, listen_timeout, shutdown_with_message, instances}",
];

fn project(home: &Home, port: u16) -> String {
    home.file("package.json", r#"{"name": "project", "version": "4.5.6"}"#);
    home.file("web.js", "require('http').createServer((q, s) => s.end('ok')).listen(process.env.PORT);\n");
    home.file("plain.js", "setInterval(() => {}, 1000);\n");
    home.file("crash.js", "process.exit(3);\n");
    home.file(
        "ready.js",
        "process.send('ready'); process.on('message', m => m === 'shutdown' && process.exit(0));\n",
    );
    home.file("work.py", "import time\nwhile True: time.sleep(1)\n");
    home.file("loop.sh", "while true; do sleep 1; done\n");
    home.file(
        "ecosystem.config.js",
        &format!(
            "module.exports = {{ apps: [
  {{ name: 'web', script: 'web.js', exec_mode: 'cluster', instances: 2, env: {{ PORT: '{port}' }} }},
  {{ name: 'plain', script: 'plain.js', args: '--foo bar', node_args: '--trace-warnings', env: {{ A: '1' }},
    max_memory_restart: '200M', kill_timeout: 2000, restart_delay: 100, min_uptime: 500, max_restarts: 5,
    stop_exit_codes: [0, 3], log_date_format: 'YYYY-MM-DD' }},
  {{ name: 'work', script: 'work.py', interpreter: 'python3', namespace: 'blue' }},
  {{ name: 'loop', script: 'loop.sh', interpreter: 'bash', exp_backoff_restart_delay: 100 }},
  {{ name: 'crash', script: 'crash.js', max_restarts: 2 }},
  {{ name: 'ready', script: 'ready.js', wait_ready: true, listen_timeout: 5000, shutdown_with_message: true }},
  {{ name: 'once', script: 'plain.js', autorestart: false }},
  {{ name: 'sleeps', script: 'sleep', args: ['1000'], interpreter: 'none' }},
] }};\n"
        ),
    )
}

fn jq(program: &str, list: &str) -> String {
    let mut jq = Command::new("jq");
    let mut jq = jq.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    jq.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = jq.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    String::from_utf8(output.stdout).unwrap()
}

fn is_settled(list: &[Value]) -> bool {
    let is = |process: &Value| match process["name"].as_str() {
        Some("crash") => process["pm2_env"]["status"] == "errored",
        // A measurement is there.
        Some("once") => process["pm2_env"]["status"] == "stopped",
        _ => process["pm2_env"]["status"] == "online" && process["monit"]["memory"].as_u64() > Some(0),
    };
    list.len() == 9 && list.iter().all(is)
}

#[test]
fn j17_programs_around_jlist_get_the_same_answers_as_from_pm2() {
    let home = Home::new();
    let Some(pm2) = Pm2::new() else { return };
    // A shared port is held by one of both: PM2 first.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = project(&home, port);
    pm2.ok(&home.work(), &["start", &file]);
    pm2.ok(&home.work(), &["stop", "once"]);
    let theirs = wait_for("PM2's list", SOON, || Some(pm2.list()).filter(|list| is_settled(list)));
    drop(pm2);

    home.run(&["start", &file]).started_but("crash");
    home.ok(&["stop", "once"]);
    let ours = || home.json(&["jlist"]).as_array().unwrap().clone();
    wait_until("our list", SOON, || is_settled(&ours()));
    let ours = ours();

    let mut differences = Vec::new();
    for (their, our) in theirs.iter().zip(&ours) {
        let name = their["name"].as_str().unwrap();
        assert_eq!(their["name"], our["name"]);
        let environment = their["pm2_env"]["env"].as_object().unwrap();
        let is_told = |key: &str| {
            !environment.contains_key(key)
                && key != name
                && !NOT_HERE.iter().any(|(missing, _)| *missing == key)
        };
        let told = their["pm2_env"].as_object().unwrap().iter().filter(|(key, _)| is_told(key));
        let top = their.as_object().unwrap().iter().map(|(key, value)| (key, value, &our[key]));
        for (key, their, our) in top.chain(told.map(|(key, value)| (key, value, &our["pm2_env"][key]))) {
            let same = std::mem::discriminant(their) == std::mem::discriminant(our);
            if !same && !their.is_null() {
                differences.push(format!("{name} {key}: PM2 has {their}, we have {our}"));
            }
        }
    }
    let (theirs, ours) = (serde_json::to_string(&theirs).unwrap(), serde_json::to_string(&ours).unwrap());
    for program in PROGRAMS {
        let (their, our) = (jq(program, &theirs), jq(program, &ours));
        if their != our {
            differences.push(format!("{program}: PM2's answer is {their}, ours {our}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
