//! What happens to a connection whose words are not understood.

use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;

use super::connect;
use super::fleet::{Client, Fleet};

/// For each direction; larger ones cost memory and win little.
const BUFFER: usize = 16 * 1024;

/// Has a connection served to its end.
pub async fn serve(fleet: &Fleet, address: IpAddr, mut client: TcpStream) {
    let patience = Instant::now() + Duration::from_millis(fleet.came().patience_ms);
    let asking = Client { address, cookie: None };
    let mut tried = Vec::new();
    while let Some(active) = fleet.next(asking, &tried, patience).await {
        let backend = active.backend();
        match connect::to(backend.port).await {
            Ok(mut process) => {
                backend.accepted();
                let copied = copy_bidirectional_with_sizes(&mut client, &mut process, BUFFER, BUFFER).await;
                if copied.is_err() {
                    backend.failed();
                }
                return;
            }
            Err(_) => backend.refused(),
        }
        if tried.contains(&backend.run) {
            if fleet.is_over(patience) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tried.push(backend.run);
        fleet.tally.retries.fetch_add(1, Relaxed);
    }
    fleet.tally.errors.fetch_add(1, Relaxed);
}
