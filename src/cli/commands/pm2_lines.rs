//! A line of a log in PM2's words, without the newline.

use super::log_printer::local;
use crate::wire::{LogRecord, Stream};

/// As JSON.
pub fn json(record: &LogRecord) -> String {
    serde_json::json!({
        "message": record.text,
        "timestamp": record.ts,
        "type": kind(record.stream),
        "process_id": record.id,
        "app_name": record.name,
    })
    .to_string()
}

/// As key=value pairs. The message is not quoted.
pub fn pairs(record: &LogRecord) -> String {
    let time =
        local(record).map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d-%H:%M:%S%z").to_string());
    let (name, id, stream) = (&record.name, record.id, kind(record.stream));
    format!("timestamp={time} app={name} id={id} type={stream} message={}", record.text)
}

fn kind(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "out",
        Stream::Err => "err",
        Stream::Sys => "process_event",
    }
}
