//! Hands lines to a receiver.

use std::sync::Arc;

use super::definition::{Definition, Receiver};
use super::record::Record;
use super::{http, syslog};

/// The way to one receiver.
#[derive(Clone)]
pub struct Way {
    definition: Arc<Definition>,
    client: Option<reqwest::Client>,
}

impl Way {
    /// The way of that definition.
    ///
    /// # Errors
    /// A sentence.
    pub fn of(definition: Arc<Definition>) -> Result<Way, String> {
        let client = match definition.receiver {
            Receiver::Http { .. } => Some(http::client()?),
            Receiver::Udp { .. } | Receiver::Tcp { .. } | Receiver::Unix { .. } => None,
        };
        Ok(Way { definition, client })
    }

    /// Sends them, and answers when the receiver has taken them all. After an error it may have
    /// taken some of them.
    ///
    /// # Errors
    /// A sentence.
    pub async fn deliver(&self, records: &[Record]) -> Result<(), String> {
        match (&self.definition.receiver, &self.client) {
            (Receiver::Udp { address, facility }, _) => syslog::udp(address, *facility, records).await,
            (Receiver::Tcp { address, facility }, _) => syslog::tcp(address, *facility, records).await,
            (Receiver::Unix { path, facility }, _) => syslog::unix(path, *facility, records).await,
            (Receiver::Http { url, headers, gzip }, Some(client)) => {
                http::send(client, url, headers, *gzip, records).await
            }
            (Receiver::Http { .. }, None) => Err("HTTP was not set up".to_owned()),
        }
    }
}
