//! What is set for an address besides where it is: its certificate, the names by which it is
//! called, and the pages of others that may read it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderValue;

use super::ApiError;
use super::tls::Tls;
use crate::wire;

/// The settings of an address, checked.
#[derive(Default)]
pub struct Face {
    /// Its certificate; `None` is plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// As they were given.
    pub set: wire::ListenerSettings,
}

impl Face {
    /// Checks settings for that address.
    ///
    /// # Errors
    /// 422 with the member that is wrong.
    pub fn check(address: SocketAddr, set: &wire::ListenerSettings) -> Result<Face, ApiError> {
        let tls = match (&set.tls_cert, &set.tls_key) {
            (None, None) => None,
            (Some(cert), Some(key)) => {
                let (cert, key) = (Path::new(cert), Path::new(key));
                if !cert.is_absolute() || !key.is_absolute() {
                    return Err(ApiError::member(
                        "/tls_cert",
                        "the paths of certificate and key must be absolute",
                    ));
                }
                Some(Arc::new(Tls::open(cert, key).map_err(|why| ApiError::member("/tls_cert", why))?))
            }
            (Some(_), None) | (None, Some(_)) => {
                let detail = "a certificate needs its key: give both tls_cert and tls_key";
                return Err(ApiError::member("/tls_key", detail));
            }
        };
        if tls.is_some() && set.insecure_http {
            let detail = "insecure_http is for an address without a certificate: leave one of them out";
            return Err(ApiError::member("/insecure_http", detail));
        }
        if !address.ip().is_loopback() && tls.is_none() && !set.insecure_http {
            let detail = format!(
                "{} can be reached from other machines: give a certificate (tls_cert, tls_key), or say \
                 insecure_http to send tokens readable by everybody on the way",
                address.ip()
            );
            return Err(ApiError::member("/host", detail));
        }
        set.hosts.iter().try_for_each(|host| a_host(host))?;
        set.origins.iter().try_for_each(|origin| an_origin(origin))?;
        Ok(Face { tls, set: set.clone() })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Whether pages of that origin may read answers.
    pub fn shares_with(&self, origin: &HeaderValue) -> bool {
        self.set.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
    }
}

/// A name as in the Host header, without the port.
fn a_host(host: &str) -> Result<(), ApiError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if !host.is_empty() && host.len() <= 253 && host.chars().all(plain) {
        return Ok(());
    }
    let detail = format!("{host:?} is not a host name: give one in small letters, such as box.example.org");
    Err(ApiError::member("/hosts", detail))
}

/// Scheme, host and port as browsers send them.
fn an_origin(origin: &str) -> Result<(), ApiError> {
    let exact = reqwest::Url::parse(origin)
        .is_ok_and(|url| url.scheme().starts_with("http") && url.origin().ascii_serialization() == origin);
    if exact {
        return Ok(());
    }
    let detail = format!("{origin:?} is not an origin: give one such as https://tools.example.org, never *");
    Err(ApiError::member("/origins", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_2_and_5_what_is_set_for_an_address_is_checked() {
        let here: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let everywhere: SocketAddr = "0.0.0.0:1".parse().unwrap();
        let none = wire::ListenerSettings::default;
        assert!(Face::check(here, &none()).is_ok());
        let refused = |address, set: wire::ListenerSettings, member: &str| {
            let error = Face::check(address, &set).err().unwrap_or_else(|| panic!("{set:?}"));
            assert_eq!((error.status.as_u16(), error.errors[0].pointer.as_str()), (422, member), "{error:?}");
        };
        refused(everywhere, none(), "/host");
        assert!(Face::check(everywhere, &wire::ListenerSettings { insecure_http: true, ..none() }).is_ok());
        refused(here, wire::ListenerSettings { tls_cert: Some("/c".into()), ..none() }, "/tls_key");
        for host in ["", "*", "a b", "a:1", "UPPER", "a/b"] {
            refused(here, wire::ListenerSettings { hosts: vec![host.into()], ..none() }, "/hosts");
        }
        for origin in ["*", "null", "", "https://a/", "a.example", "https://a.example/x", "file:///x"] {
            refused(here, wire::ListenerSettings { origins: vec![origin.into()], ..none() }, "/origins");
        }
        let origins = vec!["https://a.example".to_owned(), "http://localhost:3000".to_owned()];
        assert!(Face::check(here, &wire::ListenerSettings { origins, ..none() }).is_ok());
    }
}
