//! Addresses that the next daemon serves too: saved in the store, and their sockets held open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Listeners, certificates};
use crate::api::Shared;
use crate::store::Change;
use crate::wire;

/// The setting in the store that lists the addresses, separated by spaces.
const SETTING: &str = "listeners";
/// The setting that lists those with settings of their own, as JSON. Apart: a program that does not
/// know it must not serve them as if they had none.
const WITH_SETTINGS: &str = "listeners_with_settings";
/// The address that everybody knows (PM2's web port).
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9615);

impl Listeners {
    /// Serves where the last daemon did, or at the default address; at another port when one is
    /// taken. The unix socket always works, so a port that cannot be had is no reason to stop.
    pub async fn restore(&self, api: &Shared, settings: &BTreeMap<String, String>) {
        tokio::spawn(certificates::renew(api.clone()));
        let with_settings = match settings.get(WITH_SETTINGS).map(|text| serde_json::from_str(text)) {
            Some(Ok(listed)) => listed,
            Some(Err(e)) => {
                tracing::error!("the addresses with settings cannot be read: {e}");
                BTreeMap::new()
            }
            None => BTreeMap::<SocketAddr, wire::ListenerSettings>::new(),
        };
        let stored = settings.get(SETTING).map(String::as_str).unwrap_or_default();
        let stored: Vec<SocketAddr> =
            stored.split_whitespace().filter_map(|text| text.parse().ok()).collect();
        let default = if with_settings.is_empty() { vec![DEFAULT] } else { Vec::new() };
        for address in if stored.is_empty() { default } else { stored } {
            let Err(taken) = self.add(api, address, &Default::default()).await else { continue };
            tracing::warn!("{}; using a free one instead", taken.detail);
            let free = SocketAddr::new(address.ip(), 0);
            if let Err(e) = self.add(api, free, &Default::default()).await {
                tracing::error!("no TCP address at all: {}", e.detail);
            }
        }
        for (address, set) in with_settings {
            // Never served in another way than it was asked for.
            if let Err(e) = self.add(api, address, &set).await {
                tracing::error!("cannot serve {address}: {}", e.detail);
                self.unserved().insert(address, set);
            }
        }
        self.save(api);
    }

    /// The names of the sockets that the next daemon is to find open: of the addresses that are
    /// kept. Those that end with a command end with it also when it outlives this daemon.
    pub fn held(&self) -> BTreeSet<String> {
        self.lock().iter().filter(|(_, open)| open.kept).map(|(address, _)| held_as(*address)).collect()
    }

    /// So that the next daemon is found where this one was.
    pub(super) fn save(&self, api: &Shared) {
        let (mut plain, mut others) = (Vec::new(), self.unserved().clone());
        for (address, open) in self.lock().iter().filter(|(_, open)| open.kept) {
            match open.face.set == wire::ListenerSettings::default() {
                true => plain.push(address.to_string()),
                false => drop(others.insert(*address, open.face.set.clone())),
            }
        }
        let others = serde_json::to_string(&others).expect("it is plain data");
        api.handle.recorder().write(vec![
            Change::PutSetting { name: SETTING.to_owned(), value: plain.join(" ") },
            Change::PutSetting { name: WITH_SETTINGS.to_owned(), value: others },
        ]);
    }
}

/// By which the next daemon finds the socket of an address.
pub(super) fn held_as(address: SocketAddr) -> String {
    format!("tcp:{address}")
}

/// The socket of an earlier daemon, which has been open all the time.
pub(super) fn inherited(api: &Shared, address: SocketAddr) -> Option<TcpListener> {
    let socket = std::net::TcpListener::from(api.handle.sockets().take(&held_as(address))?);
    socket.set_nonblocking(true).ok()?;
    TcpListener::from_std(socket).ok()
}
