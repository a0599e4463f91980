//! Connections to processes, which are on this host.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;

/// On this host a connection is there at once, or the queue of who listens is full.
const LIMIT: Duration = Duration::from_secs(5);

/// Connects to that port. A program that listens on `localhost` may do so in one family alone.
///
/// # Errors
/// Why not; of the first family, unless both fail in another way than being refused.
pub async fn to(port: u16) -> io::Result<TcpStream> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let connected = async {
        match TcpStream::connect(v4).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                TcpStream::connect(v6).await.map_err(|_| error)
            }
            done => done,
        }
    };
    let stream = tokio::time::timeout(LIMIT, connected).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_is_found_in_either_family_and_who_is_not_there_refuses() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(to(port).await.is_ok(), "{address}");
            drop(listener);
            assert_eq!(to(port).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
    }
}
