//! Files as people write them. All of them load, nothing in them is unknown, and once they are
//! applied there is nothing left to do (rows J3, J4 and K10).

use std::path::{Path, PathBuf};

use crate::support::Home;

/// What the files run.
fn project(home: &Home) {
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    home.file(
        "ready.js",
        "process.send('ready'); process.on('message', () => process.exit(0)); setInterval(() => {}, 1000);\n",
    );
    home.file("worker.py", "import time\nwhile True: time.sleep(1)\n");
    home.file("loop.sh", "echo ready\nwhile :; do sleep 1; done\n");
    std::fs::create_dir(home.work().join("src")).unwrap();
    home.file("src/index.js", "setInterval(() => {}, 1000);\n");
    home.file("front.env", "FRONT=1\n");
    home.file("index.html", "<h1>site</h1>\n");
    std::fs::create_dir(home.work().join("public")).unwrap();
    home.file("public/index.html", "<h1>site</h1>\n");
    let check = home.file("check.sh", "#!/bin/sh\nexit 0\n");
    std::fs::set_permissions(check, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ecosystem");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { path.join("package.json") } else { path })
        .filter(|path| path.extension().is_none_or(|extension| extension != "sh"))
        .collect();
    files.sort();
    files
}

/// Every field of PM2 7's table, by every name that it has there; and what stands beside the apps.
const FIELDS: &str = "script exec cmd command name name_prefix namespace cwd args interpreter exec_interpreter \
    interpreter_args node_args instances exec_mode _mode env env_production filter_env port increment_var instance_var \
    uid user gid username autostart autorestart stop_exit_codes min_uptime max_restarts restart_delay \
    exp_backoff_restart_delay max_memory_restart cron_restart cron kill_timeout kill_retry_time shutdown_with_message \
    treekill wait_ready listen_timeout watch ignore_watch watch_delay watch_options out_file out output out_log \
    error_file error err err_file err_log log_file log pid_file pid merge_logs combine_logs disable_logs log_type \
    log_date_format time force source_map_support windowsHide vizion pmx automation execute_command post_update \
    append_env_to_name install_url write trace v8 io apps pm2 deploy static";

/// Whether something in that text has that name, in whichever notation.
fn names(text: &str, field: &str) -> bool {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(field).any(|(at, _)| {
        let after = text[at + field.len()..].trim_start_matches(['"', '\'', ' ']);
        !text[..at].ends_with(is_of_a_name) && after.starts_with([':', '='])
    })
}

#[test]
fn j3_the_files_have_every_field_by_each_of_its_names() {
    let texts: Vec<String> = corpus().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing = |field: &&str| !texts.iter().any(|text| names(text, field));
    let missing: Vec<&str> = FIELDS.split_whitespace().filter(missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!names("preout: 1, \"outer\": 2", "out"), "a part of a name is no name");
}

#[test]
fn j3_every_file_loads_and_once_applied_nothing_is_left_to_do() {
    let home = Home::new();
    project(&home);
    let files = corpus();
    assert!(files.len() >= 25, "{}", files.len());
    for file in files {
        let file = file.to_str().unwrap();
        let applied = home.run(&["apply", file, "--yes"]);
        assert_eq!(applied.code, 0, "{file}: {applied:?}");
        for word in ["is not a field", "is not known"] {
            assert!(!applied.err.contains(word), "{file}: {applied:?}");
        }
        let planned = home.run(&["plan", file, "--exit-code"]);
        assert_eq!(planned.code, 0, "{file}: {planned:?}");
        assert!(planned.out.contains("as the file says."), "{file}: {planned:?}");
        let before: Vec<_> = home.processes().iter().map(|process| process["pid"].clone()).collect();
        assert!(!before.is_empty(), "{file}");
        home.ok(&["apply", file, "--yes"]);
        let after: Vec<_> = home.processes().iter().map(|process| process["pid"].clone()).collect();
        assert_eq!(before, after, "{file}: unchanged apps keep their pids");
        home.ok(&["delete", "all", "--force"]);
    }
}
