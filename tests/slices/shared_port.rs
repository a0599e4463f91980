//! Clients of a port, and programs that listen on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::{Home, SOON, wait_for, wait_until};

/// An unmodified program for Node: answers with its pid, after `DELAY` ms.
pub const NODE: &str = r#"
const http = require('http');
const server = http.createServer((request, response) => {
  setTimeout(() => response.end(String(process.pid)), Number(process.env.DELAY || 0));
});
server.listen(process.env.PORT, () => console.log('listening on', server.address().port));
"#;

/// One for Python, which takes its socket by systemd's protocol. Answers each connection with its pid.
pub const PYTHON: &str = r#"
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_PID"]
assert (os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"]) == ("1", "http")
server = socket.socket(fileno=3)
print("listening on", server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    client.recv(65536)
    body = str(os.getpid())
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall((head + body).encode())
    client.close()
"#;

/// A port that nobody has, below those that the kernel gives out by itself.
pub fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let place = (std::process::id() % 1000) as u16 * 10;
    wait_for("a free port", SOON, || {
        let port = 10_000 + (place + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        TcpListener::bind(("0.0.0.0", port)).is_ok().then_some(port)
    })
}

/// Starts instances of a script that share a port, and waits until all have said that they listen.
pub fn start(home: &Home, script: &str, name: &str, instances: u32, port: u16, more: &[&str]) {
    let (count, number) = (instances.to_string(), port.to_string());
    let mut args = vec!["start", script, "--name", name, "-i", &count, "--port", &number];
    args.extend_from_slice(more);
    home.ok(&args);
    for instance in 0..instances {
        let name = if instances > 1 { format!("{name}-{instance}") } else { name.to_owned() };
        // Python writes a line in pieces.
        home.wait_for_line(&name, &format!("listening on {port}"));
    }
}

/// The pids of everything that is online.
pub fn pids(home: &Home) -> BTreeSet<i64> {
    home.processes().iter().filter_map(|process| process["pid"].as_i64()).collect()
}

/// A client that keeps its connection as long as the server does.
pub struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
    keeps: bool,
}

impl Client {
    /// `keeps`: asks several times over one connection.
    pub fn new(address: &str, keeps: bool) -> Client {
        Client { address: address.to_owned(), connection: None, keeps }
    }

    /// The pid that answers.
    pub fn ask(&mut self) -> io::Result<i64> {
        let mut connection = match self.connection.take().filter(|kept| is_open(kept.get_ref())) {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(&self.address)?),
        };
        connection.get_ref().set_read_timeout(Some(SOON))?;
        connection.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let (mut length, mut goes_on) = (None, self.keeps);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            length = length.or(line.strip_prefix("content-length: ").and_then(|text| text.parse().ok()));
            goes_on &= line != "connection: close";
        }
        let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        connection.read_exact(&mut body)?;
        if goes_on {
            self.connection = Some(connection);
        }
        let pid = String::from_utf8_lossy(&body).trim().parse();
        pid.map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// The server has not closed it yet. Every client that keeps connections looks.
fn is_open(kept: &TcpStream) -> bool {
    let _ = kept.set_nonblocking(true);
    let looked = kept.peek(&mut [0]);
    kept.set_nonblocking(false).is_ok()
        && looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// One question over a connection of its own.
pub fn ask(port: u16) -> io::Result<i64> {
    Client::new(&format!("127.0.0.1:{port}"), false).ask()
}

/// Clients that go on asking.
pub struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    clients: Vec<JoinHandle<()>>,
}

/// What came of it.
#[derive(Clone, Default, Debug)]
pub struct Seen {
    /// Answers.
    pub answers: u64,
    /// By whom.
    pub pids: BTreeSet<i64>,
    /// How many by whom.
    pub by: BTreeMap<i64, u64>,
    /// Connections that nobody took.
    pub refused: u64,
    /// What else went wrong.
    pub broken: Vec<String>,
}

impl Load {
    /// So many clients with a connection for each question, and so many that keep theirs and think
    /// now and then.
    pub fn begin(port: u16, fresh: usize, kept: usize) -> Load {
        Load::of(port, &[(false, 2, fresh), (true, 7, kept)])
    }

    /// So many clients of each kind: busy ones that keep their connection, ones that keep it and
    /// think for a while, and ones with a connection for each question.
    pub fn three_kinds(port: u16, of_each: usize) -> Load {
        Load::of(port, &[(true, 0, of_each), (true, 40, of_each), (false, 0, of_each)])
    }

    /// Clients with a connection for each question: whoever reuses one may meet its end, unless the
    /// program announces that (`Connection: close`).
    pub fn fresh(port: u16, count: usize) -> Load {
        Load::of(port, &[(false, 0, count)])
    }

    /// So many that keep their connection without ever resting, and so many with a connection for each
    /// question.
    pub fn busy_and_fresh(port: u16, of_each: usize) -> Load {
        Load::of(port, &[(true, 0, of_each), (false, 0, of_each)])
    }

    /// Kinds of clients: whether they keep their connection, how long they think (ms), how many.
    fn of(port: u16, kinds: &[(bool, u64, usize)]) -> Load {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let client = |(keeps, thinks): (bool, u64)| {
            let (stop, seen) = (stop.clone(), seen.clone());
            std::thread::spawn(move || {
                let mut client = Client::new(&format!("127.0.0.1:{port}"), keeps);
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.ask();
                    let mut seen = seen.lock().unwrap();
                    match answer {
                        Ok(pid) => {
                            seen.answers += 1;
                            seen.pids.insert(pid);
                            *seen.by.entry(pid).or_default() += 1;
                        }
                        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => seen.refused += 1,
                        Err(e) => seen.broken.push(e.to_string()),
                    }
                    drop(seen);
                    std::thread::sleep(Duration::from_millis(thinks));
                }
            })
        };
        let each =
            |(keeps, thinks, count): &(bool, u64, usize)| std::iter::repeat_n((*keeps, *thinks), *count);
        let kinds = kinds.iter().flat_map(each);
        Load { clients: kinds.map(client).collect(), stop, seen }
    }

    /// So far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for so many more answers.
    pub fn more(&self, answers: u64) {
        let now = self.seen().answers;
        wait_until(&format!("{answers} more answers"), SOON, || self.seen().answers >= now + answers);
    }

    /// Ends it once it has so many answers.
    pub fn end_after(self, answers: u64) -> Seen {
        wait_until(&format!("{answers} answers"), 8 * SOON, || self.seen().answers >= answers);
        self.end()
    }

    /// Ends it.
    pub fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        self.seen()
    }
}

impl Seen {
    /// Nothing went wrong.
    #[track_caller]
    pub fn is_clean(&self) {
        assert!(self.answers > 0 && self.refused == 0 && self.broken.is_empty(), "{self:?}");
    }
}
