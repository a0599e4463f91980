//! Clients that are slow or many.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::raw::Raw;
use crate::support::{Home, SOON, proc, wait_until};

/// What is bound for each slow client.
const BOUND: Duration = Duration::from_secs(11);

/// Writes `first`, then one byte of `drip` a second, and reads until the other end closes: how long
/// that took, and what was read.
fn slow(address: SocketAddr, first: &str, drip: bool) -> (Duration, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let begun = Instant::now();
    let mut dripped = Instant::now();
    let _ = stream.write_all(first.as_bytes());
    let mut read = Vec::new();
    while begun.elapsed() < BOUND * 2 {
        let mut some = [0; 4096];
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => read.extend_from_slice(&some[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        if drip && dripped.elapsed() > Duration::from_secs(1) {
            dripped = Instant::now();
            if stream.write_all(b"a").is_err() {
                break;
            }
        }
    }
    (begun.elapsed(), String::from_utf8_lossy(&read).into_owned())
}

#[test]
fn row_21_and_24_slow_clients_are_closed_within_11_seconds() {
    let home = Home::new();
    let api = home.api();
    let address = api.address;
    let half_header = format!("GET /api/v1/processes HTTP/1.1\r\nHost: {address}\r\n");
    let half_body = format!(
        "POST /api/v1/apps HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: \
         application/json\r\nContent-Length: 100\r\n\r\n{{\"scr",
        api.token
    );
    let idle = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let clients = [
        ("silent", String::new(), false, ""),
        ("half a header", half_header.clone(), false, ""),
        ("a header in drips", format!("{half_header}X: "), true, ""),
        ("half a body", half_body, false, "HTTP/1.1 408 "),
        ("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), false, ""),
        ("idle after an answer", idle, false, "HTTP/1.1 200 OK"),
    ];
    let clients: Vec<_> = clients
        .into_iter()
        .map(|(what, first, drip, answer)| {
            (what, answer, std::thread::spawn(move || slow(address, &first, drip)))
        })
        .collect();
    for (what, answer, client) in clients {
        let (took, read) = client.join().unwrap();
        assert!(took <= BOUND, "{what}: closed after {took:?}");
        assert!(read.starts_with(answer), "{what}: {read:?}");
        assert!(!read.starts_with("PRI"), "{what}: HTTP/2 is not spoken: {read:?}");
    }
}

#[test]
fn row_22_a_thousand_slow_clients_slow_nobody_down_and_the_unix_socket_always_answers() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let home = Home::new();
    let api = home.api();
    let raw = Raw::of(&home);
    let half_body = format!(
        "POST /api/v1/apps HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
        api.address, api.token
    );
    let kinds = ["", "GET / HTTP/1.1\r\nHost: ", &half_body, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    let attach = |count: usize| -> Vec<TcpStream> {
        let connect = |kind: &&str| {
            let mut stream = TcpStream::connect(api.address).unwrap();
            let _ = stream.write_all(kind.as_bytes());
            stream
        };
        kinds.iter().cycle().take(count).map(connect).collect()
    };
    // 50 ms on a quiet machine; what else runs on this one counts as well, so the best of some rounds does.
    let round = || {
        let slow = attach(1000);
        let mut waits: Vec<Duration> = (0..100)
            .map(|_| {
                let begun = Instant::now();
                api.get("/api/v1/processes");
                begun.elapsed()
            })
            .collect();
        drop(slow);
        waits.sort();
        println!("1,000 slow clients: median {:?}, p99 {:?}", waits[50], waits[98]);
        waits[98]
    };
    let bound = Duration::from_millis(50);
    assert!((0..10).any(|_| round() <= bound), "p99 was more than {bound:?} in each round");

    // More than there are places for (who finds none is told so: `api::places`).
    let more = attach(5000.min(usize::try_from(hard).unwrap_or(5000) / 2));
    let (status, _) = raw.ask("GET", "/api/v1/processes", SOON).expect("the unix socket answers");
    assert_eq!(status, 200);
    let memory = proc::resident(home.keeper_and_daemon().1).expect("the daemon lives");
    println!("{} slow clients: the daemon has {} MiB", more.len(), memory >> 20);
    assert!(memory < 512 << 20, "{memory} bytes with {} slow clients", more.len());
    drop(more);
    wait_until("an answer over TCP", SOON, || answers(api.address));
}

/// Whether somebody who comes by TCP is answered.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    stream.set_read_timeout(Some(BOUND)).unwrap();
    let ask = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let read = stream.write_all(ask.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    read.is_ok() && answer.starts_with("HTTP/1.1 200 ")
}
