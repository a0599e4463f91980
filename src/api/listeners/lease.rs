//! Addresses that are served for as long as somebody wants that.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use axum::http::StatusCode;
use tokio::sync::watch;

use super::{Listeners, Open, checked, listener};
use crate::api::{Api, ApiError, Shared};
use crate::wire;

/// Keeps an address served, and perhaps without authentication, until it is dropped.
pub struct Lease {
    api: Weak<Api>,
    address: SocketAddr,
    no_auth: bool,
}

/// An address that was lent.
pub struct Lent {
    /// What keeps it.
    pub lease: Lease,
    /// The real address.
    pub listener: wire::Listener,
    /// It was not served before.
    pub added: bool,
    /// Turns true when it is not served any more.
    pub end: watch::Receiver<bool>,
}

impl Lease {
    /// The real address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(api) = self.api.upgrade() {
            api.listeners.give_back(self.address, self.no_auth);
        }
    }
}

impl Listeners {
    /// Serves at that address while the lease lives, if nobody does so already.
    ///
    /// # Errors
    /// 409 with the owner when the port is taken.
    pub async fn lend(
        &self,
        api: &Shared,
        address: SocketAddr,
        no_auth: bool,
        set: &wire::ListenerSettings,
    ) -> Result<Lent, ApiError> {
        let face = checked(address, set).await?;
        let served = self.face(address);
        if let Some(served) = &served
            && *set != Default::default()
            && served.set != *set
        {
            let detail = format!(
                "{address} is served already in another way: use another --port, or --detach to change it for good"
            );
            return Err(ApiError::new(StatusCode::CONFLICT, "address_unavailable", detail));
        }
        let real = if served.is_some() { None } else { Some(self.serve(api, address, &face).await?) };
        let mut all = self.lock();
        let added = real.is_some();
        let address = match real {
            Some((real, switch, copy)) => {
                let socket = copy.ok();
                all.insert(real, Open { face, switch, kept: false, leases: 0, unguarded: 0, socket });
                real
            }
            None => address,
        };
        let gone =
            || ApiError::new(StatusCode::CONFLICT, "address_unavailable", "it was just removed: try again");
        let open = all.get_mut(&address).ok_or_else(gone)?;
        open.leases += 1;
        open.unguarded += usize::from(no_auth);
        if no_auth {
            tracing::warn!("authentication is off at {}://{address}", open.face.scheme());
        }
        Ok(Lent {
            lease: Lease { api: Arc::downgrade(api), address, no_auth },
            listener: listener(address, open),
            added,
            end: open.switch.subscribe(),
        })
    }

    fn give_back(&self, address: SocketAddr, no_auth: bool) {
        let mut all = self.lock();
        // It may have been removed meanwhile.
        let Some(open) = all.get_mut(&address) else { return };
        open.leases = open.leases.saturating_sub(1);
        open.unguarded = open.unguarded.saturating_sub(usize::from(no_auth));
        let url = format!("{}://{address}", open.face.scheme());
        if no_auth && open.unguarded == 0 {
            tracing::info!("authentication is on again at {url}");
        }
        if open.leases == 0 && !open.kept {
            if let Some(open) = all.remove(&address) {
                let _ = open.switch.send(true);
            }
            tracing::info!("no longer serving {url}");
        }
    }
}
