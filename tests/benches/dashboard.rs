//! What the list of 500 processes costs the server: `cargo bench --bench dashboard`.
//!
//! The page is made in 10 ms or less, and 300 of them or more are served per second, compressed as
//! browsers take them. (What it costs the browser: `web/tests/dashboard.spec/speed.mjs`.)

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use pmdaemon::dashboard::{Order, ProcessesPage, Reader, processes_page};
use pmdaemon::wire::{ProcessList, System, Whoami};
use support::{Api, Home};

const ROWS: usize = 500;
const RENDERED: usize = 200;
/// Browsers that ask at the same time.
const CLIENTS: usize = 8;
const SERVING: Duration = Duration::from_secs(5);

fn main() {
    let home = Home::new();
    home.ok(&["start", "sleep", "--name", "service", "--instances", &ROWS.to_string(), "--", "100000"]);
    let api = home.api();
    let each = render(&api);
    println!("made in {:.2} ms, the median of {RENDERED}", each.as_secs_f64() * 1000.0);
    let plain = serve(&api, "identity");
    let gzip = serve(&api, "gzip");
    println!("{:.0} a second as they are ({} bytes)", plain.rate, plain.size);
    println!("{:.0} a second compressed ({} bytes)", gzip.rate, gzip.size);
    assert!(each <= Duration::from_millis(10), "the page takes too long to make");
    assert!(gzip.rate >= 300.0, "too few pages are served");
}

/// How long the page takes to be made of what the API tells.
fn render(api: &Api) -> Duration {
    let read = |path: &str| api.get(path);
    let list: ProcessList = serde_json::from_value(read("/api/v1/processes")).expect("processes");
    let system: System = serde_json::from_value(read("/api/v1/system")).expect("the system");
    let who: Whoami = serde_json::from_value(read("/api/v1/auth/whoami")).expect("who asks");
    assert_eq!(list.items.len(), ROWS);
    let reader = Reader { who, firing: 0 };
    let order = Order::default();
    let page = ProcessesPage {
        processes: &list.items,
        order: &order,
        picture: "1-1",
        system: &system,
        reader: &reader,
    };
    let mut took: Vec<Duration> = (0..RENDERED)
        .map(|_| {
            let begun = Instant::now();
            assert!(std::hint::black_box(processes_page(&page)).len() > 100_000);
            begun.elapsed()
        })
        .collect();
    took.sort();
    took[RENDERED / 2]
}

/// How many pages are served in a second, and how long one is.
struct Served {
    rate: f64,
    size: usize,
}

fn serve(api: &Api, encoding: &'static str) -> Served {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (address, token) = (format!("{}/", api.origin()), api.token.clone());
    let begun = Instant::now();
    let client = || {
        let (http, address, token) = (http.clone(), address.clone(), token.clone());
        async move {
            let (mut pages, mut size) = (0_u32, 0);
            while begun.elapsed() < SERVING {
                let request = http.get(&address).bearer_auth(&token).header("Accept-Encoding", encoding);
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                size = answer.bytes().await.expect("a page").len();
                pages += 1;
            }
            (pages, size)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let all = runtime.block_on(async {
        let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client())).collect();
        let mut all = Vec::new();
        for client in clients {
            all.push(client.await.expect("no panic"));
        }
        all
    });
    let pages: u32 = all.iter().map(|(pages, _)| pages).sum();
    Served { rate: f64::from(pages) / begun.elapsed().as_secs_f64(), size: all[0].1 }
}
