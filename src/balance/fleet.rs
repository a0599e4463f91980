//! The processes that stand behind the balancer, as they are now.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::backend::{Active, Backend};
use super::choose::{self, Candidate};
use super::table::{self, Settings, Sticky, Table};
use super::workers;

/// All of them.
pub struct Fleet {
    /// As the last table said.
    state: Mutex<State>,
    /// The same once more for each thread that answers, which therefore waits for no other.
    desks: Vec<Desk>,
    turn: AtomicUsize,
    /// The balancer is about to end: nobody is waited for.
    is_ending: AtomicBool,
    /// Grows with each table.
    changed: watch::Sender<u64>,
    /// What has happened since the balancer began.
    pub tally: Tally,
}

/// What has happened since the balancer began.
#[derive(Default)]
pub struct Tally {
    /// Connections of clients that are open.
    pub connections: AtomicUsize,
    /// Requests, or connections in TCP mode, that nobody answered.
    pub errors: AtomicU64,
    /// Times that another process was tried.
    pub retries: AtomicU64,
}

#[derive(Clone, Default)]
struct State {
    generation: u64,
    settings: Settings,
    in_service: Vec<Arc<Backend>>,
    draining: Vec<Arc<Backend>>,
}

/// What a thread needs for each request, in cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Desk(Mutex<OnDesk>);

#[derive(Default)]
struct OnDesk {
    state: State,
    /// What came in.
    requests: u64,
    /// Room for those of the present choice.
    candidates: Vec<Candidate>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, OnDesk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who asks, and with whom it is to stay.
#[derive(Clone, Copy)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// The instance that its cookie names.
    pub cookie: Option<u32>,
}

impl Fleet {
    /// Nobody is there yet. So many threads will answer.
    pub fn new(threads: usize) -> Arc<Fleet> {
        let changed = watch::Sender::new(0);
        let (state, turn, tally) = (Mutex::default(), AtomicUsize::new(0), Tally::default());
        let desks = (0..threads).map(|_| Desk::default()).collect();
        Arc::new(Fleet { state, desks, turn, is_ending: AtomicBool::new(false), changed, tally })
    }

    /// From now on nobody is waited for.
    pub fn end(&self) {
        self.is_ending.store(true, Relaxed);
        self.changed.send_modify(|_| ());
    }

    /// The balancer is about to end.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Relaxed)
    }

    /// Whether somebody who wanted to wait until then has waited long enough for a process.
    pub fn is_over(&self, patience: Instant) -> bool {
        self.is_ending.load(Relaxed) || Instant::now() >= patience
    }

    fn is_hopeless(&self) -> bool {
        self.is_ending.load(Relaxed) || self.settings().nobody_comes
    }

    /// Takes over a table. A life that was there before goes on counting.
    pub fn update(&self, table: Table) {
        let mut state = self.state();
        let known: Vec<Arc<Backend>> = state.in_service.iter().chain(&state.draining).cloned().collect();
        // The first that are told were there before this balancer, or nobody was.
        let new_since = (!known.is_empty()).then(Instant::now);
        let find = |row: &table::Backend| {
            let same = known.iter().find(|old| old.run == row.run && old.port == row.port);
            same.cloned().unwrap_or_else(|| Backend::new(row, new_since, self.desks.len()))
        };
        let (draining, serving): (Vec<_>, Vec<_>) = table.backends.iter().partition(|row| row.draining);
        state.in_service = serving.into_iter().map(find).collect();
        state.draining = draining.into_iter().map(find).collect();
        state.settings = table.settings;
        state.generation = table.generation;
        // Whoever reads the state from now on sees a choice that came before, and none comes after.
        self.desks.iter().for_each(|desk| desk.lock().state = state.clone());
        let serving: BTreeSet<u64> = state.in_service.iter().map(|backend| backend.run).collect();
        known
            .iter()
            .chain(&state.draining)
            .filter(|one| !serving.contains(&one.run))
            .for_each(|one| one.leave());
        drop(state);
        self.changed.send_replace(table.generation);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn desk(&self) -> MutexGuard<'_, OnDesk> {
        self.desks[workers::here()].lock()
    }

    /// How it works now.
    pub fn settings(&self) -> Settings {
        self.desk().state.settings
    }

    /// Returns when the connections are this balancer's to accept.
    pub async fn its_turn(&self) {
        let mut changed = self.changed.subscribe();
        while self.settings().leaves_queue {
            // It lives as long as the fleet.
            let _ = changed.changed().await;
        }
    }

    /// Counts a request, or a connection in TCP mode, that came in. How it works now.
    pub fn came(&self) -> Settings {
        let mut desk = self.desk();
        desk.requests += 1;
        desk.state.settings
    }

    /// What came in since the balancer began.
    pub fn requests(&self) -> u64 {
        self.desks.iter().map(|desk| desk.lock().requests).sum()
    }

    /// The number of the table, who is in service, and who leaves.
    pub fn picture(&self) -> (u64, Vec<Arc<Backend>>, Vec<Arc<Backend>>) {
        let state = self.state();
        (state.generation, state.in_service.clone(), state.draining.clone())
    }

    /// Gives something new to somebody, who counts it from now on. None: nobody is in service.
    fn try_next(&self, client: Client, tried: &[u64]) -> Option<Active> {
        // Held to the end of the choice: a table that takes somebody out of service comes before or
        // after it, so that what it gets is seen by whoever waits until it has nothing left.
        let mut desk = self.desk();
        let OnDesk { state, candidates, .. } = &mut *desk;
        let bound = match state.settings.sticky {
            Sticky::None => None,
            Sticky::Cookie => client.cookie,
            Sticky::Address => {
                choose::by_address(state.in_service.iter().map(|backend| backend.instance), client.address)
            }
        };
        let slow_start = Duration::from_millis(state.settings.slow_start_ms);
        candidates.clear();
        candidates.extend(state.in_service.iter().map(|backend| backend.candidate(slow_start, tried)));
        let turn = self.turn.fetch_add(1, Relaxed);
        let place = choose::next(candidates, state.settings.method, turn, bound)?;
        Some(Active::new(&state.in_service[place]))
    }

    /// Gives something new to somebody; waits until `deadline` for somebody to be in service.
    pub async fn next(&self, client: Client, tried: &[u64], deadline: Instant) -> Option<Active> {
        // Mostly somebody is there.
        if let Some(active) = self.try_next(client, tried) {
            return Some(active);
        }
        // Seldom, and large.
        Box::pin(self.somebody(client, tried, deadline)).await
    }

    async fn somebody(&self, client: Client, tried: &[u64], deadline: Instant) -> Option<Active> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(active) = self.try_next(client, tried) {
                return Some(active);
            }
            if self.is_hopeless() {
                return None;
            }
            match tokio::time::timeout_at(deadline.into(), changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(generation: u64, rows: &[(u64, bool)]) -> Table {
        let row = |(run, draining): &(u64, bool)| table::Backend {
            run: *run,
            instance: *run as u32,
            port: 4000 + *run as u16,
            draining: *draining,
        };
        Table { generation, backends: rows.iter().map(row).collect(), settings: Settings::default() }
    }

    const CLIENT: Client = Client { address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), cookie: None };

    #[tokio::test]
    async fn who_leaves_gets_nothing_new_and_is_watched_until_it_has_nothing_left() {
        let fleet = Fleet::new(1);
        fleet.update(table(1, &[(1, false)]));
        let soon = Instant::now() + Duration::from_secs(5);
        let first = fleet.next(CLIENT, &[], soon).await.unwrap();
        fleet.update(table(2, &[(1, true), (2, false)]));
        for _ in 0..4 {
            assert_eq!(fleet.next(CLIENT, &[], soon).await.unwrap().backend().run, 2);
        }
        let active = || fleet.picture().2[0].counts().0;
        assert_eq!(active(), 1);
        drop(first);
        assert_eq!(active(), 0);
    }

    #[tokio::test]
    async fn a_request_waits_for_somebody_to_be_in_service_and_not_for_ever() {
        let fleet = Fleet::new(1);
        fleet.update(table(1, &[(1, true)]));
        assert!(fleet.next(CLIENT, &[], Instant::now() + Duration::from_millis(20)).await.is_none());
        let waiting = {
            let fleet = Arc::clone(&fleet);
            tokio::spawn(async move {
                fleet
                    .next(CLIENT, &[], Instant::now() + Duration::from_secs(20))
                    .await
                    .map(|a| a.backend().run)
            })
        };
        tokio::task::yield_now().await;
        fleet.update(table(2, &[(3, false)]));
        assert_eq!(waiting.await.unwrap(), Some(3));
    }

    #[tokio::test]
    async fn who_refuses_is_left_out_until_it_accepts() {
        let fleet = Fleet::new(1);
        fleet.update(table(1, &[(1, false), (2, false)]));
        let soon = Instant::now() + Duration::from_secs(5);
        fleet.picture().1[0].refused();
        for _ in 0..4 {
            assert_eq!(fleet.next(CLIENT, &[], soon).await.unwrap().backend().run, 2);
        }
        fleet.picture().1[0].accepted();
        let seen: BTreeSet<u64> = [fleet.next(CLIENT, &[], soon).await, fleet.next(CLIENT, &[], soon).await]
            .iter()
            .map(|active| active.as_ref().unwrap().backend().run)
            .collect();
        assert_eq!(seen, BTreeSet::from([1, 2]));
    }
}
