//! `/system`: the host, and pmdaemon itself.

use askama::Template;

use super::chart::Charts;
use super::frame::{Frame, Here, Reader};
use super::host::HostView;
use super::{event, render, text};
use crate::wire::{Daemon, Metrics, System};

/// A file system, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// What is used of it.
    pub used_bytes: i64,
    /// All of it.
    pub total_bytes: i64,
}

/// What the page shows.
pub struct SystemPage<'a> {
    /// Host and daemon.
    pub system: &'a System,
    /// The file system of the home, if it can be asked.
    pub disk: Option<Disk>,
    /// How many processes there are in each state, with the state's word.
    pub counts: &'a [(String, usize)],
    /// How far back the history goes, as the API says it.
    pub range: &'a str,
    /// What the host has used.
    pub metrics: &'a Metrics,
    /// The reader.
    pub reader: &'a Reader,
}

/// What there is to say about pmdaemon itself.
pub(super) fn about(daemon: &Daemon) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Version", daemon.version.clone()),
        ("Daemon", format!("pid {}, for {}", daemon.pid, text::duration(daemon.uptime_ms))),
    ];
    facts.push(("Keeper", daemon.keeper_pid.map_or("there is none".to_owned(), |pid| format!("pid {pid}"))));
    facts.push(("Home", daemon.home.clone()));
    for listener in &daemon.listeners {
        let of = [(listener.temporary, "while a command runs"), (listener.no_auth, "without authentication")];
        let of: Vec<&str> = of.into_iter().filter(|(so, _)| *so).map(|(_, words)| words).collect();
        let address = format!("http://{}:{}", listener.host, listener.port);
        facts.push((
            "Address",
            if of.is_empty() { address } else { format!("{address} ({})", of.join(", ")) },
        ));
    }
    if let Some(upgrade) = &daemon.upgrade {
        let detail = upgrade.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        facts.push(("Latest upgrade", format!("{}{detail}", upgrade.status)));
    }
    facts
}

/// The page.
pub fn system_page(page: &SystemPage<'_>) -> String {
    let store = &page.system.store;
    let mut saved = vec![("State", store.detail.clone().unwrap_or_else(|| store.status.clone()))];
    saved.push(("Copies", store.copies.to_string()));
    if let Some(at) = &store.last_copy_at {
        saved.push(("Latest copy", format!("{} UTC", event::moment(at))));
    }
    if let Some(loss) = &store.loss {
        saved.push(("Damaged", format!("{}: {} It is kept as {}.", loss.at, loss.detail, loss.kept)));
    }
    render(&View {
        frame: Frame::new(page.reader, Here::System),
        system: page.system,
        host: HostView::new(&page.system.host),
        disk: page.disk.map(|disk| DiskView {
            used: text::bytes(disk.used_bytes),
            total: text::bytes(disk.total_bytes),
            share: text::share(disk.used_bytes as f64, disk.total_bytes as f64),
        }),
        counts: page.counts,
        facts: about(&page.system.daemon),
        saved,
        range: page.range,
        chart: Charts::new("", "host".to_owned(), page.metrics, Some(100.0)),
    })
}

#[derive(Template)]
#[template(path = "system.html")]
struct View<'a> {
    frame: Frame<'a>,
    system: &'a System,
    host: HostView,
    disk: Option<DiskView>,
    counts: &'a [(String, usize)],
    facts: Vec<(&'static str, String)>,
    saved: Vec<(&'static str, String)>,
    range: &'a str,
    chart: Charts<'a>,
}

struct DiskView {
    used: String,
    total: String,
    share: f64,
}
