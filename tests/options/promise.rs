//! The lines of the promise, word for word (rows D24 and D25), where nobody else has port 9615.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::home::{Ran, ran};
use crate::support::{Home, SOON, namespace, proc, wait_for, wait_until};

/// Serves on its PORT, or nowhere.
const SERVER: &str = "const port = process.env.PORT;\n\
    if (port) require('http').createServer((q, a) => a.end(port)).listen(port, () => console.log('listening'));\n\
    else { console.log('ready'); setInterval(() => {}, 1000); }\n";

/// A shell as a user has it, with `pmdaemon` in PATH.
struct Shell<'a>(&'a Home);

impl Shell<'_> {
    fn command(&self, line: &str) -> Command {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_pmdaemon")).parent().unwrap();
        let usual = self.0.command(&[]);
        let variables =
            usual.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.0.work()).env_clear().envs(variables);
        shell.env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()));
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }

    /// A line that ends by itself, well; answers what it printed.
    #[track_caller]
    fn line(&self, line: &str) -> String {
        let Ran { code, out, err, .. } = ran(&mut self.command(line));
        assert_eq!(code, 0, "{line}\n{out}{err}{}", self.0.daemon_log());
        out
    }

    /// A line that goes on until Ctrl+C, and then ends well; answers the first line that has that word.
    #[track_caller]
    fn watched(&self, line: &str, word: &str) -> String {
        let mut watching = self.command(&format!("exec {line}")).spawn().unwrap();
        let lines = BufReader::new(watching.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seen = lines.into_iter().find(|line| line.contains(word));
        proc::send(i64::from(watching.id()), Signal::SIGINT);
        let status = wait_for(&format!("the end of {line}"), SOON, || watching.try_wait().unwrap());
        assert!(status.success(), "{line}: {status}");
        seen.unwrap_or_else(|| panic!("{line} ended without {word:?}"))
    }
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn d25_every_line_of_the_quick_start_works_word_for_word() {
    if !namespace::own_network() {
        return;
    }
    let home = Home::new();
    for script in ["app.js", "server.js", "worker.js", "api.js"] {
        home.file(script, SERVER);
    }
    home.file("health-check.sh", "test -n \"$NODE_APP_INSTANCE\"\n");
    let shell = Shell(&home);

    shell.line("pmdaemon start app.js --name myapp");
    assert_eq!(home.process("myapp")["status"], "online");
    assert!(shell.line("pmdaemon list").contains("myapp"));
    shell.line("pmdaemon stop myapp");
    assert_eq!(home.process("myapp")["status"], "stopped");
    shell.line("pmdaemon restart myapp");
    assert_eq!(home.process("myapp")["status"], "online");
    shell.line("pmdaemon delete myapp");
    assert_eq!(home.processes().len(), 0);
    shell.line("pmdaemon delete all --force");
    shell.line("pmdaemon start app.js --name myapp");
    shell.line("pmdaemon delete all --force");
    assert_eq!(home.processes().len(), 0);
    shell.line("pmdaemon start app.js --name myapp");
    shell.line("pmdaemon stop myapp");
    shell.line("pmdaemon delete stopped --status --force");
    assert_eq!(home.processes().len(), 0);

    shell.line("pmdaemon start server.js --instances 4 --port 4000-4003");
    wait_until("four servers", SOON, || (4000..4004).all(answers));
    shell.line("pmdaemon start worker.js --port auto:5000-5100");
    assert_eq!(home.process("worker")["ports"][0], 5000);
    shell.line("pmdaemon start app.js --name myapp --port 3000");
    shell
        .line("pmdaemon restart myapp --port 3001            # runtime override, saved definition unchanged");
    wait_until("the other port", SOON, || answers(3001));
    shell.line("pmdaemon restart myapp");
    wait_until("the saved definition again", SOON, || answers(3000) && !answers(3001));

    shell.line("pmdaemon start app.js --max-memory 100M");
    assert_eq!(home.process("app")["max_memory_bytes"], 100 << 20);
    shell.watched("pmdaemon monit --interval 2", "myapp");
    wait_until("its log", SOON, || shell.line("pmdaemon logs myapp").contains("listening"));
    shell.watched("pmdaemon logs myapp --follow", "listening");

    shell.line("pmdaemon delete app worker");
    shell.line("pmdaemon start app.js --health-check-url http://localhost:9615/health --wait-ready");
    assert_eq!(home.process("app")["health"], "healthy");
    shell.line("pmdaemon start worker.js --health-check-script ./health-check.sh --wait-ready");
    assert_eq!(home.process("worker")["health"], "healthy");
    shell.line("pmdaemon start api.js --health-check-url http://localhost:9615/status --wait-timeout 30s");
    assert_eq!(home.process("api")["health"], "healthy");

    let shown = shell.watched("pmdaemon web --port 9615 --host 127.0.0.1", "http://127.0.0.1:9615");
    assert!(shown.contains("9615"), "{shown}");
    assert!(answers(9615), "the daemon goes on");
}

/// Nine options at once.
const BLOCK: &str = "pmdaemon start app.js \\
  --name \"my-app\" --instances 4 --port 3000-3003 --max-memory 512M \\
  --env NODE_ENV=production --cwd /path/to/app --log-file /var/log/app.log \\
  --health-check-url http://localhost:9615/health --wait-ready";

#[test]
fn d24_the_block_of_nine_options_works_word_for_word() {
    if !namespace::own_network() || !namespace::own_root(&["/path/to/app"]) {
        return;
    }
    let home = Home::new();
    std::fs::write("/path/to/app/app.js", format!("console.log(process.env.NODE_ENV);\n{SERVER}")).unwrap();
    Shell(&home).line(BLOCK);
    for instance in 0..4 {
        let process = home.process(&format!("my-app-{instance}"));
        assert_eq!(
            (&process["status"], &process["health"]),
            (&"online".into(), &"healthy".into()),
            "{process}"
        );
        assert_eq!(process["ports"], serde_json::json!([3000 + instance]));
        assert_eq!(process["max_memory_bytes"], 512 << 20);
        let log = format!("/var/log/app-{instance}.log");
        wait_until(&log, SOON, || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.contains("production") && text.contains("listening")
        });
    }
    wait_until("four servers", SOON, || (3000..3004).all(answers));
    home.ok(&["delete", "my-app"]);
    assert!(std::path::Path::new("/var/log/app-0.log").exists(), "a file of the user is never removed");
}

#[test]
fn e12_curl_works_word_for_word_while_the_command_without_authentication_runs() {
    if !namespace::own_network() {
        return;
    }
    let home = Home::new();
    home.file("server.js", SERVER);
    let shell = Shell(&home);
    // The directory in which the daemon is started is where a script without cwd counts from.
    shell.line("pmdaemon list");
    let mut web = shell.command("exec pmdaemon web --no-auth").spawn().unwrap();
    wait_until("it is open", SOON, || {
        ran(&mut shell.command("curl -sf http://localhost:9615/api/processes")).code == 0
    });
    assert_eq!(shell.line("curl -s http://localhost:9615/api/processes"), "[]");
    let started = shell.line(
        "curl -s -X POST http://localhost:9615/api/processes -H \"Content-Type: application/json\" \\\n  \
         -d '{\"name\": \"api-server\", \"script\": \"node\", \"args\": [\"server.js\"]}'",
    );
    assert!(started.contains("api-server"), "{started}");
    home.wait_for_line("api-server", "ready");
    let listed = shell.line("curl -s http://localhost:9615/api/processes");
    assert!(listed.contains("\"name\":\"api-server\""), "{listed}");
    proc::send(i64::from(web.id()), Signal::SIGINT);
    assert!(wait_for("its end", SOON, || web.try_wait().unwrap()).success());
    assert_eq!(
        ran(&mut shell.command("curl -sf http://localhost:9615/api/processes")).code,
        22,
        "it asks again"
    );
    let with = "curl -s -H \"Authorization: Bearer $(pmdaemon token)\" http://localhost:9615/api/processes";
    assert!(shell.line(with).contains("api-server"));
}
