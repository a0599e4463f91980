//! HTTP: batches of JSON documents, one per line, by POST. A 2xx is the acknowledgement.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use serde::Serialize;

use super::definition::Header;
use super::record::{self, Record};
use crate::daemon::reach::{Loopback, Resolver};
use crate::logs;

/// How long a receiver may take to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// A line, as it is sent.
#[derive(Serialize)]
struct Document<'a> {
    /// When it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    host: &'a str,
    id: u32,
    name: &'a str,
    namespace: &'a str,
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    text: String,
    /// The next document of the same log continues the line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// Names the line among all of its log: who gets it twice can tell.
    place: String,
}

/// A client for these headers' receiver. It follows no redirect: the headers are for one host.
///
/// # Errors
/// A sentence.
pub fn client() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(Resolver(Loopback::Allowed)))
        .timeout(LIMIT)
        .build();
    client.map_err(|e| format!("HTTP cannot be set up: {e}"))
}

/// Sends them in one request.
///
/// # Errors
/// A sentence without URL and headers.
pub async fn send(
    client: &reqwest::Client,
    url: &str,
    headers: &[Header],
    gzip: bool,
    records: &[Record],
) -> Result<(), String> {
    let mut request = client.post(url).header(CONTENT_TYPE, "application/x-ndjson");
    for header in headers {
        let value = HeaderValue::from_str(&header.value);
        let mut value = value.map_err(|_| format!("the header {} cannot be sent", header.name))?;
        value.set_sensitive(true);
        request = request.header(header.name.as_str(), value);
    }
    let mut body = body(records);
    if gzip {
        request = request.header(CONTENT_ENCODING, "gzip");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(&body).and_then(|()| encoder.finish());
        body = packed.map_err(|e| format!("a batch cannot be compressed: {e}"))?;
    }
    let answer = request.body(body).send().await.map_err(|e| failed(&e))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the receiver answered {status}")),
    }
}

/// What went wrong, down to its cause, without the URL.
fn failed(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match error.is_timeout() {
        true => format!("the receiver has not answered within {} s", LIMIT.as_secs()),
        false => format!("the receiver cannot be reached: {cause}"),
    }
}

fn body(records: &[Record]) -> Vec<u8> {
    let host = record::host();
    let mut body = Vec::new();
    for record in records {
        let document = Document {
            ts: record.time(),
            host: &host,
            id: record.process.0,
            name: &record.name,
            namespace: &record.namespace,
            stream: record.stream_word(),
            level: record.level.map(logs::Level::as_str),
            text: logs::clean(&record.text),
            partial: record.partial,
            place: format!("{}.{}", record.start.segment, record.start.offset),
        };
        serde_json::to_writer(&mut body, &document).expect("text is always JSON");
        body.push(b'\n');
    }
    body
}
