//! Connect to a port: being accepted is well.

use tokio::net::TcpStream;

/// Asks once. `address` is `host:port`.
///
/// # Errors
/// What is wrong, in a few words.
pub async fn connect(address: &str) -> Result<(), String> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let (host, port) = parts.ok_or_else(|| format!("{address} is not host:port"))?;
    let mut refused = String::new();
    for here in super::loopback(host, port).await? {
        match TcpStream::connect(here).await {
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
                refused = "connection refused".to_owned();
            }
            Err(e) => refused = e.to_string(),
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_accepts_is_well_and_a_closed_one_is_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert_eq!(connect(&address).await, Ok(()));
        drop(listener);
        assert_eq!(connect(&address).await, Err("connection refused".into()));
        assert!(connect("localhost").await.unwrap_err().contains("host:port"));
        assert!(connect("localhost:99999").await.is_err());
    }
}
