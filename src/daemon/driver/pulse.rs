//! What the keeper hears regularly: that this loop goes round, and how the services are. Who asked whose a
//! reserved port is has waited long enough by then, too.

use super::{Driver, Snapshot};
use crate::keeper::protocol::Order;
use crate::model::Status;

impl Driver {
    pub(super) fn give_pulse(&mut self) {
        let status = in_words(&self.snapshot.borrow());
        self.keeper.order(Order::Pulse { status });
        self.reserved.hang_up();
    }
}

/// `12 online, 1 errored`.
fn in_words(snapshot: &Snapshot) -> String {
    words(snapshot.processes.values().map(|process| process.state.status()))
}

fn words(all: impl Iterator<Item = Status> + Clone) -> String {
    let count = |status| (all.clone().filter(|one| *one == status).count(), status);
    let counts = Status::ALL.into_iter().map(count).filter(|(count, _)| *count > 0);
    let mut counts: Vec<_> = counts.collect();
    // Those that are as they should be first.
    counts.sort_by_key(|(_, status)| *status != Status::Online);
    match counts.is_empty() {
        true => "no services".to_owned(),
        false => {
            counts.iter().map(|(count, status)| format!("{count} {status}")).collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_up_is_counted_first_and_nobody_is_not_counted() {
        use Status::{Errored, Online, Starting};
        assert_eq!(words([].into_iter()), "no services");
        assert_eq!(words([Online].into_iter()), "1 online");
        let many = [Starting, Errored, Online, Online, Starting];
        assert_eq!(words(many.into_iter()), "2 online, 2 starting, 1 errored");
    }
}
