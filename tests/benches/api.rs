//! What the API takes and costs, with whoever asks on the same machine: `cargo bench --bench api`.
//!
//! `GET /api/v1/processes` with 100 processes: requests per second and how long they take, first alone
//! and then with 1,000 clients attached that say little or nothing; and what 200 WebSockets that are
//! told of 500 processes every second cost the daemon: while these do nothing, and while the CPU of
//! each changes from second to second. `SECONDS` (10) is the length of each part, `CLIENTS` (16) asks at
//! once.

#[path = "../support/mod.rs"]
mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use support::{Api, Home};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Processes of the list.
const LISTED: usize = 100;
/// Processes of which subscribers are told.
const TOLD: usize = 500;
const SUBSCRIBERS: usize = 200;
const SLOW: usize = 1000;

fn main() {
    if std::env::args().any(|word| word == "work") {
        work_a_little();
    }
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (span, clients) = (Duration::from_secs(number("SECONDS", 10)), number("CLIENTS", 16) as usize);
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    bench.grow("web", LISTED);
    for round in ["first", "second"] {
        let answers = runtime.block_on(bench.ask(clients, span));
        answers
            .report(&format!("GET /api/v1/processes, {LISTED} processes, {clients} clients, {round} time"));
    }
    // Few requests: what is waited for is the answer, not one's turn.
    let few = |what: &str| runtime.block_on(bench.ask(2, span)).report(what);
    few("the same, 2 clients");
    let (attached, refused) = bench.attach_slow_ones();
    few(&format!("the same, {attached} slow clients attached as it begins ({refused} were not let in)"));
    bench.grow("more", TOLD - LISTED);
    let mut watchers = runtime.block_on(bench.watchers());
    let tell = |watchers: &mut [Socket], what: &str| {
        let (cpu, frames, bytes) = runtime.block_on(bench.tell(watchers, span));
        println!(
            "{SUBSCRIBERS} subscribers at 1 Hz, {TOLD} processes {what}: {:.1} % of a core in the daemon; {frames:.2} \
             frames and {bytes:.0} bytes a subscriber and second",
            cpu * 100.0
        );
    };
    tell(&mut watchers, "that do nothing");
    bench.home.ok(&["delete", "all", "--force"]);
    bench.work("busy", TOLD);
    tell(&mut watchers, "that all work a little");
    drop(watchers);
    runtime.block_on(bench.quiet(span));
}

/// Works for one to four milliseconds of each second.
fn work_a_little() -> ! {
    let mut nth = std::process::id();
    loop {
        let begun = Instant::now();
        nth = nth.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        while begun.elapsed() < Duration::from_millis(u64::from(nth >> 16) % 4 + 1) {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
    }
}

/// A home of its own with a daemon in it.
struct Bench {
    home: Home,
    api: Api,
    daemon: i64,
}

impl Bench {
    fn new() -> Bench {
        let home = Home::new();
        let (api, (_, daemon)) = (home.api(), home.keeper_and_daemon());
        Bench { home, api, daemon }
    }

    /// So many more processes that do nothing.
    fn grow(&self, name: &str, instances: usize) {
        self.home.ok(&["start", "/bin/sleep", "--name", name, "-i", &instances.to_string(), "--", "100000"]);
    }

    /// `clients` ask again and again, each on a connection of its own.
    async fn ask(&self, clients: usize, span: Duration) -> Answers {
        let request = format!(
            "GET /api/v1/processes HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.api.address, self.api.token
        );
        let client = async || {
            let mut stream = tokio::net::TcpStream::connect(self.api.address).await.expect("it listens");
            let (mut times, mut length, mut buffer) = (Vec::new(), 0, vec![0; 1 << 20]);
            let until = Instant::now() + span;
            while Instant::now() < until {
                let begun = Instant::now();
                stream.write_all(request.as_bytes()).await.expect("it is taken");
                length = read_answer(&mut stream, &mut buffer).await;
                times.push(begun.elapsed());
            }
            (times, length)
        };
        let cpu = cpu_seconds(self.daemon);
        let begun = Instant::now();
        let all = futures_util::future::join_all((0..clients).map(|_| client())).await;
        let span = begun.elapsed();
        let cpu = cpu_seconds(self.daemon) - cpu;
        let length = all.first().map_or(0, |(_, length)| *length);
        Answers { times: all.into_iter().flat_map(|(times, _)| times).collect(), length, span, cpu }
    }

    /// Connections that say nothing, half a header, and half a body, open until this bench ends.
    fn attach_slow_ones(&self) -> (usize, usize) {
        let says = [
            String::new(),
            "GET /api/v1/processes HTTP/1.1\r\nHost: ".to_owned(),
            format!(
                "POST /api/v1/apps HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: \
                 application/json\r\nContent-Length: 1000\r\n\r\n{{",
                self.api.address, self.api.token
            ),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        ];
        let connect = |nth: usize| {
            let mut stream = TcpStream::connect(self.api.address).ok()?;
            stream.write_all(says[nth % says.len()].as_bytes()).ok()?;
            Some(stream)
        };
        let all: Vec<TcpStream> = (0..SLOW).filter_map(connect).collect();
        let attached = all.len();
        all.into_iter().for_each(std::mem::forget);
        (attached, SLOW - attached)
    }

    /// As many that each work a little.
    fn work(&self, name: &str, instances: usize) {
        let this = std::env::current_exe().expect("this program");
        let this = this.to_str().expect("text");
        self.home.ok(&["start", this, "--name", name, "-i", &instances.to_string(), "--", "work"]);
    }

    /// All subscribers; each token may have 64.
    async fn watchers(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        for nth in 0..SUBSCRIBERS.div_ceil(50) {
            let token = self.home.ok(&["token", "create", &format!("watcher{nth}"), "--role", "viewer"]);
            for _ in 0..50.min(SUBSCRIBERS - nth * 50) {
                sockets.push(self.subscribe(token.trim()).await);
            }
        }
        sockets
    }

    /// CPU of the daemon per second, and frames and bytes per subscriber and second.
    async fn tell(&self, watchers: &mut [Socket], span: Duration) -> (f64, f64, f64) {
        // The pictures at the beginning are not what comes each second.
        let begun = tokio::time::Instant::now() + Duration::from_secs(2);
        listen_all(watchers, begun).await;
        let cpu = cpu_seconds(self.daemon);
        let (frames, bytes) = listen_all(watchers, begun + span).await;
        let seconds = span.as_secs_f64();
        let each = SUBSCRIBERS as f64 * seconds;
        ((cpu_seconds(self.daemon) - cpu) / seconds, frames as f64 / each, bytes as f64 / each)
    }

    /// What the same costs while nobody is told.
    async fn quiet(&self, span: Duration) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let cpu = cpu_seconds(self.daemon);
        tokio::time::sleep(span).await;
        let cpu = (cpu_seconds(self.daemon) - cpu) / span.as_secs_f64();
        println!("the same processes, and nobody is told: {:.1} % of a core in the daemon", cpu * 100.0);
    }

    async fn subscribe(&self, token: &str) -> Socket {
        let mut request = format!("ws://{}/ws", self.api.address).into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("Authorization", format!("Bearer {token}").parse().expect("a header"));
        headers.insert("Sec-WebSocket-Protocol", "pmdaemon.v1".parse().expect("a header"));
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a WebSocket");
        let wish = r#"{"op":"sub","id":1,"topic":"processes","rate_ms":1000}"#;
        socket.send(Message::text(wish)).await.expect("it is taken");
        socket
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Frames and bytes that come to all of them until then.
async fn listen_all(watchers: &mut [Socket], until: tokio::time::Instant) -> (u64, u64) {
    let listen = async |socket: &mut Socket| {
        let (mut frames, mut bytes) = (0, 0);
        while let Ok(Some(frame)) = tokio::time::timeout_at(until, socket.next()).await {
            let frame = frame.expect("it stays open");
            frames += u64::from(frame.is_text());
            bytes += frame.len() as u64;
        }
        (frames, bytes)
    };
    let all = futures_util::future::join_all(watchers.iter_mut().map(listen)).await;
    all.into_iter().fold((0, 0), |(frames, bytes), (f, b)| (frames + f, bytes + b))
}

/// What came of asking.
struct Answers {
    times: Vec<Duration>,
    /// Of an answer, in bytes.
    length: usize,
    span: Duration,
    /// Of the daemon, in seconds.
    cpu: f64,
}

impl Answers {
    fn report(mut self, what: &str) {
        self.times.sort();
        let at = |share: f64| {
            self.times[((self.times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0
        };
        println!(
            "{what}: {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms; {} bytes each, {:.0} µs of CPU in the \
             daemon each",
            self.times.len() as f64 / self.span.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
            self.length,
            self.cpu * 1e6 / self.times.len() as f64,
        );
    }
}

/// Reads one answer, which must be 200; its length.
async fn read_answer(stream: &mut tokio::net::TcpStream, buffer: &mut Vec<u8>) -> usize {
    let mut filled = 0;
    let mut whole = None;
    loop {
        if buffer.len() == filled {
            buffer.resize(filled * 2, 0);
        }
        let count = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(count > 0, "it closed after {filled} bytes");
        filled += count;
        if whole.is_none()
            && let Some(end) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&buffer[..end]).expect("a head").to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")).expect("a length");
            whole = Some(end + 4 + length.trim().parse::<usize>().expect("a number"));
        }
        if whole == Some(filled) {
            return filled;
        }
    }
}

/// User and system time so far.
fn cpu_seconds(pid: i64) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
    (fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")) as f64 / 100.0
}
