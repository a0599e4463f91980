//! What it costs to have several processes behind one port: `cargo bench --bench balance`.
//!
//! Requests per second and the CPU of what stands between, of a held socket, of one for each instance,
//! of the balancer in both modes, and side by side of nginx (Debian's `nginx` and
//! `libnginx-mod-stream`) and of PM2's cluster (npm, `target/pm2`). The load is `wrk`'s, with and
//! without keep-alive; load, balancers and two backends share the machine, so "vs direct" is the worst
//! case. The backends are this program itself (hyper, one thread each); direct are two of them on one
//! socket, without pmdaemon. Node programs stand beside PM2.
//!
//! `SECONDS` (2) is the length of each measurement, `ROUNDS` (3) how often each is taken. `CLIENTS` (32)
//! ask at once. `TARGETS` (all) names what is measured beside direct and the balancer in HTTP mode, by
//! parts of the names, with commas between.
//!
//! In each round all are measured one after the other, so that what else the machine does meets them
//! alike. Rates and CPU are the medians of the rounds. "vs first" is the median of the rates as parts of
//! the first one's in the same round, with the least and the greatest of them; below the table the CPU of
//! each balancer is told in the same way as a part of nginx's in the same mode.
//!
//! On 2 cores, two runs of six and four rounds: in HTTP mode the balancer keeps 0.38 and 0.41 of direct with
//! keep-alive (nginx 0.37 and 0.42) for 1.14 and 1.12 times nginx's CPU, and with a connection per request
//! 0.87 and 0.94 (0.77 and 0.83) for 0.89 and 0.88 times. Before the last answer and the end of a connection
//! went in one packet that was 0.83 (0.79) for 1.03 times. Of the CPU on kept
//! connections seven parts in ten are the kernel's (two reads and two writes for each request); link-time
//! optimisation changes nothing.
#[path = "../support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::fs;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use support::{Home, SOON, wait_until};

/// Backends behind each port.
const BACKENDS: &str = "2";
/// As the backends answer, in Node.
const NODE: &str =
    "require('http').createServer((request, response) => response.end('ok')).listen(process.env.PORT);";

fn main() {
    if std::env::args().any(|word| word == "backend") {
        return backend();
    }
    if !has("wrk") {
        return println!("skipped: wrk makes the load: apt-get install wrk");
    }
    let home = Home::new();
    let pmdaemon =
        |name, app, options: &[&str]| is_wanted(name).then(|| Target::pmdaemon(&home, name, app, options));
    let mut targets = vec![Target::direct()];
    targets.extend(pmdaemon("held socket", "held", &["--port"]));
    targets.extend(pmdaemon("socket each (spread even)", "even", &["--spread", "even", "--port"]));
    targets.extend(pmdaemon("balancer, TCP", "tcp", &["--balance-mode", "tcp", "--balance"]));
    targets.push(Target::pmdaemon(&home, "balancer, HTTP", "http", &["--balance"]));
    targets.extend(Target::nginx(&home, &backends(&home, "http")));
    report("Backends with hyper", &targets);
    if !is_wanted("Node") {
        return;
    }
    targets.clear();
    let script = home.file("app.js", NODE);
    targets.push(Target::node(&home, &script));
    targets.extend(Target::pm2(&home, &script));
    report("Backends with Node", &targets);
}

/// A size that the environment may set.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Whether that is to be measured.
fn is_wanted(name: &str) -> bool {
    std::env::var("TARGETS").ok().is_none_or(|wanted| wanted.split(',').any(|part| name.contains(part)))
}

fn has(program: &str) -> bool {
    Command::new("which").arg(program).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Answers two letters, on descriptor 3 or on `PORT`.
fn backend() {
    let listener = match std::env::var("LISTEN_FDS") {
        // SAFETY: nobody else in this process has it.
        Ok(_) => TcpListener::from(unsafe { OwnedFd::from_raw_fd(3) }),
        Err(_) => TcpListener::bind(("127.0.0.1", number("PORT", 0) as u16)).expect("a port"),
    };
    listener.set_nonblocking(true).expect("a socket");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        loop {
            let Ok((client, _)) = listener.accept().await else { continue };
            let _ = client.set_nodelay(true);
            tokio::task::spawn_local(async move {
                let answer = service_fn(async |_| Ok::<_, Infallible>(hyper::Response::new("ok".to_owned())));
                let mut server = hyper::server::conn::http1::Builder::new();
                let _ = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(client), answer).await;
            });
        }
    });
}

/// Something to ask.
struct Target {
    name: &'static str,
    port: u16,
    /// Who stands between, of whom CPU is counted.
    between: Vec<i64>,
    /// What ends with this.
    children: Vec<Child>,
    /// What ends the rest.
    ending: Option<Command>,
}

impl Drop for Target {
    fn drop(&mut self) {
        for child in &mut self.children {
            // nginx is a tree.
            below(i64::from(child.id())).into_iter().for_each(support::proc::kill_hard);
            let _ = child.wait();
        }
        let _ = self.ending.as_mut().map(Command::status);
    }
}

impl Target {
    fn new(name: &'static str, port: u16, between: Vec<i64>, children: Vec<Child>) -> Target {
        wait_until(&format!("{name} answers"), SOON, || load(port, false, 8, Duration::ZERO).0 > 0.0);
        Target { name, port, between, children, ending: None }
    }

    fn direct() -> Target {
        let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let child = || {
            let socket = OwnedFd::from(listener.try_clone().expect("a socket"));
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            let command = command.arg("backend").env("LISTEN_FDS", "1");
            let mapping = FdMapping { parent_fd: socket, child_fd: 3 };
            command.fd_mappings(vec![mapping]).expect("no other").spawn().expect("a backend")
        };
        Target::new("direct", port, Vec::new(), vec![child(), child()])
    }

    /// The last of `options` takes the port.
    fn pmdaemon(home: &Home, name: &'static str, app: &str, options: &[&str]) -> Target {
        let (port, this) = (free_port(), std::env::current_exe().expect("this program"));
        let start = ["start", this.to_str().expect("text"), "--name", app, "-i", BACKENDS];
        let number = port.to_string();
        home.ok(&[&start[..], options, &[&number, "--", "backend"]].concat());
        let (keeper, daemon) = home.keeper_and_daemon();
        let is_ready = || {
            let app = home.json(&["info", app, "--json"]);
            app["processes"].as_array().is_some_and(|all| all.iter().all(|row| row["status"] == "online"))
        };
        wait_until("its processes are ready", SOON, is_ready);
        let balancer = home.json(&["info", app, "--json"])["balancer"]["pid"].as_i64();
        Target::new(name, port, balancer.map_or(vec![keeper, daemon], |balancer| vec![balancer]), Vec::new())
    }

    /// nginx before the same processes.
    fn nginx(home: &Home, behind: &[u16]) -> Vec<Target> {
        if !is_wanted("nginx, TCP, HTTP") {
            return Vec::new();
        }
        if !has("nginx") {
            println!("without nginx: apt-get install nginx-light libnginx-mod-stream");
            return Vec::new();
        }
        let servers: String = behind.iter().map(|port| format!("server 127.0.0.1:{port};")).collect();
        let (http, tcp) = (free_port(), free_port());
        let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
        let stream = format!(
            "stream {{ upstream backends {{ least_conn; {servers} }} \
             server {{ listen {tcp} backlog=4096; proxy_pass backends; }} }}"
        );
        let (load, stream) = match Path::new(module).exists() {
            true => (format!("load_module {module};"), stream),
            false => (String::new(), String::new()),
        };
        let work = home.work().join("nginx");
        fs::create_dir_all(&work).expect("a directory");
        let text = format!(
            "{load} daemon off; worker_processes auto; pid {0}/pid; error_log {0}/error.log;
             events {{ worker_connections 4096; }} {stream}
             http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
               uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; keepalive_requests 100000000;
               upstream backends {{ least_conn; {servers} keepalive 64; keepalive_requests 100000000; }}
               server {{ listen {http} backlog=4096; location / {{ proxy_pass http://backends;
                 proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host; }} }} }}",
            work.display()
        );
        let file = home.file("nginx.conf", &text);
        let child = Command::new("nginx").args(["-c", &file, "-p"]).arg(&work).spawn().expect("nginx");
        let pid = i64::from(child.id());
        let mut targets = vec![Target::new("nginx, HTTP", http, Vec::new(), vec![child])];
        targets[0].between = below(pid);
        if !stream.is_empty() && is_wanted("nginx, TCP") {
            let mut tcp = Target::new("nginx, TCP", tcp, Vec::new(), Vec::new());
            tcp.between = below(pid);
            targets.insert(0, tcp);
        }
        targets
    }

    fn node(home: &Home, script: &str) -> Target {
        let port = free_port();
        let number = port.to_string();
        home.ok(&["start", script, "--name", "node", "-i", BACKENDS, "--port", &number]);
        let (keeper, daemon) = home.keeper_and_daemon();
        Target::new("held socket", port, vec![keeper, daemon], Vec::new())
    }

    fn pm2(home: &Home, script: &str) -> Option<Target> {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pm2/node_modules/.bin/pm2");
        if !Path::new(program).exists() {
            println!("without PM2: npm install --prefix target/pm2 pm2@7.0.4");
            return None;
        }
        let (port, place) = (free_port(), home.work().join("pm2"));
        let pm2 = |words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).env("PM2_HOME", &place).env("PORT", port.to_string()).stdout(Stdio::null());
            command
        };
        let started = pm2(&["start", script, "--name", "node", "-i", BACKENDS]).status();
        assert!(started.is_ok_and(|status| status.success()), "pm2 start");
        let god = fs::read_to_string(place.join("pm2.pid")).ok()?.trim().parse().ok()?;
        let mut target = Target::new("PM2 cluster", port, vec![god], Vec::new());
        target.ending = Some(pm2(&["kill"]));
        Some(target)
    }

    /// Requests a second, and nanoseconds of CPU between for each.
    fn measure(&self, keeps: bool) -> (f64, f64) {
        let before: u64 = self.between.iter().map(|pid| cpu(*pid)).sum();
        let span = Duration::from_secs(number("SECONDS", 2));
        let (rate, answers) = load(self.port, keeps, number("CLIENTS", 32), span);
        let after: u64 = self.between.iter().map(|pid| cpu(*pid)).sum();
        (rate, (after - before) as f64 / answers.max(1.0))
    }
}

/// The ports of the processes behind a balancer.
fn backends(home: &Home, app: &str) -> Vec<u16> {
    let app = home.json(&["info", app, "--json"]);
    let backends = app["balancer"]["backends"].as_array().cloned().unwrap_or_default();
    backends.iter().filter_map(|backend| backend["port"].as_u64()).map(|port| port as u16).collect()
}

fn free_port() -> u16 {
    let free = TcpListener::bind("0.0.0.0:0").and_then(|listener| listener.local_addr());
    free.expect("a port").port()
}

/// A process and all below it.
fn below(pid: i64) -> Vec<i64> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.flat_map(below).chain([pid]).collect()
}

/// Nanoseconds that all its threads have run.
fn cpu(pid: i64) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(of).sum()
}

/// Requests a second, and how many were answered. For no time: a second.
fn load(port: u16, keeps: bool, clients: u64, span: Duration) -> (f64, f64) {
    let mut wrk = Command::new("wrk");
    let seconds = span.as_secs().max(1);
    wrk.args(["-t", "1", "-c", &clients.to_string(), "-d", &format!("{seconds}s")]);
    if !keeps {
        wrk.args(["-H", "Connection: close"]);
    }
    let output = wrk.arg(format!("http://127.0.0.1:{port}/")).output().expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |before: &str| text.lines().find_map(|line| line.trim().strip_prefix(before));
    let rate = line("Requests/sec:").and_then(|rate| rate.trim().parse().ok()).unwrap_or(0.0);
    let answers = text.lines().find(|line| line.contains(" requests in ")).unwrap_or_default();
    let answers = answers.split_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or(0.0);
    if let Some(bad) = line("Non-2xx").or(line("Socket errors:")) {
        println!("port {port}, {clients} clients: {bad}");
    }
    (rate, answers)
}

/// Some figures, one of each round.
struct Rounds(Vec<f64>);

impl Rounds {
    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len().is_multiple_of(2) {
            sorted[middle - 1..=middle].iter().sum::<f64>() / 2.0
        } else {
            sorted[middle]
        }
    }

    /// As parts of others, round by round.
    fn of(&self, others: &Rounds) -> Rounds {
        Rounds(self.0.iter().zip(&others.0).map(|(one, other)| one / other).collect())
    }

    /// The median, the least and the greatest.
    fn spread(&self) -> String {
        let (least, greatest) = self
            .0
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), one| (least.min(*one), greatest.max(*one)));
        format!("{:.2} ({least:.2}..{greatest:.2})", self.median())
    }
}

/// Of one target, with keep-alive or without.
struct Measured {
    rates: Rounds,
    cpu: Rounds,
}

fn report(title: &str, targets: &[Target]) {
    println!(
        "\n{title}\n{:28} {:>12} {:>17} {:>7} | {:>12} {:>17} {:>7}",
        "", "keep-alive/s", "vs first", "CPU us", "fresh/s", "vs first", "CPU us"
    );
    let none = || Measured { rates: Rounds(Vec::new()), cpu: Rounds(Vec::new()) };
    let mut measured: Vec<[Measured; 2]> = targets.iter().map(|_| [none(), none()]).collect();
    for _ in 0..number("ROUNDS", 3).max(1) {
        for (kind, keeps) in [true, false].into_iter().enumerate() {
            for (target, measured) in targets.iter().zip(&mut measured) {
                let (rate, cpu) = target.measure(keeps);
                measured[kind].rates.0.push(rate);
                measured[kind].cpu.0.push(cpu);
            }
        }
    }
    for (target, of_target) in targets.iter().zip(&measured) {
        let cells = [0, 1].map(|kind: usize| {
            let Measured { rates, cpu } = &of_target[kind];
            let part = rates.of(&measured[0][kind].rates).spread();
            format!("{:12.0} {part:>17} {:7.1}", rates.median(), cpu.median() / 1000.0)
        });
        println!("{:28} {}", target.name, cells.join(" | "));
    }
    for mode in ["TCP", "HTTP"] {
        let find = |who: &str| targets.iter().position(|target| target.name == format!("{who}, {mode}"));
        if let (Some(ours), Some(nginx)) = (find("balancer"), find("nginx")) {
            let part = |kind: usize| measured[ours][kind].cpu.of(&measured[nginx][kind].cpu).spread();
            println!("CPU of the balancer, {mode}, as a part of nginx's: {} | {}", part(0), part(1));
        }
    }
}
