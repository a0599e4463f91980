//! `GET /system`: the host, and pmdaemon itself.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Html;

use super::{Asked, asked, reader};
use crate::api::access::{PageAuth, View};
use crate::api::{ApiError, Shared, metrics, system};
use crate::dashboard::{self, Disk, SystemPage};
use crate::sample::history::{Range, Series};

/// The page.
pub async fn page(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let system = system::show::system(&api, &auth.principal).await?;
    let range = Range::of_word(asked(&query, "range")).unwrap_or(Range::Hour);
    let home = api.handle.home().path().to_owned();
    let statvfs = tokio::task::spawn_blocking(move || nix::sys::statvfs::statvfs(&home)).await;
    let disk = statvfs.map_err(|e| ApiError::internal(&e))?.ok().map(|fs| {
        let bytes = |blocks: u64| (blocks * fs.fragment_size()) as i64;
        Disk { used_bytes: bytes(fs.blocks() - fs.blocks_free()), total_bytes: bytes(fs.blocks()) }
    });
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for view in auth.snapshot(&api).processes.values() {
        *counts.entry(view.state.status().to_string()).or_default() += 1;
    }
    Ok(Html(dashboard::system_page(&SystemPage {
        system: &system,
        disk,
        counts: &counts.into_iter().collect::<Vec<_>>(),
        range: range.as_str(),
        metrics: &metrics::metrics(&api, Series::Host, range).await?,
        reader: &reader(&auth.principal, &api),
    })))
}
