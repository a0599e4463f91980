//! `/`: the live list.

use askama::Template;

use super::frame::{Frame, Here, Reader};
use super::host::HostView;
use super::order::Order;
use super::render;
use super::row::{COLUMNS, Column, Rows};
use crate::wire::{Process, System};

/// What the page shows.
pub struct ProcessesPage<'a> {
    /// The processes that the reader may see, by id.
    pub processes: &'a [Process],
    /// Filter, order and groups.
    pub order: &'a Order,
    /// Which picture of all processes this is.
    pub picture: &'a str,
    /// Host and daemon.
    pub system: &'a System,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn processes_page(page: &ProcessesPage<'_>) -> String {
    render(&View {
        frame: Frame::new(page.reader, Here::Processes),
        order: page.order,
        columns: &COLUMNS,
        system: page.system,
        host: HostView::new(&page.system.host),
        counts: counts(page.processes),
        body: Rows::new(page.processes, page.order, page.picture, &page.reader.who),
    })
}

#[derive(Template)]
#[template(path = "processes.html")]
struct View<'a> {
    frame: Frame<'a>,
    order: &'a Order,
    columns: &'a [Column],
    system: &'a System,
    host: HostView,
    counts: Vec<(&'static str, usize)>,
    body: Rows<'a>,
}

/// How many processes are in each state, the six words in the order of the documents. Zero is
/// kept: the page hides it, and script shows it again when it grows.
fn counts(processes: &[Process]) -> Vec<(&'static str, usize)> {
    ["online", "starting", "restarting", "stopping", "stopped", "errored"]
        .map(|word| (word, processes.iter().filter(|process| process.status == word).count()))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{process, reader};
    use super::*;
    use crate::wire::{Daemon, Host, Role};

    fn page(processes: &[Process], subject: &str) -> String {
        let system = System {
            host: Host {
                hostname: "box<1>".to_owned(),
                cpu_percent: 12.5,
                cpus: 8,
                memory_used_bytes: 4 << 30,
                memory_total_bytes: 16 << 30,
                load_average: vec![0.5, 0.25, 0.125],
                uptime_ms: 1_051_200_000,
            },
            daemon: Daemon {
                version: "0.1.0".to_owned(),
                pid: 1,
                uptime_ms: 1,
                keeper_pid: None,
                home: "/".to_owned(),
                listeners: vec![],
                upgrade: None,
            },
            store: crate::wire::Store::default(),
            logs: None,
            alerts_firing: 0,
        };
        let mut reader = reader(Role::Operator);
        reader.who.subject = subject.to_owned();
        processes_page(&ProcessesPage {
            processes,
            order: &Order::default(),
            picture: "",
            system: &system,
            reader: &reader,
        })
    }

    #[test]
    fn the_page_shows_the_host_the_counts_and_every_process() {
        let html = page(&[process(1, "web", "online"), process(2, "job", "errored")], "ann");
        let told = [
            "12.5%",
            "4.0 GiB",
            "16.0 GiB",
            r#"width="25%""#,
            "0.50 0.25 0.13",
            "12d 4h",
            "p-1",
            "p-2",
            "Log out",
        ];
        for part in told {
            assert!(html.contains(part), "{part} is missing");
        }
        assert!(html.contains("<b>1</b> errored"));
        assert!(html.contains("box&#60;1&#62;"));
    }

    #[test]
    fn an_empty_list_says_what_to_type() {
        assert!(page(&[], "ann").contains("pmdaemon start app.js --name myapp"));
    }

    #[test]
    fn every_page_warns_when_authentication_is_off() {
        assert!(page(&[], "no-auth").contains("Authentication is off"));
        assert!(!page(&[], "ann").contains("Authentication is off"));
        assert!(!page(&[], "no-auth").contains("/logout"));
    }

    #[test]
    fn five_hundred_rows_stay_below_the_budget() {
        let processes: Vec<_> = (0..500).map(|id| process(id, &format!("service-{id}"), "online")).collect();
        let size = zstd::encode_all(page(&processes, "ann").as_bytes(), 3).unwrap().len();
        assert!(size < 60 * 1024, "{size} bytes, compressed");
    }
}
