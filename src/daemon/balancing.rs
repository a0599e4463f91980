//! What balancers are told: a table for each balanced app, written anew whenever somebody comes into
//! service or leaves it.
//!
//! One task for each app writes, so that the loop does not wait for a disk. The numbers of tables
//! grow over daemons, since they begin with the time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::clock;
use super::draining::Draining;
use crate::balance::table::{Backend, Method, Mode, Settings, Sticky, Table};
use crate::home::Home;
use crate::model::{self, AppId, AppSpec, Balance, BalanceMethod, BalanceMode, Fact};
use crate::supervisor::{Route, Supervisor};

/// A table that could not be written is tried again after this.
const RETRY: Duration = Duration::from_millis(500);

/// The tables of all balanced apps.
pub struct Balancing {
    home: Home,
    generation: u64,
    tables: BTreeMap<AppId, watch::Sender<Table>>,
    draining: Draining,
}

impl Balancing {
    /// Nobody was told anything yet. Who has drained is said there.
    pub fn new(home: Home, found: mpsc::Sender<Fact>) -> Balancing {
        let draining = Draining::new(found);
        Balancing { home, generation: clock::unix_ms() * 1000, tables: BTreeMap::new(), draining }
    }

    /// Tells balancers what has changed.
    pub fn update(&mut self, brain: &Supervisor) {
        let balanced: Vec<(AppId, Balance)> =
            brain.balanced().filter_map(|(id, spec)| Some((id, spec.balance.clone()?))).collect();
        let gone = self.tables.extract_if(.., |app, _| !balanced.iter().any(|(id, _)| id == app));
        for (app, _) in gone {
            let (table, status) = places(&self.home, app);
            // Nobody reads them any more; another app never gets that number.
            tokio::task::spawn_blocking(move || [table, status].map(std::fs::remove_file));
        }
        let mut leaving = BTreeMap::new();
        for (app, balance) in balanced {
            let routes = brain.routes(app);
            let backends = routes.iter().map(backend).collect();
            let is_served = routes.iter().any(|route| !route.draining);
            let leaves_queue = !is_served && brain.others_accept(app);
            let nobody_comes = !brain.is_awaited(app);
            let settings = Settings { nobody_comes, leaves_queue, ..settings(&balance) };
            match self.tables.get(&app) {
                Some(table) => {
                    let is_new = {
                        let before = table.borrow();
                        (&before.settings, &before.backends) != (&settings, &backends)
                    };
                    if is_new {
                        self.generation += 1;
                        table.send_replace(Table { generation: self.generation, settings, backends });
                    }
                }
                None => {
                    self.generation += 1;
                    let (table, told) =
                        watch::channel(Table { generation: self.generation, settings, backends });
                    self.tables.insert(app, table);
                    tokio::spawn(tell(places(&self.home, app).0, told));
                }
            }
            let generation = self.tables.get(&app).map_or(0, |table| table.borrow().generation);
            for route in routes.iter().filter(|route| route.draining) {
                leaving.insert(route.run, (places(&self.home, app).1, generation));
            }
        }
        self.draining.update(leaving);
    }
}

/// Where a balancer finds its table, and where it says how it is doing.
pub fn places(home: &Home, app: AppId) -> (PathBuf, PathBuf) {
    (home.balance_dir().join(format!("{app}.json")), home.balancer_socket(app.0))
}

/// The balancer of that app, as it is executed.
pub fn program(home: &Home, app: AppId, spec: &AppSpec) -> Arc<AppSpec> {
    let (table, status) = places(home, app);
    let words =
        ["balancer", "--table", &table.display().to_string(), "--status", &status.display().to_string()];
    Arc::new(AppSpec { args: words.map(str::to_owned).to_vec(), ..spec.clone() })
}

async fn tell(table: PathBuf, mut told: watch::Receiver<Table>) {
    loop {
        let next = told.borrow_and_update().clone();
        let path = table.clone();
        let written = tokio::task::spawn_blocking(move || {
            let directory = path.parent().map(std::fs::create_dir_all);
            directory.unwrap_or(Ok(())).and_then(|()| next.write(&path))
        });
        match written.await {
            Ok(Ok(())) => {
                if told.changed().await.is_err() {
                    break;
                }
            }
            Ok(Err(error)) => {
                tracing::error!(
                    "cannot write {}, which tells a balancer who is there: {error}",
                    table.display()
                );
                tokio::time::sleep(RETRY).await;
            }
            Err(_) => break,
        }
    }
}

fn backend(route: &Route) -> Backend {
    Backend { run: route.run.0, instance: route.instance, port: route.port, draining: route.draining }
}

fn settings(balance: &Balance) -> Settings {
    Settings {
        mode: match balance.mode {
            BalanceMode::Http => Mode::Http,
            BalanceMode::Tcp => Mode::Tcp,
        },
        method: match balance.method {
            BalanceMethod::LeastConnections => Method::LeastConnections,
            BalanceMethod::RoundRobin => Method::RoundRobin,
        },
        sticky: match balance.sticky {
            model::Sticky::None => Sticky::None,
            model::Sticky::Cookie => Sticky::Cookie,
            model::Sticky::Address => Sticky::Address,
        },
        timeout_ms: balance.timeout.as_millis() as u64,
        slow_start_ms: balance.slow_start.as_millis() as u64,
        ..Settings::default()
    }
}
