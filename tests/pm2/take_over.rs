//! `import pm2 --takeover` (row J6): services of all kinds move from PM2 to pmdaemon, one by one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;

use super::real::Pm2;
use crate::support::home::{PROGRAM, Ran, ran};
use crate::support::{Home, SOON, wait_until};

/// Ports that are free now.
fn ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// What a service answers on a port.
fn answer(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let body = text.split_once("\r\n\r\n")?.1.to_owned();
    text.contains(" 200 ").then_some(body)
}

fn import(home: &Home, pm2: &Pm2, args: &[&str]) -> Ran {
    let mut command = home.command(&[&["import", "pm2"], args].concat());
    ran(command.env("PM2_HOME", pm2.home()).env("PATH", Pm2::path()))
}

const SERVER: &str = "const port = process.argv[2] || process.env.PORT;\n\
    require('http').createServer((q, s) => s.end(process.env.WORD || 'ok')).listen(port, '127.0.0.1', () => {\n\
    if (process.env.SAY) process.send('ready'); });\n\
    process.on('message', m => { if (m === 'shutdown') process.exit(0); });\n";

const PYTHON: &str = "import http.server, os, sys\n\
    class H(http.server.BaseHTTPRequestHandler):\n\
    \x20   def do_GET(self):\n\
    \x20       self.send_response(200); self.end_headers(); self.wfile.write(os.environ.get('WORD', 'ok').encode())\n\
    \x20   def log_message(self, *a): pass\n\
    http.server.ThreadingHTTPServer.allow_reuse_address = True\n\
    http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n";

#[test]
fn j6_twelve_services_of_all_kinds_move_and_serve_on_the_same_ports() {
    let home = Home::new();
    let Some(pm2) = Pm2::new() else { return };
    home.file("server.js", SERVER);
    home.file("server.mjs", "import http from 'http';\nhttp.createServer((q, s) => s.end('esm')).listen(process.env.PORT, '127.0.0.1');\n");
    home.file("server.py", PYTHON);
    home.file("fixed.sh", "exec python3 server.py \"$1\"\n");
    home.file("job.sh", "echo done\n");
    home.file("crash.js", "process.exit(3);\n");
    let p = ports(12);
    home.file(
        "hard.js",
        &format!("require('http').createServer((q, s) => s.end('hard')).listen({});\n", p[1]),
    );
    home.file(
        "ecosystem.config.js",
        &format!(
            "module.exports = {{ apps: [
  {{ name: 'cluster', script: 'server.js', exec_mode: 'cluster', instances: 2, env: {{ PORT: '{}', WORD: 'cluster' }} }},
  {{ name: 'hard', script: 'hard.js', exec_mode: 'cluster', instances: 2 }},
  {{ name: 'fork', script: 'server.js', args: '{}', env: {{ WORD: 'fork' }}, max_memory_restart: '300M' }},
  {{ name: 'esm', script: 'server.mjs', env: {{ PORT: {} }} }},
  {{ name: 'my python', script: 'server.py', interpreter: 'python3', args: ['{}'], env: {{ WORD: 'python' }}, namespace: 'blue' }},
  {{ name: 'shell', script: 'fixed.sh', interpreter: 'bash', args: '{}' }},
  {{ name: 'binary', script: 'python3', interpreter: 'none', args: ['server.py', '{}'] }},
  {{ name: 'waits', script: 'server.js', args: '{}', env: {{ SAY: '1' }}, wait_ready: true, shutdown_with_message: true }},
  {{ name: 'counts', script: 'server.js', instances: 2, exec_mode: 'fork', env: {{ PORT: {} }}, increment_var: 'PORT' }},
  {{ name: 'logs', script: 'server.js', args: '{}', out_file: './own.log', error_file: '/dev/null' }},
  {{ name: 'rests', script: 'server.js', args: '{}' }},
  {{ name: 'job', script: 'job.sh', interpreter: 'bash', autorestart: false }},
  {{ name: 'crash', script: 'crash.js', max_restarts: 2 }},
] }};\n",
            p[0], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10]
        ),
    );
    // The second process of `counts` has the next one.
    drop(TcpListener::bind(("127.0.0.1", p[8] + 1)).expect("a free pair of ports"));
    pm2.ok(&home.work(), &["start", "ecosystem.config.js"]);
    pm2.ok(&home.work(), &["start", &format!("python3 server.py {}", p[11]), "--name", "line"]);
    pm2.ok(&home.work(), &["stop", "rests"]);
    let words = [
        (p[0], "cluster"),
        (p[1], "hard"),
        (p[2], "fork"),
        (p[3], "esm"),
        (p[4], "python"),
        (p[5], "ok"),
        (p[6], "ok"),
        (p[7], "ok"),
        (p[8], "ok"),
        (p[8] + 1, "ok"),
        (p[9], "ok"),
        (p[11], "ok"),
    ];
    let serve = || words.iter().all(|(port, word)| answer(*port).as_deref() == Some(word));
    wait_until("PM2's services", SOON, serve);

    let plan = import(&home, &pm2, &[]);
    assert_eq!(plan.code, 1, "{plan:?}");
    let told = format!("{}{}", plan.err, plan.out);
    let lines = |beginning: &str| told.lines().filter(|line| line.starts_with(beginning)).count();
    assert_eq!(lines("+ "), 14, "each of them, whatever its kind: {told}");
    assert_eq!(lines("pm2 jlist: "), 2, "what is the same is no difference: {told}");
    for difference in [
        "it is named my-python here",
        "hard",
        "share no port",
        "+ rests: stays stopped",
        "+ crash: stays stopped",
        "still runs in PM2",
        "What PM2 has logged stays where it is",
    ] {
        assert!(told.contains(difference), "{difference}: {told}");
    }
    assert!(home.processes().is_empty() && serve(), "a plan changes nothing");

    let done = import(&home, &pm2, &["--takeover", "--yes"]);
    assert_eq!(done.code, 0, "{done:#?}");
    wait_until("our services", SOON, serve);
    assert!(pm2.list().iter().all(|process| process["pid"] == 0), "{:#?}", pm2.list());
    let status = |name: &str| home.process(name)["status"].clone();
    for name in [
        "cluster-0",
        "cluster-1",
        "hard-0",
        "hard-1",
        "fork",
        "esm",
        "my-python",
        "shell",
        "binary",
        "waits",
        "counts-0",
        "counts-1",
        "logs",
        "line",
    ] {
        assert_eq!(status(name), "online", "{name}");
    }
    for (name, expected) in [("rests", "stopped"), ("job", "stopped"), ("crash", "stopped")] {
        assert_eq!(status(name), expected, "{name}");
    }
    let own = home.work().join("own.log").display().to_string();
    assert_eq!(home.process("logs")["out_log"], Value::from(own));
    let again = import(&home, &pm2, &["--takeover", "--yes"]);
    assert!(again.code == 0 && again.out == "Nothing to import.\n", "{again:?}");
}

#[test]
fn j6_what_does_not_come_to_stay_here_runs_in_pm2_again() {
    let home = Home::new();
    let Some(pm2) = Pm2::new() else { return };
    let port = ports(1)[0];
    // It wants PM2 around it.
    home.file("picky.js", &format!("if (!process.env.PM2_USAGE) process.exit(7);\n{SERVER}"));
    home.file("server.js", SERVER);
    pm2.ok(&home.work(), &["start", "picky.js", "--", &port.to_string()]);
    pm2.ok(&home.work(), &["start", "server.js", "--name", "good", "--", "0"]);
    wait_until("its service", SOON, || answer(port).is_some());
    let moved = import(&home, &pm2, &["--takeover", "--yes"]);
    assert_eq!(moved.code, 1, "{moved:?}");
    assert!(moved.err.contains("picky runs in PM2 again, because here picky was"), "{moved:?}");
    wait_until("it serves in PM2 again", SOON, || answer(port).is_some());
    let names: Vec<Value> = home.processes().iter().map(|process| process["name"].clone()).collect();
    assert_eq!(names, ["good"], "nothing of it is left here, and the next one moved");
}

#[test]
fn j6_pmdaemon_by_pm2s_name_is_not_taken_for_it() {
    let home = Home::new();
    let Some(pm2) = Pm2::new() else { return };
    home.file("server.js", SERVER);
    pm2.ok(&home.work(), &["start", "server.js", "--name", "web", "--", "0"]);
    // A link, and a script that stands before the program.
    for directory in ["linked", "shim"] {
        std::fs::create_dir(home.work().join(directory)).unwrap();
    }
    std::os::unix::fs::symlink(PROGRAM, home.work().join("linked/pm2")).unwrap();
    let shim = home.file("shim/pm2", &format!("#!/bin/sh\nexec {PROGRAM} \"$@\"\n"));
    std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
    let import = |args: &[&str], path: &str| {
        let ours = home.work().display().to_string();
        let mut command = home.command(&[&["import", "pm2"], args].concat());
        command.env("PM2_HOME", pm2.home()).env("PATH", format!("{ours}/linked:{ours}/shim:{path}"));
        ran(&mut command)
    };
    let elsewhere = std::env::var("PATH").unwrap();
    import(&["--takeover", "--yes"], &elsewhere).refused(1, &["PM2's own command is not in PATH"]);
    let without = import(&[], &elsewhere);
    assert!(without.err.contains("dump.pm2 cannot be read"), "nothing else tells what it runs: {without:?}");
    pm2.ok(&home.work(), &["save"]);
    let planned = import(&[], &elsewhere);
    assert!(planned.out.contains("+ web: still runs in PM2"), "from its dump: {planned:?}");
    let moved = import(&["--takeover", "--yes"], &Pm2::path());
    assert_eq!(moved.code, 0, "{moved:?}");
    assert_eq!(home.process("web")["status"], "online");
    assert!(pm2.list().iter().all(|process| process["pid"] == 0), "{:#?}", pm2.list());
}
