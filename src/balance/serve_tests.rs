//! What passes through, said on real sockets word by word: the client and the process are the test's.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::balance::table::{Backend, Settings};

const SOON: Duration = Duration::from_secs(20);

/// A balancer, and where its only process listens.
struct Stand {
    answering: Answering,
    front: TcpListener,
    process: TcpListener,
    _ending: watch::Sender<bool>,
}

impl Stand {
    async fn new(settings: Settings) -> Stand {
        let process = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = process.local_addr().unwrap().port();
        let backends = vec![Backend { run: 1, instance: 0, port, draining: false }];
        let fleet = Fleet::new(1);
        fleet.update(Table { generation: 1, settings, backends });
        let (_ending, end) = watch::channel(false);
        Stand { answering: Answering { fleet, end }, front, process, _ending }
    }

    /// A client that begins with those words.
    async fn client(&self, words: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(self.front.local_addr().unwrap()).await.unwrap();
        client.write_all(words).await.unwrap();
        let (server, from) = self.front.accept().await.unwrap();
        let room = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let given = Given {
            client: server.into_std().unwrap(),
            from,
            _open: Open::new(&self.answering.fleet),
            _room: room,
        };
        tokio::spawn(self.answering.clone().serve(given));
        client
    }

    /// The next connection to the process.
    async fn accept(&self) -> TcpStream {
        timeout(SOON, self.process.accept()).await.expect("somebody connects").unwrap().0
    }
}

/// Reads until that was said. What was read.
async fn until(from: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let next = timeout(SOON, from.read_u8()).await;
        let said = String::from_utf8_lossy(&read).into_owned();
        read.push(next.unwrap_or_else(|_| panic!("{end:?} after {said:?}")).expect(&said));
    }
    String::from_utf8(read).unwrap()
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // With a word or without.
    let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed");
}

#[tokio::test]
async fn who_asks_twice_in_a_breath_is_answered_twice_on_one_connection() {
    let stand = Stand::new(Settings::default()).await;
    let get = |path| format!("GET /{path} HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut client = stand.client((get("one") + &get("two")).as_bytes()).await;
    let mut process = stand.accept().await;
    for path in ["one", "two", "three"] {
        assert!(until(&mut process, "\r\n\r\n").await.starts_with(&format!("GET /{path} ")));
        // A word before the answer is not one.
        let answer =
            format!("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n{path:6}");
        process.write_all(answer.as_bytes()).await.unwrap();
        until(&mut client, &format!("\r\n\r\n{path:6}")).await;
        if path == "two" {
            client.write_all(get("three").as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn long_words_pass_whole_both_ways_at_once_and_the_connection_is_kept() {
    const LENGTH: usize = 3_000_000;
    let stand = Stand::new(Settings::default()).await;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LENGTH}\r\n\r\n");
    let client = stand.client(head.as_bytes()).await;
    let mut process = stand.accept().await;
    until(&mut process, "\r\n\r\n").await;
    let echo = async {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
        process.write_all(head.as_bytes()).await.unwrap();
        let (mut from, mut to) = process.split();
        tokio::io::copy(&mut (&mut from).take(LENGTH as u64), &mut to).await.unwrap();
    };
    let body: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
    let (mut from, mut to) = client.into_split();
    let said = async {
        to.write_all(&body).await.unwrap();
    };
    let heard = async {
        let mut heard = Vec::new();
        let head = loop {
            from.read_buf(&mut heard).await.unwrap();
            if let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        while heard.len() < head + LENGTH {
            assert!(from.read_buf(&mut heard).await.unwrap() > 0, "{} of {LENGTH}", heard.len());
        }
        assert!(heard[head..] == body, "it is what was said");
    };
    timeout(SOON, async { tokio::join!(echo, said, heard) }).await.expect("all passes");
    to.write_all(b"GET /next HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(until(&mut process, "\r\n\r\n").await.starts_with("GET /next "), "on the same connection");
}

#[tokio::test]
async fn a_client_that_reads_nothing_yet_says_all_the_same() {
    const LENGTH: usize = 2_000_000;
    let stand = Stand::new(Settings::default()).await;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LENGTH}\r\n\r\n");
    let mut client = stand.client(head.as_bytes()).await;
    let mut process = stand.accept().await;
    until(&mut process, "\r\n\r\n").await;
    let (mut from, mut to) = process.into_split();
    // More than all buffers on the way hold.
    tokio::spawn(async move {
        let _ = to.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
        let _ = to.write_all(&vec![0; 100_000_000]).await;
    });
    let said = async { client.write_all(&vec![1; LENGTH]).await.unwrap() };
    let heard = async {
        let mut read = vec![0; LENGTH];
        from.read_exact(&mut read).await.unwrap();
    };
    timeout(SOON, async { tokio::join!(said, heard) }).await.expect("the process hears it all");
}

#[tokio::test]
async fn a_client_that_leaves_is_left_by_the_process_too() {
    let stand = Stand::new(Settings::default()).await;
    let (get, part) =
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart");
    for answered in ["", part] {
        let mut client = stand.client(get).await;
        let mut process = stand.accept().await;
        until(&mut process, "\r\n\r\n").await;
        process.write_all(answered.as_bytes()).await.unwrap();
        until(&mut client, if answered.is_empty() { "" } else { "part" }).await;
        drop(client);
        is_closed(&mut process).await;
    }
}

#[tokio::test]
async fn the_last_answer_of_a_connection_comes_whole_however_it_is_said() {
    let get = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    // At once, word by word, longer than is gathered, and after the client is looked after.
    for (length, parts, pause) in [(4, 1, 0), (4, 2, 0), (2_000_000, 1, 0), (40, 4, 30)] {
        let stand = Stand::new(Settings::default()).await;
        let mut client = stand.client(get).await;
        let mut process = stand.accept().await;
        until(&mut process, "\r\n\r\n").await;
        let said = async {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            process.write_all(head.as_bytes()).await.unwrap();
            for part in vec![b'x'; length].chunks(length / parts) {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                process.write_all(part).await.unwrap();
            }
        };
        let mut answer = String::new();
        let heard = timeout(SOON, client.read_to_string(&mut answer));
        let (_, heard) = tokio::join!(said, heard);
        heard.expect("it is closed").unwrap();
        assert!(answer.contains("connection: close\r\n"), "{length}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", "x".repeat(length))), "{length} in {parts}");
    }
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_left_and_the_client_is_told() {
    let stand = Stand::new(Settings { timeout_ms: 100, ..Settings::default() }).await;
    let mut client = stand.client(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    let mut process = stand.accept().await;
    assert!(until(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 504 "));
    is_closed(&mut process).await;
}

#[tokio::test]
async fn both_may_speak_at_once_after_a_switch_and_end_one_after_the_other() {
    let stand = Stand::new(Settings::default()).await;
    let asked = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let mut client = stand.client((asked.to_owned() + "early").as_bytes()).await;
    let mut process = stand.accept().await;
    until(&mut process, "\r\n\r\n").await;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nwelcome";
    process.write_all(answer.as_bytes()).await.unwrap();
    assert!(until(&mut client, "welcome").await.starts_with("HTTP/1.1 101 "));
    assert_eq!(until(&mut process, "early").await, "early");
    client.write_all(b"more").await.unwrap();
    assert_eq!(until(&mut process, "more").await, "more");
    // The client has said all, and still listens.
    client.shutdown().await.unwrap();
    is_closed(&mut process).await;
    process.write_all(b"bye").await.unwrap();
    drop(process);
    assert_eq!(until(&mut client, "bye").await, "bye");
    is_closed(&mut client).await;
}

#[tokio::test]
async fn a_process_that_closes_after_each_answer_is_asked_on_another_connection() {
    let stand = Stand::new(Settings::default()).await;
    let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx";
    let mut client = stand.client(post).await;
    for _ in 0..3 {
        let mut process = stand.accept().await;
        until(&mut process, "\r\n\r\nx").await;
        process
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            .await
            .unwrap();
        assert!(
            !until(&mut client, "\r\n\r\nok").await.contains("connection: close"),
            "that is not the client's"
        );
        client.write_all(post).await.unwrap();
    }
}
