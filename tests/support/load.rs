//! Clients that ask again and again, and count what was not answered.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No answer may take longer.
const LIMIT: Duration = Duration::from_secs(20);

/// One client in a thread.
pub struct Load(JoinHandle<Done>);

/// What it went through.
#[derive(Debug)]
pub struct Done {
    pub what: String,
    pub answered: u64,
    pub longest: Duration,
    /// Connections that were refused or broken, and answers that were not 200.
    pub failures: Vec<String>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, answered, longest) = (&self.what, self.answered, self.longest);
        write!(
            f,
            "{what}: {answered} answers, the longest wait {longest:?}, {} failures",
            self.failures.len()
        )
    }
}

impl Load {
    /// A TCP connection for each request.
    pub fn tcp(port: u16, path: &str, token: Option<&str>, stop: &Arc<AtomicBool>) -> Load {
        let request = request(&format!("127.0.0.1:{port}"), path, token, false);
        Load::each(format!("tcp {port}{path}"), stop, move || once(&mut tcp(port)?, &request))
    }

    /// A connection to a unix socket for each request.
    pub fn unix(socket: &Path, path: &str, token: &str, stop: &Arc<AtomicBool>) -> Load {
        let (request, socket) = (request("localhost", path, Some(token), false), socket.to_owned());
        Load::each(format!("unix {path}"), stop, move || {
            let mut stream = UnixStream::connect(&socket)?;
            stream.set_read_timeout(Some(LIMIT))?;
            once(&mut stream, &request)
        })
    }

    /// One TCP connection for many requests; tried again on a fresh one when the server has closed
    /// it, which it may between two requests.
    pub fn tcp_kept_alive(port: u16, path: &str, token: &str, stop: &Arc<AtomicBool>) -> Load {
        let request = request(&format!("127.0.0.1:{port}"), path, Some(token), true);
        let mut kept: Option<TcpStream> = None;
        Load::each(format!("tcp, kept alive, {port}{path}"), stop, move || {
            if let Some(mut stream) = kept.take()
                && let Ok(closing) = once(&mut stream, &request)
            {
                kept = (!closing).then_some(stream);
                return Ok(closing);
            }
            let mut stream = tcp(port)?;
            let closing = once(&mut stream, &request)?;
            kept = (!closing).then_some(stream);
            Ok(closing)
        })
    }

    fn each(
        what: String,
        stop: &Arc<AtomicBool>,
        mut ask: impl FnMut() -> io::Result<bool> + Send + 'static,
    ) -> Load {
        let stop = Arc::clone(stop);
        Load(std::thread::spawn(move || {
            let mut done = Done { what, answered: 0, longest: Duration::ZERO, failures: Vec::new() };
            while !stop.load(Ordering::SeqCst) {
                let begun = Instant::now();
                match ask() {
                    Ok(_) => done.answered += 1,
                    // The first ones tell enough.
                    Err(_) if done.failures.len() >= 10 => {}
                    Err(error) => done.failures.push(format!("after {:?}: {error}", begun.elapsed())),
                }
                done.longest = done.longest.max(begun.elapsed());
                // Several hundred a second are enough, and leave the machine to the others.
                std::thread::sleep(Duration::from_millis(2));
            }
            done
        }))
    }

    /// Waits until it has stopped.
    pub fn finish(self) -> Done {
        self.0.join().unwrap()
    }
}

fn tcp(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn request(host: &str, path: &str, token: Option<&str>, keep: bool) -> String {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let connection = if keep { "keep-alive" } else { "close" };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{token}Connection: {connection}\r\n\r\n")
}

/// One request and its whole answer, which must be 200. Returns whether the server closes now.
fn once(stream: &mut (impl Read + Write), request: &str) -> io::Result<bool> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some((closing, whole)) = head(&answer)
            && whole.is_some_and(|whole| answer.len() >= whole)
        {
            return is_200(&answer).map(|()| closing);
        }
        match stream.read(&mut piece)? {
            // Without a length its end is the end.
            0 if head(&answer).is_some_and(|(_, whole)| whole.is_none()) => {
                return is_200(&answer).map(|()| true);
            }
            0 => return Err(io::Error::other(format!("closed after {} bytes", answer.len()))),
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
}

/// Whether the server closes, and how long the answer is, once its head is there.
fn head(answer: &[u8]) -> Option<(bool, Option<usize>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let field =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(str::trim).map(str::to_owned));
    let length = field("content-length:").and_then(|length| length.parse::<usize>().ok());
    Some((field("connection:").is_some_and(|value| value == "close"), length.map(|length| end + 4 + length)))
}

fn is_200(answer: &[u8]) -> io::Result<()> {
    match answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200") {
        true => Ok(()),
        false => {
            let first = String::from_utf8_lossy(answer).lines().next().unwrap_or_default().to_owned();
            Err(io::Error::other(format!("answered {first:?}")))
        }
    }
}
