//! Syslog: RFC 5424 messages; over TCP as counted frames (RFC 6587).
//!
//! Syslog has no acknowledgement. Over TCP each batch has a connection of its own, which is closed
//! in one direction when all is written: a receiver that has read to the end closes the other one,
//! and that counts as its answer. One that leaves it open for [`PATIENCE`] is believed. A receiver that
//! dies closes it, too: what was still on its way is answered by a reset one round trip later, so that
//! much longer is waited. A datagram counts when the system has taken it.

use std::path::Path;
use std::time::{Duration, Instant};

use syslog_fmt::v5424::{Config, Formatter, Msg, Timestamp};
use syslog_fmt::{Facility, Severity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

use super::record::{self, Record};
use crate::logs::{Level, Stream};

/// How long a receiver may take to close a connection that is read to its end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long anything else may take.
const LIMIT: Duration = Duration::from_secs(20);
/// The longest text of one message; longer lines become several.
const LONGEST: usize = 16 << 10;
/// So many datagrams are sent before the receiver gets a moment.
const VOLLEY: usize = 50;
const BREATH: Duration = Duration::from_millis(5);
/// The private enterprise number of RFC 5612 for examples: pmdaemon has none of its own.
const STRUCTURE: &str = "pmdaemon@32473";

/// Sends by UDP.
///
/// # Errors
/// A sentence.
pub async fn udp(address: &str, facility: u8, records: &[Record]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("udp://{address} does not take it: {e}");
    within(address, async {
        let to = tokio::net::lookup_host(address).await.map_err(told)?.next();
        let to = to.ok_or_else(|| format!("{address} has no address"))?;
        let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(from).await.map_err(told)?;
        socket.connect(to).await.map_err(told)?;
        for (at, message) in messages(facility, records).iter().enumerate() {
            socket.send(message).await.map_err(told)?;
            if at % VOLLEY == VOLLEY - 1 {
                tokio::time::sleep(BREATH).await;
            }
        }
        // That nobody listens is told with the next call.
        tokio::time::sleep(BREATH).await;
        socket.take_error().map_err(told)?.map_or(Ok(()), |e| Err(told(e)))
    })
    .await
}

/// Sends to a socket of this host.
///
/// # Errors
/// A sentence.
pub async fn unix(path: &Path, facility: u8, records: &[Record]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{} does not take it: {e}", path.display());
    within(&path.display().to_string(), async {
        let socket = UnixDatagram::unbound().map_err(told)?;
        socket.connect(path).map_err(told)?;
        for message in messages(facility, records) {
            socket.send(&message).await.map_err(told)?;
        }
        Ok(())
    })
    .await
}

/// Sends by TCP.
///
/// # Errors
/// A sentence.
pub async fn tcp(address: &str, facility: u8, records: &[Record]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("tcp://{address} does not take it: {e}");
    within(address, async {
        let asked = Instant::now();
        let mut stream = TcpStream::connect(address).await.map_err(told)?;
        let round_trip = asked.elapsed();
        let mut frames = Vec::new();
        for message in messages(facility, records) {
            frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
            frames.extend_from_slice(&message);
        }
        stream.write_all(&frames).await.map_err(told)?;
        stream.shutdown().await.map_err(told)?;
        let mut answer = [0; 1024];
        let closed = async {
            while stream.read(&mut answer).await? > 0 {}
            Ok(())
        };
        // One that leaves it open has said nothing against it.
        tokio::time::timeout(PATIENCE, closed).await.unwrap_or(Ok(())).map_err(told)?;
        tokio::time::sleep(round_trip + BREATH).await;
        stream.take_error().map_err(told)?.map_or(Ok(()), |e| Err(told(e)))
    })
    .await
}

async fn within(address: &str, sending: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let slow = |_| Err(format!("{address} has not taken it within {} s", LIMIT.as_secs()));
    tokio::time::timeout(LIMIT, sending).await.unwrap_or_else(slow)
}

/// The messages: one per line, or several of a long one.
fn messages(facility: u8, records: &[Record]) -> Vec<Vec<u8>> {
    let facility = Facility::try_from(facility).unwrap_or(Facility::User);
    let host = record::host();
    let mut all = Vec::with_capacity(records.len());
    for record in records {
        let (app, id) = (record::printable(&record.name, 48), record.process.0.to_string());
        let pid = record.pid.map(|pid| pid.to_string());
        let config = Config {
            facility,
            hostname: Some(host.as_str()),
            app_name: Some(app.as_str()),
            proc_id: pid.as_deref(),
        };
        let formatter = config.into_formatter();
        let mut pieces: Vec<&[u8]> = record.text.chunks(LONGEST).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        all.extend(pieces.into_iter().map(|piece| message(&formatter, record, &id, piece)));
    }
    all
}

fn message(formatter: &Formatter, record: &Record, id: &str, text: &[u8]) -> Vec<u8> {
    let time = record.time().map_or(Timestamp::None, Timestamp::PreformattedString);
    let place = format!("{}.{}", record.start.segment, record.start.offset);
    let data = [
        ("id", id),
        ("namespace", &*record.namespace),
        ("stream", record.stream_word()),
        ("place", place.as_str()),
    ];
    let mut message = Vec::with_capacity(text.len() + 200);
    let written = formatter.write_with_data(
        &mut message,
        severity(record),
        time,
        Msg::NonUnicodeBytes(text),
        None,
        [(STRUCTURE, data)],
    );
    written.expect("memory takes everything");
    message
}

/// What the line says of itself, or what its stream is for.
fn severity(record: &Record) -> Severity {
    match (record.level, record.stream) {
        (Some(Level::Fatal), _) => Severity::Crit,
        (Some(Level::Error), _) | (None, Stream::Err) => Severity::Err,
        (Some(Level::Warn), _) => Severity::Warning,
        (Some(Level::Info), _) | (None, Stream::Out) => Severity::Info,
        (Some(Level::Debug | Level::Trace), _) => Severity::Debug,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::logs::Position;
    use crate::model::{Pid, ProcessId};

    fn record(text: &[u8]) -> Record {
        Record {
            at: Some(1_700_000_000_123_456),
            process: ProcessId(7),
            pid: Some(Pid(4242)),
            name: "we b".into(),
            namespace: "a\"b]".into(),
            stream: Stream::Err,
            level: None,
            text: text.to_vec(),
            partial: false,
            start: Position { segment: 2, offset: 30 },
        }
    }

    /// Closes connections as soon as nothing is there to be read: sometimes nothing is lost on the way
    /// by then, and sometimes the rest has not been sent yet. The batch has not been read to its end.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_receiver_that_closes_before_the_end_has_not_taken_it() {
        let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap().to_string();
        const TIMES: usize = 40;
        let closing = std::thread::spawn(move || {
            for _ in 0..TIMES {
                let (mut connection, _) = receiver.accept().unwrap();
                let mut buffer = vec![0; 64 << 10];
                connection.read_exact(&mut buffer).unwrap();
                connection.set_nonblocking(true).unwrap();
                // A part of the batch at most.
                for _ in 0..10 {
                    if connection.read(&mut buffer).is_err() {
                        break;
                    }
                }
            }
        });
        let batch = vec![record(&[b'x'; LONGEST]); 1_000];
        for at in 0..TIMES {
            assert!(tcp(&address, 1, &batch).await.is_err(), "believed at try {at}");
        }
        closing.join().unwrap();
    }

    #[test]
    fn a_message_has_every_field_of_rfc_5424_and_the_bytes_of_the_line() {
        let host = record::host();
        let expected = format!(
            "<131>1 2023-11-14T22:13:20.123456Z {host} we_b 4242 - [pmdaemon@32473 id=\"7\" namespace=\"a\\\"b\\]\" \
             stream=\"err\" place=\"2.30\"] b\u{e4}d"
        );
        assert_eq!(messages(16, &[record("b\u{e4}d".as_bytes())]), [expected.into_bytes()]);
        let exact = messages(1, &[record(b"\xFF\xFE")]);
        assert!(exact[0].ends_with(b" \xFF\xFE") && exact[0].starts_with(b"<11>1 "));
        let of_nobody = messages(1, &[Record { pid: None, ..record(b"x") }]);
        assert!(String::from_utf8_lossy(&of_nobody[0]).contains(" we_b - - [pmdaemon@32473 id=\"7\""));
        let long = messages(1, &[record(&[b'x'; LONGEST + 1]), record(b"")]);
        assert_eq!(long.len(), 3, "a long line is several messages, an empty one is one");
    }
}
