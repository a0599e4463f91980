//! The stream that keeps an address served: requests to it as they are answered.

use reqwest::Response;

use super::records::Lines;
use super::{ClientError, Place};
use crate::wire::{AccessRecord, Lent, StreamControl};

/// One thing that the stream says.
#[derive(Clone, PartialEq, Debug)]
pub enum RequestItem {
    /// A request was answered.
    Request(AccessRecord),
    /// So many were not told, because this reader was slow.
    Missed(i64),
    /// The address was removed; nothing more will come.
    Closed,
}

/// Keeps an address served until it is dropped.
pub struct RequestStream {
    response: Response,
    place: Place,
    pending: Lines,
}

impl RequestStream {
    /// Reads the first line: what was lent.
    pub(super) async fn open(response: Response, place: Place) -> Result<(Lent, RequestStream), ClientError> {
        let mut stream = RequestStream { response, place, pending: Lines::default() };
        let ended = || ClientError::Transport("the daemon ended before it served the address".into());
        let line = stream.line().await?.ok_or_else(ended)?;
        Ok((serde_json::from_slice(&line).map_err(not_understood)?, stream))
    }

    /// Waits for the next item. `None` at the end of the stream, when the daemon ends.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the connection breaks or a line is not understood.
    pub async fn next(&mut self) -> Result<Option<RequestItem>, ClientError> {
        while let Some(line) = self.line().await? {
            if let Some(item) = parse(&line)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        loop {
            if let Some(line) = self.pending.pop() {
                return Ok(Some(line));
            }
            let chunk = self.response.chunk().await;
            match chunk.map_err(|e| ClientError::from_reqwest("watching requests", self.place.clone(), e))? {
                Some(bytes) => self.pending.push(&bytes),
                None => return Ok(None),
            }
        }
    }
}

/// Reads one line; `None` when it is a heartbeat or something that only newer clients know.
fn parse(line: &[u8]) -> Result<Option<RequestItem>, ClientError> {
    if let Ok(record) = serde_json::from_slice::<AccessRecord>(line) {
        return Ok(Some(RequestItem::Request(record)));
    }
    let control: StreamControl = serde_json::from_slice(line).map_err(not_understood)?;
    Ok(match control.ctl.as_str() {
        "missed" => Some(RequestItem::Missed(control.count.unwrap_or(0))),
        "closed" => Some(RequestItem::Closed),
        _ => None,
    })
}

fn not_understood(error: serde_json::Error) -> ClientError {
    ClientError::Transport(format!("a line of the stream of requests is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_skipped_and_the_end_is_told() {
        assert_eq!(parse(br#"{"ctl":"hb"}"#).unwrap(), None);
        assert_eq!(parse(br#"{"ctl":"new","x":1}"#).unwrap(), None);
        assert_eq!(parse(br#"{"ctl":"missed","count":3}"#).unwrap(), Some(RequestItem::Missed(3)));
        assert_eq!(parse(br#"{"ctl":"closed"}"#).unwrap(), Some(RequestItem::Closed));
        assert!(parse(b"no").is_err());
    }
}
