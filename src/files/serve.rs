//! The life of the server.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::services::{ServeDir, ServeFile};

use super::Site;
use super::guard::guard;

/// Asked to end, it finishes answers for so long.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT. `listener`: a socket that was handed over, instead of an own one.
///
/// # Errors
/// When it cannot begin.
pub fn run(site: Site, listener: Option<StdListener>) -> io::Result<()> {
    let listener = match listener {
        Some(listener) => listener,
        None => {
            let (host, port) = (site.host, site.port);
            StdListener::bind((host, port))
                .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {host} port {port}: {e}")))?
        }
    };
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        println!("serving {} on http://{}", site.root.display(), listener.local_addr()?);
        let (ended, mut has_ended) = tokio::sync::watch::channel(false);
        let asked = async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            ended.send_replace(true);
        };
        let served = axum::serve(listener, router(site)).with_graceful_shutdown(asked);
        let limit = async move {
            // The sender is gone only when the server has ended.
            let _ = has_ended.wait_for(|ended| *ended).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = served => served,
            () = limit => Ok(()),
        }
    })
}

/// All of it.
fn router(site: Site) -> Router {
    let site = Arc::new(site);
    let files = ServeDir::new(&site.root).precompressed_gzip().precompressed_br();
    let missing = site.root.join("404.html");
    let files = match &site.page {
        Some(page) => Router::new().fallback_service(files.fallback(ServeFile::new(page))),
        None if missing.is_file() => {
            Router::new().fallback_service(files.not_found_service(ServeFile::new(missing)))
        }
        None => {
            let not_found =
                axum::routing::any(async || (StatusCode::NOT_FOUND, "not found\n").into_response());
            Router::new().fallback_service(files.fallback(not_found))
        }
    };
    files.layer(from_fn_with_state(Arc::clone(&site), guard))
}
