//! The TCP addresses at which we serve.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::port_owner::port_owner;
use super::{ApiError, Shared, router, serve};
use crate::store::Change;
use crate::wire;

/// The setting in the store that lists the addresses, separated by spaces.
const SETTING: &str = "listeners";
/// The address that everybody knows (PM2's web port).
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9615);

/// Open listeners, each with the switch that ends it.
#[derive(Default)]
pub struct Listeners {
    open: Mutex<BTreeMap<SocketAddr, watch::Sender<bool>>>,
}

impl Listeners {
    /// Serves where the last daemon did, or at the default address; at another port when one is
    /// taken. The unix socket always works, so a port that cannot be had is no reason to stop.
    pub async fn restore(&self, api: &Shared, settings: &BTreeMap<String, String>) {
        let stored = settings.get(SETTING).map(String::as_str).unwrap_or_default();
        let stored: Vec<SocketAddr> =
            stored.split_whitespace().filter_map(|text| text.parse().ok()).collect();
        for address in if stored.is_empty() { vec![DEFAULT] } else { stored } {
            let Err(taken) = self.add(api, address).await else { continue };
            tracing::warn!("{}; using a free one instead", taken.detail);
            if let Err(e) = self.add(api, SocketAddr::new(address.ip(), 0)).await {
                tracing::error!("no TCP address at all: {}", e.detail);
            }
        }
    }

    /// Serves at that address too. 200 when it is served already, otherwise 201.
    ///
    /// # Errors
    /// 409 with the owner when the port is taken.
    pub async fn add(
        &self,
        api: &Shared,
        address: SocketAddr,
    ) -> Result<(StatusCode, wire::Listener), ApiError> {
        if address.port() != 0 && self.lock().contains_key(&address) {
            return Ok((StatusCode::OK, listener(address)));
        }
        let socket = TcpListener::bind(address).await.map_err(|e| taken(address, &e))?;
        let real = socket.local_addr().map_err(|e| ApiError::internal(&e))?;
        let (switch, end) = watch::channel(false);
        tokio::spawn(serve::serve(socket, router::router(api.clone()), end));
        self.lock().insert(real, switch);
        self.save(api);
        tracing::info!("serving http://{real}");
        Ok((StatusCode::CREATED, listener(real)))
    }

    /// Serves there no longer. False: it was not served.
    pub fn remove(&self, api: &Shared, address: SocketAddr) -> bool {
        let Some(switch) = self.lock().remove(&address) else { return false };
        tracing::info!("no longer serving http://{address}");
        self.save(api);
        let _ = switch.send(true);
        true
    }

    /// So that the next daemon is found where this one was.
    fn save(&self, api: &Shared) {
        let value = self.lock().keys().map(SocketAddr::to_string).collect::<Vec<_>>().join(" ");
        api.handle.recorder().write(vec![Change::PutSetting { name: SETTING.to_owned(), value }]);
    }

    /// Ends all of them; requests that are being answered are finished.
    pub fn end_all(&self) {
        for (_, switch) in std::mem::take(&mut *self.lock()) {
            let _ = switch.send(true);
        }
    }

    /// All of them.
    pub fn list(&self) -> Vec<wire::Listener> {
        self.lock().keys().map(|address| listener(*address)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, watch::Sender<bool>>> {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn listener(address: SocketAddr) -> wire::Listener {
    wire::Listener { host: address.ip().to_string(), port: i64::from(address.port()) }
}

/// The sentence for an address that cannot be had.
pub fn taken(address: SocketAddr, error: &std::io::Error) -> ApiError {
    let port = address.port();
    let detail = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let owner = port_owner(port).unwrap_or_else(|| "another program".into());
            format!("port {port} is used by {owner}: choose another with --port")
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("port {port} needs root: choose one above 1023 with --port")
        }
        _ => format!("cannot listen on {address}: {error}"),
    };
    ApiError::new(StatusCode::CONFLICT, "address_unavailable", detail)
}
