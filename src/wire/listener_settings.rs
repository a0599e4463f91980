//! How an address is served.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Listener;

/// What is set for an address besides where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerSettings {
    /// Absolute path of the certificate and its chain, PEM. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/etc/pmdaemon/cert.pem")]
    pub tls_cert: Option<String>,
    /// Absolute path of its private key, PEM; nobody but its owner may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/etc/pmdaemon/key.pem")]
    pub tls_key: Option<String>,
    /// Beyond this machine without TLS: everybody on the way can read tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_http: bool,
    /// Names by which it is called, besides `localhost` and its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Origins of pages that may read answers; none by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

impl Listener {
    /// Where browsers find it.
    pub fn url(&self) -> String {
        let scheme = if self.settings.tls_cert.is_some() { "https" } else { "http" };
        let host = self.settings.hosts.first().unwrap_or(&self.host);
        match host.contains(':') {
            true => format!("{scheme}://[{host}]:{}", self.port),
            false => format!("{scheme}://{host}:{}", self.port),
        }
    }
}
