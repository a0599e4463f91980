//! Certificates in use that are read again.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::api::Shared;

/// How often certificates are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads certificates again when their files change, and at SIGHUP.
pub(super) async fn renew(api: Shared) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let anyway = tokio::select! {
            _ = look.tick() => false,
            _ = hangup.recv() => true,
        };
        let certificates = api.listeners.certificates();
        if !certificates.is_empty() {
            // What is not usable was told.
            let read = move || certificates.iter().for_each(|tls| _ = tls.refresh(anyway));
            // A disk may be slow, and others are served meanwhile.
            let _ = tokio::task::spawn_blocking(read).await;
        }
    }
}
