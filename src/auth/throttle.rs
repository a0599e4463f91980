//! How often somebody may try to log in: per account, per address, and all together.
//!
//! Each attempt puts a drop into its buckets, which leak; a full one refuses until a drop has
//! leaked. Whoever was right takes their drops back. Attempts count before they are judged, so that
//! many at once are no more than one after the other.

use std::collections::HashMap;
use std::net::IpAddr;

/// What an attempt is counted by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    Account(String),
    Address(IpAddr),
    Everybody,
}

impl Key {
    /// How many drops a bucket holds, and how long it takes to leak one.
    fn bounds(&self) -> (u64, u64) {
        match self {
            Key::Account(_) => (10, 30_000),
            Key::Address(_) => (20, 15_000),
            Key::Everybody => (200, 500),
        }
    }
}

/// So many buckets are remembered; of more, the emptiest is forgotten.
const BUCKETS: usize = 10_000;

/// The attempts of late.
#[derive(Debug, Default)]
pub struct Throttle(HashMap<Key, Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// How full it is, in the time that it takes to leak: milliseconds.
    level_ms: u64,
    at_ms: u64,
}

/// Too many attempts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The next one can be made after so many seconds.
    pub seconds: u64,
}

impl Throttle {
    /// Counts an attempt, if it may be made. `address` is absent for the unix socket.
    ///
    /// # Errors
    /// How long to wait; the attempt is not counted.
    pub fn attempt(
        &mut self,
        account: Option<&str>,
        address: Option<IpAddr>,
        now_ms: u64,
    ) -> Result<(), Wait> {
        let keys = keys(account, address);
        for key in &keys {
            let (holds, leak_ms) = key.bounds();
            let level_ms = self.level(key, now_ms);
            if level_ms + leak_ms > holds * leak_ms {
                let over_ms = level_ms + leak_ms - holds * leak_ms;
                return Err(Wait { seconds: over_ms.div_ceil(1000).max(1) });
            }
        }
        for key in keys {
            let level_ms = self.level(&key, now_ms) + key.bounds().1;
            self.make_room(now_ms);
            self.0.insert(key, Bucket { level_ms, at_ms: now_ms });
        }
        Ok(())
    }

    /// That attempt was right: the account begins anew, the others get their drop back.
    pub fn right(&mut self, account: Option<&str>, address: Option<IpAddr>, now_ms: u64) {
        for key in keys(account, address) {
            let level_ms = match key {
                Key::Account(_) => 0,
                Key::Address(_) | Key::Everybody => self.level(&key, now_ms).saturating_sub(key.bounds().1),
            };
            match level_ms {
                0 => drop(self.0.remove(&key)),
                level_ms => drop(self.0.insert(key, Bucket { level_ms, at_ms: now_ms })),
            }
        }
    }

    fn level(&self, key: &Key, now_ms: u64) -> u64 {
        self.0.get(key).map_or(0, |bucket| bucket.level(now_ms))
    }

    fn make_room(&mut self, now_ms: u64) {
        if self.0.len() < BUCKETS {
            return;
        }
        self.0.retain(|_, bucket| bucket.level(now_ms) > 0);
        if self.0.len() >= BUCKETS
            && let Some(emptiest) =
                self.0.iter().min_by_key(|(_, b)| b.level(now_ms)).map(|(key, _)| key.clone())
        {
            self.0.remove(&emptiest);
        }
    }
}

impl Bucket {
    fn level(&self, now_ms: u64) -> u64 {
        self.level_ms.saturating_sub(now_ms.saturating_sub(self.at_ms))
    }
}

fn keys(account: Option<&str>, address: Option<IpAddr>) -> Vec<Key> {
    let account = account.map(|name| Key::Account(name.chars().take(64).collect()));
    let address = address.map(|address| Key::Address(network(address)));
    account.into_iter().chain(address).chain([Key::Everybody]).collect()
}

/// Whoever has one address of IPv6 has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// How many attempts in a row may be made.
    fn free(throttle: &mut Throttle, account: &str, from: &str, now_ms: u64) -> usize {
        (0..1000).take_while(|_| throttle.attempt(Some(account), address(from), now_ms).is_ok()).count()
    }

    #[test]
    fn an_account_has_ten_attempts_and_then_one_each_half_minute() {
        let mut throttle = Throttle::default();
        assert_eq!(free(&mut throttle, "alice", "10.0.0.1", NOW), 10);
        // From elsewhere, too; and others are not affected.
        assert_eq!(throttle.attempt(Some("alice"), address("10.0.0.2"), NOW), Err(Wait { seconds: 30 }));
        assert!(throttle.attempt(Some("bob"), address("10.0.0.2"), NOW).is_ok());
        assert_eq!(throttle.attempt(Some("alice"), None, NOW + 29_001), Err(Wait { seconds: 1 }));
        assert_eq!(free(&mut throttle, "alice", "10.0.0.2", NOW + 30_000), 1);
        assert_eq!(free(&mut throttle, "alice", "10.0.0.2", NOW + 30_000 + 300_000), 10);
    }

    #[test]
    fn an_address_has_twenty_attempts_whatever_the_accounts() {
        let mut throttle = Throttle::default();
        let mut attempt =
            |n: usize, from: &str| throttle.attempt(Some(&format!("user{n}")), address(from), NOW);
        assert_eq!((0..100).filter(|n| attempt(*n, "10.0.0.1").is_ok()).count(), 20);
        assert_eq!(attempt(500, "10.0.0.1"), Err(Wait { seconds: 15 }));
        assert_eq!(attempt(500, "::ffff:10.0.0.1"), Err(Wait { seconds: 15 }));
        assert!(attempt(501, "10.0.0.2").is_ok());
        assert_eq!((600..700).filter(|n| attempt(*n, &format!("2001:db8::{n}")).is_ok()).count(), 20);
        assert!(attempt(701, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn everybody_together_has_a_bound_and_memory_too() {
        let mut throttle = Throttle::default();
        let mut attempt =
            |n: u32, at| throttle.attempt(Some(&n.to_string()), Some(IpAddr::from(n.to_be_bytes())), at);
        assert_eq!((0..1000).filter(|n| attempt(*n, NOW).is_ok()).count(), 200);
        for n in 1000..30_000 {
            let _ = attempt(n, NOW + u64::from(n) * 500);
        }
        assert!(throttle.0.len() <= BUCKETS);
    }

    #[test]
    fn whoever_is_right_never_runs_out_of_attempts() {
        let mut throttle = Throttle::default();
        for _ in 0..500 {
            assert!(throttle.attempt(Some("alice"), address("10.0.0.1"), NOW).is_ok());
            throttle.right(Some("alice"), address("10.0.0.1"), NOW);
        }
        // Being right as oneself gives no attempts at others.
        for n in 0..20 {
            assert!(throttle.attempt(Some(&format!("user{n}")), address("10.0.0.1"), NOW).is_ok());
        }
        assert!(throttle.attempt(Some("alice"), address("10.0.0.1"), NOW).is_err());
    }
}
