//! Who is next. Pure: what is known of each that is in service goes in, a place comes out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use super::table::Method;

/// What is known of one that is in service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its number among the instances.
    pub instance: u32,
    /// What it has to answer now.
    pub active: usize,
    /// It refused a connection just now.
    pub is_down: bool,
    /// It was tried for this request already.
    pub was_tried: bool,
    /// How much of its share it gets, in thousandths: less while it is new.
    pub weight: u32,
}

/// All of its share.
pub const WHOLE: u32 = 1000;

/// The place of the next one. `turn` grows by one with each request, `bound` is the instance with
/// which the client is to stay. None: nobody is in service.
pub fn next(candidates: &[Candidate], method: Method, turn: usize, bound: Option<u32>) -> Option<usize> {
    let count = candidates.len();
    // Whoever was tried, or is down, is better than nobody.
    let worst = |candidate: &Candidate| (candidate.was_tried, candidate.is_down);
    let best = candidates.iter().map(worst).min()?;
    let open = |place: &usize| worst(&candidates[*place]) == best;
    let stays = |place: &usize| Some(candidates[*place].instance) == bound;
    if let Some(place) = (0..count).filter(open).find(stays) {
        return Some(place);
    }
    // Each is the first in its turn, so that equals get the same.
    let mut in_turn = (0..count).map(|step| (turn + step) % count).filter(open);
    match method {
        Method::RoundRobin => {
            let first = in_turn.clone().next();
            in_turn.find(|place| takes(candidates[*place].weight, turn / count)).or(first)
        }
        Method::LeastConnections => in_turn.min_by_key(|place| {
            let Candidate { active, weight, .. } = candidates[*place];
            // What it would have, as a part of what it is to have.
            (active as u64 + 1) * u64::from(WHOLE * WHOLE) / u64::from(weight.max(1))
        }),
    }
}

/// Whether one of that weight takes what comes in that round: so many of a thousand rounds, spread
/// evenly over them.
fn takes(weight: u32, round: usize) -> bool {
    let (weight, round) = (u64::from(weight.min(WHOLE)), (round % WHOLE as usize) as u64);
    (round + 1) * weight / u64::from(WHOLE) > round * weight / u64::from(WHOLE)
}

/// The instance to which that address belongs, of those that are in service. When one goes, only
/// its clients move (rendezvous hashing).
pub fn by_address(instances: impl Iterator<Item = u32>, address: IpAddr) -> Option<u32> {
    instances.max_by_key(|instance| {
        let mut hasher = DefaultHasher::new();
        (address, instance).hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(active: &[usize]) -> Vec<Candidate> {
        let one = |(instance, active): (u32, &usize)| Candidate {
            instance,
            active: *active,
            is_down: false,
            was_tried: false,
            weight: WHOLE,
        };
        (0..).zip(active).map(one).collect()
    }

    #[test]
    fn round_robin_gives_each_its_turn() {
        let all = all(&[9, 0, 5]);
        let turns: Vec<_> = (0..6).map(|turn| next(&all, Method::RoundRobin, turn, None)).collect();
        assert_eq!(turns, [Some(0), Some(1), Some(2), Some(0), Some(1), Some(2)]);
        assert_eq!(next(&[], Method::RoundRobin, 3, None), None);
    }

    #[test]
    fn who_is_new_gets_a_part_of_its_share() {
        let mut some = all(&[0, 0, 0, 0]);
        some[2].weight = 250;
        let turns = (0..4_000).filter_map(|turn| next(&some, Method::RoundRobin, turn, None));
        let given = turns.filter(|place| *place == 2).count();
        assert_eq!(given, 250, "a quarter of a quarter");
        // With four times as much at the others it has as much as is its own.
        let check = |active: &[usize], expected| {
            let mut some = all(active);
            some[0].weight = 250;
            assert_eq!(next(&some, Method::LeastConnections, 0, None), Some(expected), "{active:?}");
        };
        check(&[0, 4, 4], 0);
        check(&[0, 2, 2], 1);
        check(&[1, 8, 8], 0);
        // Nobody else is there.
        let mut alone = all(&[7]);
        alone[0].weight = 1;
        assert_eq!(next(&alone, Method::RoundRobin, 5, None), Some(0));
    }

    #[test]
    fn who_has_least_is_next_and_equals_take_turns() {
        let check = |active: &[usize], turn, place| {
            assert_eq!(next(&all(active), Method::LeastConnections, turn, None), Some(place));
        };
        check(&[2, 1, 3], 0, 1);
        check(&[0, 0, 0], 0, 0);
        check(&[0, 0, 0], 1, 1);
        check(&[0, 0, 0], 5, 2);
    }

    #[test]
    fn who_is_down_or_was_tried_is_the_last_resort() {
        let mut three = all(&[0, 5, 5]);
        three[0].is_down = true;
        assert_eq!(next(&three, Method::LeastConnections, 1, None), Some(1));
        three[1].was_tried = true;
        assert_eq!(next(&three, Method::LeastConnections, 1, None), Some(2));
        three[2].was_tried = true;
        assert_eq!(next(&three, Method::LeastConnections, 1, None), Some(0));
    }

    #[test]
    fn a_client_stays_where_it_is_bound_while_that_can_be() {
        let mut three = all(&[0, 5, 0]);
        assert_eq!(next(&three, Method::LeastConnections, 0, Some(1)), Some(1));
        assert_eq!(next(&three, Method::LeastConnections, 0, Some(7)), Some(0));
        three[1].is_down = true;
        assert_eq!(next(&three, Method::LeastConnections, 2, Some(1)), Some(2));
    }

    #[test]
    fn when_an_instance_goes_only_its_clients_move() {
        let addresses: Vec<IpAddr> = (0..200).map(|last| IpAddr::from([10, 0, 0, last])).collect();
        let at = |instances: &[u32], address| by_address(instances.iter().copied(), address).unwrap();
        let mut seen = [0; 4];
        for address in addresses {
            let before = at(&[0, 1, 2, 3], address);
            seen[before as usize] += 1;
            let after = at(&[0, 1, 3], address);
            assert!(before == 2 || before == after);
        }
        assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
    }
}
